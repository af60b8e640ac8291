const KEPT = 16; // elements that had the focus last, of which one may still be there

/**
 * Keeps the focus in the window: when the focused element is removed, or disabled while something is under way, the
 * browser moves the focus to the page, and a person without a mouse would begin at the top again. Here it goes back to
 * the disabled element when that is enabled again, else to what was focused before, else to the title of the view.
 * Dialogs and grids restore theirs themselves. Ends when the returned function is called.
 */
export function keepFocus(): () => void {
  let before: HTMLElement[] = []; // the last first
  const remember = ({ target }: FocusEvent) => {
    if (target instanceof HTMLElement)
      before = [target, ...before.filter((one) => one !== target)].slice(0, KEPT);
  };
  // An element that was blurred by its own code, or by a click beside it, does not get the focus back.
  const letGo = ({ target, relatedTarget }: FocusEvent) => {
    if (relatedTarget !== null || !(target instanceof HTMLElement)) return;
    queueMicrotask(() => {
      if (isUsable(target) && document.hasFocus()) before = [];
    });
  };
  const restore = () => {
    const [last] = before;
    if (last === undefined || document.activeElement !== document.body) return;
    if (last.isConnected && last.matches(':disabled')) return; // until it is enabled again
    if (!last.isConnected && seesToItself(last)) return;
    const next = before.find(isUsable) ?? document.querySelector<HTMLElement>('main h1');
    next?.focus({ preventScroll: true });
  };
  const observer = new MutationObserver(restore);
  document.addEventListener('focusin', remember);
  document.addEventListener('focusout', letGo);
  observer.observe(document.body, { subtree: true, childList: true, attributeFilter: ['disabled'] });
  return () => {
    observer.disconnect();
    document.removeEventListener('focusin', remember);
    document.removeEventListener('focusout', letGo);
  };
}

function isUsable(element: HTMLElement): boolean {
  const isSeen = element.isConnected && element.checkVisibility({ visibilityProperty: true });
  return isSeen && !element.matches(':disabled') && element.closest('[inert]') === null;
}

function seesToItself(element: HTMLElement): boolean {
  return element.closest('[role=dialog], [role=alertdialog], [role=grid]') !== null;
}
