import type { MessageKey, Translate } from './messages.ts';

/** A key press as tinykeys writes it, such as `$mod+Shift+z`; punctuation also with Shift, which some layouts need. */
export function expandPress(press: string): string[] {
  const isPunctuation = press.length === 1 && !/[\p{L}\p{N}\s]/u.test(press);
  return isPunctuation ? [press, `Shift+${press}`, `AltGraph+${press}`] : [press];
}

const symbols: Record<string, string> = {
  ArrowUp: '↑',
  ArrowDown: '↓',
  ArrowLeft: '←',
  ArrowRight: '→',
};

const named: Record<string, MessageKey> = {
  Space: 'key.space',
  Enter: 'key.enter',
  Escape: 'key.escape',
  Delete: 'key.delete',
  Backspace: 'key.backspace',
  Home: 'key.home',
  End: 'key.end',
  PageUp: 'key.page-up',
  PageDown: 'key.page-down',
  Shift: 'key.shift',
  Control: 'key.control',
};

/** A key press as a person reads it: `Ctrl+Shift+Z`, or `⌘⇧Z` on a Mac. */
export function showPress(press: string, translate: Translate, isMac: boolean): string {
  const parts = press.split('+').map((part) => {
    if (part === '$mod') return isMac ? '⌘' : translate('key.control');
    if (isMac && part === 'Shift') return '⇧';
    if (isMac && part === 'Alt') return '⌥';
    const name = named[part];
    if (name !== undefined) return translate(name);
    const key = part.replace(/^(Digit|Key)/, '');
    return symbols[key] ?? (key.length === 1 ? key.toUpperCase() : key);
  });
  return parts.join(isMac ? '' : '+');
}
