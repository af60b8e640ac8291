const PAUSE = 2000; // milliseconds between two looks

/**
 * Looks again every two seconds while `when` holds: for what another process does, of which no event tells. Call it where
 * a component starts.
 */
export function useRefresh(when: () => boolean, look: () => void): void {
  const isDue = $derived(when());
  $effect(() => {
    if (!isDue) return undefined;
    const timer = setInterval(look, PAUSE);
    return () => clearInterval(timer);
  });
}
