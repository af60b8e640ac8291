/** A run of zero bytes that no camera writes inside its picture: drives and cards leave it where data is lost. */
const LOST = Buffer.alloc(512);

const START_OF_SCAN = 0xda;
const HUFFMAN_TABLES = 0xc4;
const END_OF_IMAGE = Buffer.from([0xff, 0xd9]);

/**
 * What is wrong with a JPEG that its decoder takes without a word: zero bits are codes like any others, so data that was
 * lost and became zeros is decoded as grey. Undefined for a sound file, and for what is not a JPEG.
 */
export function jpegDamage(bytes: Buffer): string | undefined {
  const scan = firstScan(bytes);
  if (scan === undefined) return undefined;
  const lost = bytes.indexOf(LOST, scan.at);
  if (lost < 0 && bytes.subarray(-2).equals(END_OF_IMAGE)) return undefined;
  const end = bytes.indexOf(END_OF_IMAGE, scan.at); // no two bytes of a scan are these
  if (end < 0) return 'the JPEG has no end marker';
  return lost >= 0 && lost < end && !scan.zerosAreFlat
    ? 'the JPEG has zeros in the place of its data'
    : undefined;
}

/**
 * Where the data of the first scan begins, and whether zero bits stand for blocks without a change there, so that a long
 * run of them may be a flat area: when in each table the first code, which is all zeros, means just that.
 */
function firstScan(bytes: Buffer): { at: number; zerosAreFlat: boolean } | undefined {
  let zerosAreFlat = true;
  for (let at = 2; at + 4 <= bytes.length && bytes[at] === 0xff;) {
    const marker = bytes[at + 1] ?? 0;
    if (marker === 0xff) {
      at++; // a byte that fills
      continue;
    }
    const length = bytes.readUInt16BE(at + 2);
    if (marker === START_OF_SCAN) return { at: at + 2 + length, zerosAreFlat };
    if (marker === HUFFMAN_TABLES)
      zerosAreFlat &&= firstCodesAreZero(bytes.subarray(at + 4, at + 2 + length));
    at += 2 + length;
  }
  return undefined;
}

/** A segment of tables: for each its number, how many codes there are of 1 to 16 bits, what they mean. */
function firstCodesAreZero(tables: Buffer): boolean {
  for (let at = 0; at + 17 < tables.length;) {
    if (tables[at + 17] !== 0) return false;
    at += 17 + tables.subarray(at + 1, at + 17).reduce((sum, codes) => sum + codes, 0);
  }
  return true;
}
