import { untrack } from 'svelte';
import { matchKeybindingPress, parseKeybinding } from 'tinykeys';
import { locale } from '../text/i18n.svelte.ts';
import { expandPress, showPress } from '../text/key-text.ts';
import type { MessageKey } from '../text/messages.ts';

/** A key of a view and what it does. */
export interface KeyBinding {
  /** Key presses in the notation of tinykeys, each of which does it: `j`, `ArrowDown`, `$mod+z`. */
  keys: string[];
  label: MessageKey;
  run: (event: KeyboardEvent) => void;
  /** Whether it can be used now; always when left out. */
  when?: () => boolean;
  /** Shown in the status line, too, not only in the list of all keys. */
  hint?: boolean;
  /** Works while a text is being typed, too. */
  inFields?: boolean;
}

interface Scope {
  title: MessageKey;
  bindings: () => KeyBinding[];
}

const isMac = /mac/i.test(navigator.userAgent);

class KeyMap {
  /** The keys of the last one come first. */
  private scopes: Scope[] = $state.raw([]);
  /** Number of open dialogs: while there is one, only its own keys work. */
  private suspensions = 0;

  readonly groups = $derived(
    this.scopes.map(({ title, bindings }) => ({ title, bindings: bindings() })).reverse(),
  );

  readonly hints = $derived(
    this.groups.flatMap(({ bindings }) =>
      bindings.filter(({ hint, when }) => hint === true && (when?.() ?? true)),
    ),
  );

  constructor() {
    window.addEventListener('keydown', (event) => this.handle(event));
  }

  /** Adds keys until the returned function is called. */
  add(scope: Scope): () => void {
    this.scopes = [...this.scopes, scope];
    return () => (this.scopes = this.scopes.filter((other) => other !== scope));
  }

  suspend(): () => void {
    this.suspensions++;
    return () => this.suspensions--;
  }

  private handle(event: KeyboardEvent): void {
    if (event.defaultPrevented || event.isComposing || this.suspensions > 0) return;
    for (const { bindings } of this.groups) {
      const binding = bindings.find((candidate) => applies(candidate, event));
      if (binding === undefined) continue;
      event.preventDefault();
      binding.run(event);
      return;
    }
  }
}

function applies({ keys, when, inFields }: KeyBinding, event: KeyboardEvent): boolean {
  if (inFields !== true && belongsToFocus(event)) return false;
  return keys.flatMap(expandPress).some((press) => matches(press, event)) && (when?.() ?? true);
}

function matches(press: string, event: KeyboardEvent): boolean {
  const [parsed] = parseKeybinding(press);
  return parsed !== undefined && matchKeybindingPress(event, parsed);
}

/** Whether keys enter a text, or another value, in this element. */
export function isTextField(element: Element | null): boolean {
  if (element instanceof HTMLInputElement) return !['checkbox', 'radio', 'button'].includes(element.type);
  return element instanceof HTMLElement && (element.isContentEditable || element.matches('textarea'));
}

/** Whether the focused control uses this key itself. */
function belongsToFocus({ target, key, ctrlKey, metaKey }: KeyboardEvent): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (isTextField(target) || target.matches('select')) return true;
  if (target instanceof HTMLInputElement && key === ' ') return true;
  if (target.matches('a[href]') && key === 'Enter') return true;
  const isButton = target.matches('button, summary, [role=button], [role=menuitem], [role=option]');
  if (isButton && (key === 'Enter' || key === ' ')) return true;
  const isSlider = target.matches('[role=slider]');
  return isSlider && !ctrlKey && !metaKey && /^(Arrow|Home|End|Page)/.test(key);
}

export const keyMap = new KeyMap();

/** Registers a component's keys for as long as it is mounted; call it while the component is set up. */
export function useKeys(title: MessageKey, bindings: () => KeyBinding[]): void {
  // `add` reads the other scopes: untracked, since the effect must not run again when they change.
  $effect(() => untrack(() => keyMap.add({ title, bindings })));
}

/** A press as a person reads it. */
export const pressText = (press: string) => showPress(press, locale.translate, isMac);
