import type { RowTexts } from './row-texts.ts';
import { TextDigits } from './text-digits.ts';

const VALUES = 2 ** 16; // of a digit
const SMALL = 4096; // rows for which the passes would cost more than comparing

/**
 * Rows in order of their keys, NaN last; rows with equal keys stay in the order of `rows`. Passes over digits of 16 bits: a
 * million rows take 50 ms, where comparing them takes a second. `keys`: by row.
 */
export function sortRows(rows: Uint32Array, keys: Float64Array): Uint32Array {
  return sortByDigits(rows, numberDigits(keys));
}

/** Rows in order of their texts, byte by byte; rows with equal texts stay in the order of `rows`. */
export function sortRowsByText(rows: Uint32Array, texts: RowTexts): Uint32Array {
  return sortFrom(rows, texts, 0);
}

/** The same of rows whose first `depth` bytes are equal. */
function sortFrom(rows: Uint32Array, texts: RowTexts, depth: number): Uint32Array {
  if (rows.length < SMALL) return compareTexts(rows, texts, depth);
  const digits = new TextDigits(rows, texts, depth);
  const sorted = sortByDigits(rows, digits.fromLast());
  if (digits.end === undefined) return sorted;
  // Longer texts than the digits tell of: those that are equal so far are sorted by what follows.
  for (let begin = 0; begin < sorted.length;) {
    let next = begin + 1;
    while (next < sorted.length && areEqual(texts, at(sorted, begin), at(sorted, next), depth, digits.end))
      next++;
    const part = sorted.subarray(begin, next);
    if (part.length > 1) part.set(sortFrom(part, texts, digits.end));
    begin = next;
  }
  return sorted;
}

function compareTexts(rows: Uint32Array, texts: RowTexts, depth: number): Uint32Array {
  const { bytes, starts, ends } = texts;
  const begin = (row: number) => Math.min(at(starts, row) + depth, at(ends, row));
  return Uint32Array.from(
    Array.from(rows).sort((one, other) =>
      bytes.compare(bytes, begin(other), at(ends, other), begin(one), at(ends, one)),
    ),
  );
}

/** Whether two texts are equal from `depth` to before `end`. */
function areEqual(
  { bytes, starts, ends }: RowTexts,
  one: number,
  other: number,
  depth: number,
  end: number,
): boolean {
  const [first, second] = [at(starts, one), at(starts, other)];
  const length = Math.min(end, at(ends, one) - first);
  if (length !== Math.min(end, at(ends, other) - second)) return false;
  for (let offset = depth; offset < length; offset++)
    if (bytes[first + offset] !== bytes[second + offset]) return false;
  return true;
}

/** `digits`: by row, the ones that decide least first; an array may be used again when the next is asked for. */
function sortByDigits(rows: Uint32Array, digits: Iterable<Uint16Array>): Uint32Array {
  let [from, to] = [rows.slice(), new Uint32Array(rows.length)];
  const starts = new Uint32Array(VALUES + 1);
  for (const digit of digits) {
    starts.fill(0);
    // How often each value occurs does not depend on the order; memory is read fastest in its own.
    if (rows.length === digit.length) for (const value of digit) count(starts, value + 1);
    else for (const row of rows) count(starts, at(digit, row) + 1);
    if (from.length === 0 || at(starts, at(digit, at(from, 0)) + 1) === from.length) continue; // all are equal
    for (let value = 0; value < VALUES; value++)
      starts[value + 1] = at(starts, value + 1) + at(starts, value);
    for (let index = 0; index < from.length; index++) {
      const row = at(from, index);
      to[count(starts, at(digit, row))] = row;
    }
    [from, to] = [to, from];
  }
  return from;
}

/** The 64 bits of each key, changed so that they are ordered as the numbers are, NaN above all. */
function* numberDigits(keys: Float64Array): Generator<Uint16Array> {
  const values = keys.map((key) => (key === 0 ? 0 : key)); // one zero
  const words = new Uint32Array(values.buffer);
  for (let row = 0; row < keys.length; row++) {
    const [low, high] = [2 * row, 2 * row + 1];
    const upper = at(words, high);
    if (at(keys, row) !== at(keys, row)) words[low] = words[high] = 0xffffffff;
    else if (upper >>> 31 === 0) words[high] = upper | 0x80000000;
    else {
      words[low] = ~at(words, low);
      words[high] = ~upper;
    }
  }
  const parts = new Uint16Array(values.buffer);
  const digit = new Uint16Array(keys.length);
  for (let part = 0; part < 4; part++) {
    for (let row = 0; row < digit.length; row++) digit[row] = at(parts, 4 * row + part);
    yield digit;
  }
}

/** The number at an index that is there. */
function at(numbers: Uint32Array | Uint16Array | Float64Array, index: number): number {
  return numbers[index] as number;
}

/** Adds one, and gives what was there before. */
function count(numbers: Uint32Array, index: number): number {
  const before = at(numbers, index);
  numbers[index] = before + 1;
  return before;
}
