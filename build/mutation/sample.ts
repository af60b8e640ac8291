import { Random } from '../parts/random.ts';

/** What became of a mutant; `not covered`: no test comes by. */
export type Fate = 'killed' | 'timed out' | 'survived' | 'not covered';

/** So many of `all`, each as likely as any other, none twice, and the same ones for the same seed. */
export function draw<T>(all: readonly T[], count: number, seed: number): T[] {
  const random = new Random(seed);
  const rest = [...all];
  const taken: T[] = [];
  while (taken.length < count && rest.length > 0)
    taken.push(...rest.splice(random.whole(0, rest.length - 1), 1));
  return taken;
}

/** The share that tests notice, with its standard error as that of a sample: sqrt(p (1 - p) / n). */
export function score(fates: readonly Fate[]): string {
  const noticed = fates.filter((fate) => fate === 'killed' || fate === 'timed out').length;
  const share = noticed / fates.length;
  const error = Math.sqrt((share * (1 - share)) / fates.length);
  return `${(100 * share).toFixed(1)} % (± ${(100 * error).toFixed(1)}) of ${fates.length} are noticed`;
}
