/**
 * A whole number from 0 to 2^32 - 1 that depends on every bit of `values` (whole numbers up to 2^53): murmur3's mixing
 * of their halves, one after the other.
 */
export function mixSeed(...values: readonly number[]): number {
  let hash = 0;
  for (const value of values) {
    for (const half of [value >>> 0, Math.floor(value / 2 ** 32) >>> 0]) {
      const scrambled = rotate(Math.imul(half, 0xcc9e2d51), 15);
      hash = (Math.imul(rotate(hash ^ Math.imul(scrambled, 0x1b873593), 13), 5) + 0xe6546b64) | 0;
    }
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** 0 to count - 1 in an order that a seed decides (Fisher and Yates). */
export function shuffledIndices(count: number, seed: number): Uint32Array {
  const indices = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = Math.floor((mixSeed(seed, last) / 2 ** 32) * (last + 1));
    const moved = indices[last] ?? 0;
    indices[last] = indices[other] ?? 0;
    indices[other] = moved;
  }
  return indices;
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}
