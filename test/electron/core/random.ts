import { Random } from '../../../build/parts/random.ts';

/** A generator of whole numbers from 0 to below `limit`: the same ones in every run. */
export function seededRandom(seed: number): (limit: number) => number {
  const random = new Random(seed);
  return (limit) => random.whole(0, limit - 1);
}

/** A copy with `flips` random bytes replaced by random ones. */
export function mutated(bytes: Uint8Array, flips: number, random: (limit: number) => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let flip = 0; flip < flips; flip++) copy[random(copy.length)] = random(256);
  return copy;
}
