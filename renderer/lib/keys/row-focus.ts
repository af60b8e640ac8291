import type { KeyBinding } from './keys.svelte.ts';

const rows = () => [...document.querySelectorAll<HTMLElement>('main [data-row]')];

/**
 * Moves the focus among the elements with `data-row` in the document: `step` rows on, staying within the list. Without
 * a focused row the first or last is taken.
 */
function moveRowFocus(step: number): void {
  const all = rows();
  const present = all.findIndex((row) => row === document.activeElement);
  const start = step > 0 ? 0 : all.length - 1;
  const next = present === -1 ? start : Math.min(all.length - 1, Math.max(0, present + step));
  all[next]?.focus();
  all[next]?.scrollIntoView({ block: 'nearest' });
}

/** Keys of a view with rows: to the next one and the one before. */
export const rowKeys = (when: () => boolean = () => true): KeyBinding[] => [
  { keys: ['j', 'ArrowDown'], label: 'keys.next', hint: true, when, run: () => moveRowFocus(1) },
  { keys: ['k', 'ArrowUp'], label: 'keys.previous', hint: true, when, run: () => moveRowFocus(-1) },
];

/** Moves the focus to the element with this `data-row`, where there is one. */
export function focusRow(row: string): void {
  rows()
    .find((one) => one.dataset['row'] === row)
    ?.focus();
}

/** The item whose id is the `data-row` of the focused row. */
export function focusedRow<Item extends { id: number }>(
  items: readonly Item[] | undefined,
): Item | undefined {
  const row = document.activeElement?.getAttribute('data-row');
  return items?.find(({ id }) => String(id) === row);
}
