import type { RowTexts } from './row-texts.ts';

const VALUES = 2 ** 16; // of a digit
const MOST_DIGITS = 8;
const BYTES = 256;

/** Positions in texts whose bytes make up one digit. */
interface Span {
  first: number;
  end: number;
}

/**
 * Texts as few digits of 16 bits, ordered as the texts are: at each position only the bytes that some text has there count,
 * so that what all names have in common costs nothing and five decimal digits are one digit. Positions are counted from
 * `depth` on; behind the end of a text stands a zero, since no text has any.
 */
export class TextDigits {
  /** The position up to which the digits tell of the texts; undefined when they tell all. */
  readonly end: number | undefined;
  readonly #texts: RowTexts;
  readonly #depth: number;
  readonly #spans: Span[] = [];
  readonly #ranks: Uint16Array; // by position and byte: its number among the bytes that occur there
  readonly #sizes: Uint16Array; // by position: how many occur there

  constructor(rows: Uint32Array, texts: RowTexts, depth: number) {
    this.#texts = texts;
    this.#depth = depth;
    const occurs = findBytes(rows, texts, depth);
    const length = occurs.length / BYTES;
    this.#ranks = new Uint16Array(occurs.length);
    this.#sizes = new Uint16Array(length);
    for (let position = 0; position < length; position++) this.#rank(position, occurs);
    const end = this.#findSpans(length);
    this.end = end === length ? undefined : depth + end;
  }

  /** One digit of every row after the other, in the same array; the last of the text first. */
  *fromLast(): Generator<Uint16Array> {
    const digits = new Uint16Array(this.#texts.starts.length);
    for (const span of this.#spans.toReversed()) {
      this.#fill(digits, span);
      yield digits;
    }
  }

  #rank(position: number, occurs: Uint8Array): void {
    let rank = 0;
    for (let entry = position * BYTES; entry < (position + 1) * BYTES; entry++) {
      this.#ranks[entry] = rank;
      rank += occurs[entry] ?? 0;
    }
    this.#sizes[position] = rank;
  }

  /** Joins positions to digits while there is room; gives the position behind the last one. */
  #findSpans(length: number): number {
    let [first, values] = [0, 1];
    for (let position = 0; position < length; position++) {
      const size = this.#sizes[position] ?? 1;
      if (values * size > VALUES) {
        this.#spans.push({ first, end: position });
        if (this.#spans.length === MOST_DIGITS) return position;
        [first, values] = [position, 1];
      }
      values *= size;
    }
    this.#spans.push({ first, end: length });
    return length;
  }

  #fill(digits: Uint16Array, { first, end }: Span): void {
    const { bytes, starts, ends } = this.#texts;
    const positions = Array.from({ length: end - first }, (_, index) => first + index).filter(
      (position) => (this.#sizes[position] ?? 1) > 1,
    );
    digits.fill(0);
    for (const position of positions) {
      const [size, ranks] = [
        this.#sizes[position] ?? 1,
        this.#ranks.subarray(position * BYTES, (position + 1) * BYTES),
      ];
      for (let row = 0; row < digits.length; row++) {
        const byte = (starts[row] as number) + this.#depth + position;
        const rank = ranks[byte < (ends[row] as number) ? (bytes[byte] as number) : 0] as number;
        digits[row] = (digits[row] as number) * size + rank;
      }
    }
  }
}

/** By position behind `depth` and byte: 1 where some row has that byte there. */
function findBytes(some: Uint32Array, { bytes, starts, ends }: RowTexts, depth: number): Uint8Array {
  // Memory is read several times faster in its own order than in another.
  const rows = some.length * 2 > starts.length ? starts.map((_, row) => row) : some;
  let [shortest, longest] = [Infinity, 0];
  for (const row of rows) {
    const length = Math.max((ends[row] as number) - (starts[row] as number) - depth, 0);
    if (length < shortest) shortest = length;
    if (length > longest) longest = length;
  }
  const occurs = new Uint8Array(longest * BYTES);
  for (const row of rows) {
    const end = ends[row] as number;
    let entry = 0;
    for (let byte = (starts[row] as number) + depth; byte < end; byte++) {
      occurs[entry + (bytes[byte] as number)] = 1;
      entry += BYTES;
    }
  }
  for (let position = shortest; position < longest; position++) occurs[position * BYTES] = 1;
  return occurs;
}
