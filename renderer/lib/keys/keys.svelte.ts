import { untrack } from 'svelte';
import { matchKeybindingPress, parseKeybinding } from 'tinykeys';
import { locale } from '../text/i18n.svelte.ts';
import { expandPress, showPress } from '../text/key-text.ts';
import type { MessageKey } from '../text/messages.ts';

/** What a key does in a view. */
export interface KeyBinding {
  /** Presses as tinykeys writes them, any of which does it: `j`, `ArrowDown`, `$mod+z`. */
  keys: string[];
  label: MessageKey;
  run: (event: KeyboardEvent) => void;
  /** Whether it can be used now; always when left out. */
  when?: () => boolean;
  /** Named in the status line, not only in the list of all keys. */
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
  /** The last is asked first. */
  private scopes: Scope[] = $state.raw([]);
  /** Open dialogs: while there is one, the keys are its own. */
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

/** Whether text is typed here, or another value that an input takes by keys. */
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

/** Registers a component's keys while it is there; call it where the component starts. */
export function useKeys(title: MessageKey, bindings: () => KeyBinding[]): void {
  // Adding reads the other scopes, and must not happen again when they change.
  $effect(() => untrack(() => keyMap.add({ title, bindings })));
}

/** A press as a person reads it. */
export const pressText = (press: string) => showPress(press, locale.translate, isMac);
