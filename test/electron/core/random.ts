/** A seeded generator (mulberry32): the same whole numbers below `limit` in every run. */
export function seededRandom(seed: number): (limit: number) => number {
  let state = seed;
  return (limit) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  };
}

/** A copy with `flips` random bytes replaced by random ones. */
export function mutated(bytes: Uint8Array, flips: number, random: (limit: number) => number): Uint8Array {
  const copy = Uint8Array.from(bytes);
  for (let flip = 0; flip < flips; flip++) copy[random(copy.length)] = random(256);
  return copy;
}
