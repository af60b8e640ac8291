/** What became of a mutant; `not covered`: no test comes by. */
export type Fate = 'killed' | 'timed out' | 'survived' | 'not covered';

/** So many of `all`, each as likely as any other, none twice, and the same ones for the same seed. */
export function draw<T>(all: readonly T[], count: number, seed: number): T[] {
  const random = generator(seed);
  const rest = [...all];
  const taken: T[] = [];
  while (taken.length < count && rest.length > 0)
    taken.push(...rest.splice(Math.floor(random() * rest.length), 1));
  return taken;
}

/** Numbers from 0 to below 1: mulberry32. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The share that tests notice, with its standard error as that of a sample: sqrt(p (1 - p) / n). */
export function score(fates: readonly Fate[]): string {
  const noticed = fates.filter((fate) => fate === 'killed' || fate === 'timed out').length;
  const share = noticed / fates.length;
  const error = Math.sqrt((share * (1 - share)) / fates.length);
  return `${(100 * share).toFixed(1)} % (± ${(100 * error).toFixed(1)}) of ${fates.length} are noticed`;
}
