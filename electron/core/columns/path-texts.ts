import { foldName } from '../../shared/fold-name.ts';
import type { RowTexts } from './row-texts.ts';

const SLASH = 0x2f;
const ASCII = /^\p{ASCII}*$/u;

/** Relative paths of rows; ASCII letters are in lower case. */
export class PathTexts {
  readonly #texts: RowTexts;
  #names: RowTexts | undefined;
  #beyondAscii: { row: number; folded: string }[] | undefined;

  constructor(texts: RowTexts) {
    this.#texts = texts;
  }

  /** File names: what stands behind the last '/'. */
  get names(): RowTexts {
    return (this.#names ??= findNames(this.#texts));
  }

  /** Marks the rows whose path contains a text, in any case; as `textCondition` of store/result-filter.ts. */
  mark(part: string, marks: Uint8Array): void {
    if (part.includes('\0')) return; // no path has it
    if (ASCII.test(part)) {
      this.#markBytes(part.toLowerCase(), marks);
      return;
    }
    const folded = foldName(part);
    // A letter beyond ASCII may be one within it when it is folded.
    if (ASCII.test(folded)) this.#markBytes(folded, marks);
    for (const { row, folded: path } of (this.#beyondAscii ??= findBeyondAscii(this.#texts)))
      if (path.includes(folded)) marks[row] = 1;
  }

  #markBytes(part: string, marks: Uint8Array): void {
    const { bytes, starts, ends } = this.#texts;
    if (part === '') marks.fill(1);
    let row = 0;
    let offset = part === '' ? -1 : bytes.indexOf(part, 0, 'latin1');
    while (offset >= 0) {
      row = rowAt(starts, offset, row);
      marks[row] = 1;
      offset = bytes.indexOf(part, ends[row], 'latin1'); // in the next row: a row is marked once
    }
  }
}

/** The row whose text has the byte at `offset`; `from`: one that is not behind it. */
function rowAt(starts: Uint32Array, offset: number, from: number): number {
  let [low, high] = [from, starts.length]; // starts[low] <= offset < starts[high]
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((starts[middle] ?? 0) <= offset) low = middle;
    else high = middle;
  }
  return low;
}

function findNames({ bytes, starts, ends }: RowTexts): RowTexts {
  const names = starts.map((first, row) => {
    let start = ends[row] ?? 0;
    while (start > first && bytes[start - 1] !== SLASH) start--;
    return start;
  });
  return { bytes, starts: names, ends };
}

function findBeyondAscii({ bytes, starts, ends }: RowTexts): { row: number; folded: string }[] {
  const found: { row: number; folded: string }[] = [];
  for (const [row, start] of starts.entries()) {
    const end = ends[row] ?? 0;
    let offset = start;
    while (offset < end && (bytes[offset] ?? 0) < 128) offset++;
    if (offset < end) found.push({ row, folded: foldName(bytes.toString('utf8', start, end)) });
  }
  return found;
}
