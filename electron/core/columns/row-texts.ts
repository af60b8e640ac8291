import { RunChanged } from './run-changed.ts';

/** A text per row, in one piece: that of a row is the bytes from `starts[row]` to before `ends[row]`. No text has a zero. */
export interface RowTexts {
  bytes: Buffer;
  starts: Uint32Array;
  ends: Uint32Array;
}

/** The texts of so many rows; `bytes` has a zero between each two. */
export function splitTexts(bytes: Buffer, rows: number): RowTexts {
  const [starts, ends] = [new Uint32Array(rows), new Uint32Array(rows)];
  let start = 0;
  for (let row = 0; row < rows; row++) {
    const end = row === rows - 1 ? bytes.length : bytes.indexOf(0, start);
    if (end < start) throw new RunChanged(`Expected ${rows} texts, but there are ${row + 1}`);
    [starts[row], ends[row]] = [start, end];
    start = end + 1;
  }
  const last = starts.at(-1) ?? 0;
  if (bytes.includes(0, last)) throw new RunChanged(`Expected ${rows} texts, but there are more`);
  return { bytes, starts, ends };
}
