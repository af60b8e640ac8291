/** Pictures whose hashes differ in so many of the 64 bits at most look alike. */
const ALIKE = 4;

/**
 * Of bits that differ in at most four places, cut into five pieces, one piece is equal: so only pictures that share a
 * piece are compared. Bits of the pieces of each 32-bit half, from the lowest: two pieces span 13 bits each, and the one
 * in the middle takes the six that are left of either.
 */
const PIECES: readonly ((high: number, low: number) => number)[] = [
  (_, low) => low & 0x1fff,
  (_, low) => (low >>> 13) & 0x1fff,
  (high, low) => ((low >>> 26) << 6) | (high & 0x3f),
  (high) => (high >>> 6) & 0x1fff,
  (high) => high >>> 19,
];

/** A picture's dHash as two halves, the first one the higher. */
interface PictureHash {
  index: number;
  high: number;
  low: number;
}

/** Two pictures that look alike, by their indices. */
export interface AlikePair {
  held: number;
  learned: number;
}

/**
 * For every picture of `held` one of `learned` that looks like it, where there is any. `dHashes`: 64 bits as 16 hex digits,
 * by index. Pictures with next to no structure, such as an even wall, all look alike and are passed over.
 */
export function alikePairs(
  dHashes: readonly string[],
  held: readonly number[],
  learned: readonly number[],
): AlikePair[] {
  const byPiece = PIECES.map(() => new Map<number, PictureHash[]>());
  for (const picture of learned.flatMap((index) => structured(dHashes[index], index))) {
    for (const [number, piece] of PIECES.entries()) {
      const key = piece(picture.high, picture.low);
      const same = byPiece[number]?.get(key);
      if (same === undefined) byPiece[number]?.set(key, [picture]);
      else same.push(picture);
    }
  }
  return held
    .flatMap((index) => structured(dHashes[index], index))
    .flatMap((picture) => {
      const match = findAlike(picture, byPiece);
      return match === undefined ? [] : [{ held: picture.index, learned: match.index }];
    });
}

function findAlike(
  picture: PictureHash,
  byPiece: readonly ReadonlyMap<number, PictureHash[]>[],
): PictureHash | undefined {
  for (const [number, piece] of PIECES.entries()) {
    const candidates = byPiece[number]?.get(piece(picture.high, picture.low)) ?? [];
    const match = candidates.find((other) => distance(picture, other) <= ALIKE);
    if (match !== undefined) return match;
  }
  return undefined;
}

/** The halves of a hash; nothing for that of a picture without structure. */
function structured(hash: string | undefined, index: number): PictureHash[] {
  if (hash === undefined) return [];
  const [high, low] = [Number.parseInt(hash.slice(0, 8), 16), Number.parseInt(hash.slice(8), 16)];
  const bits = countBits(high) + countBits(low);
  return bits <= ALIKE || bits >= 64 - ALIKE ? [] : [{ index, high, low }];
}

function distance(one: PictureHash, other: PictureHash): number {
  return countBits(one.high ^ other.high) + countBits(one.low ^ other.low);
}

/** Of 32 bits those that are set, counted in pairs, fours and bytes. */
function countBits(value: number): number {
  const pairs = value - ((value >>> 1) & 0x55555555);
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333);
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}
