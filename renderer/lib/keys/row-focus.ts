/**
 * Moves the focus among the elements with `data-row` in the document: `step` rows on, staying within the list. Without
 * a focused row the first or last is taken.
 */
export function moveRowFocus(step: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('main [data-row]')];
  const present = rows.findIndex((row) => row === document.activeElement);
  const start = step > 0 ? 0 : rows.length - 1;
  const next = present === -1 ? start : Math.min(rows.length - 1, Math.max(0, present + step));
  rows[next]?.focus();
  rows[next]?.scrollIntoView({ block: 'nearest' });
}

/** Moves the focus to the element with this `data-row`, where there is one. */
export function focusRow(row: string): void {
  document.querySelector<HTMLElement>(`main [data-row="${CSS.escape(row)}"]`)?.focus();
}
