/**
 * Puts the focus on the first control of a dialog that has just opened, in place of the dialog itself; on the dialog
 * where it has none.
 */
export function focusFirst(event: Event): void {
  event.preventDefault();
  const dialog = document.querySelector<HTMLElement>('.dialog');
  const control = dialog?.querySelector<HTMLElement>('input, select, textarea, button, a[href]');
  (control ?? dialog)?.focus();
}
