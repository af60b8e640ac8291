import type { RowTexts } from './row-texts.ts';

const DIGITS = 2 ** 16;
const BYTES_PER_KEY = 6; // as many as a double holds exactly
const SHORT = 6 * BYTES_PER_KEY; // bytes of texts that are sorted from their ends
const SMALL = 8192; // rows for which the passes would cost more than comparing

/**
 * Rows in order of their keys, NaN last; rows with equal keys stay in the order of `rows`. Four passes over digits of 16 bits:
 * a million rows take 50 ms, where comparing them takes a second. `keys`: by row.
 */
export function sortRows(rows: Uint32Array, keys: Float64Array): Uint32Array {
  const [high, low] = orderedBits(rows, keys);
  const places = new Uint32Array(rows.length).map((_, index) => index);
  let [from, to] = [places, new Uint32Array(rows.length)];
  for (const [words, shift] of [
    [low, 0],
    [low, 16],
    [high, 0],
    [high, 16],
  ] as const) {
    const starts = new Uint32Array(DIGITS + 1);
    for (const word of words) count(starts, ((word >>> shift) & 0xffff) + 1);
    if (starts.some((rowsOfDigit) => rowsOfDigit === rows.length)) continue; // all have the same digit
    for (let digit = 0; digit < DIGITS; digit++) add(starts, digit + 1, at(starts, digit));
    for (const place of from) {
      const digit = (at(words, place) >>> shift) & 0xffff;
      to[count(starts, digit)] = place;
    }
    [from, to] = [to, from];
  }
  return from.map((place) => at(rows, place));
}

/** The keys of the rows as 64 bits in two words that are ordered as the numbers are, NaN above all. */
function orderedBits(rows: Uint32Array, keys: Float64Array): [high: Uint32Array, low: Uint32Array] {
  const values = new Float64Array(rows.length);
  for (let place = 0; place < rows.length; place++) {
    const key = keys[at(rows, place)] ?? NaN;
    values[place] = key === 0 ? 0 : key; // one zero
  }
  const words = new Uint32Array(values.buffer);
  const [high, low] = [new Uint32Array(rows.length), new Uint32Array(rows.length)];
  for (let place = 0; place < rows.length; place++) {
    const [lower, upper] = [at(words, 2 * place), at(words, 2 * place + 1)];
    const isNegative = upper >>> 31 === 1;
    const isNumber = values[place] === values[place];
    high[place] = isNumber ? (isNegative ? ~upper : upper | 0x80000000) : 0xffffffff;
    low[place] = isNumber && isNegative ? ~lower : lower;
  }
  return [high, low];
}

/** Rows in order of their texts, byte by byte; rows with equal texts stay in the order of `rows`. */
export function sortRowsByText(rows: Uint32Array, texts: RowTexts): Uint32Array {
  const longest = texts.starts.reduce((most, start, row) => Math.max(most, at(texts.ends, row) - start), 0);
  if (longest <= SHORT) return sortShort(rows, texts, longest);
  const sorted = rows.slice();
  const keys = new Float64Array(texts.starts.length);
  // Groups of rows that are equal so far, each with the number of their first bytes that are known to be.
  const groups: [first: number, end: number, depth: number][] = [[0, rows.length, 0]];
  for (let group = groups.pop(); group !== undefined; group = groups.pop()) {
    const [first, end, depth] = group;
    const part = sorted.subarray(first, end);
    for (const row of part) keys[row] = keyAt(texts, row, depth);
    if (part.length > SMALL) part.set(sortRows(part, keys));
    else part.set([...part].sort((one, other) => at(keys, one) - at(keys, other)));
    for (let begin = 0; begin < part.length;) {
      const key = at(keys, at(part, begin));
      let next = begin + 1;
      while (next < part.length && at(keys, at(part, next)) === key) next++;
      // A last byte of zero is the end of the text: nothing follows.
      if (next - begin > 1 && key % 256 !== 0)
        groups.push([first + begin, first + next, depth + BYTES_PER_KEY]);
      begin = next;
    }
  }
  return sorted;
}

/** The last bytes first: as many rounds as the longest text has pieces. */
function sortShort(rows: Uint32Array, texts: RowTexts, longest: number): Uint32Array {
  const keys = new Float64Array(texts.starts.length);
  let sorted = rows;
  const pieces = Math.ceil(longest / BYTES_PER_KEY);
  for (let piece = pieces - 1; piece >= 0; piece--) {
    for (const row of rows) keys[row] = keyAt(texts, row, piece * BYTES_PER_KEY);
    sorted = sortRows(sorted, keys);
  }
  return sorted;
}

/** The bytes of a row's text behind the first `depth` as one number; zeros behind its end, since no text has any. */
function keyAt({ bytes, starts, ends }: RowTexts, row: number, depth: number): number {
  const start = at(starts, row) + depth;
  const end = at(ends, row);
  let key = 0;
  for (let place = start; place < start + BYTES_PER_KEY; place++)
    key = key * 256 + (place < end ? at(bytes, place) : 0);
  return key;
}

/** The number at a place that is there. */
function at(numbers: Uint32Array | Uint8Array | Float64Array, place: number): number {
  return numbers[place] as number;
}

function add(numbers: Uint32Array, place: number, amount: number): void {
  numbers[place] = at(numbers, place) + amount;
}

/** Adds one, and gives what was there before. */
function count(numbers: Uint32Array, place: number): number {
  const before = at(numbers, place);
  numbers[place] = before + 1;
  return before;
}
