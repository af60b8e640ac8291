const PAUSE = 2000; // milliseconds between two calls

/**
 * Calls `look` every two seconds while `when` holds: for what another process does, since events come from this one
 * only. Call it while a component is set up.
 */
export function useRefresh(when: () => boolean, look: () => void): void {
  const isDue = $derived(when());
  $effect(() => {
    if (!isDue) return undefined;
    const timer = setInterval(look, PAUSE);
    return () => clearInterval(timer);
  });
}
