import type { Box } from './engine-api.ts';
import { AppError } from './errors.ts';
import { shortJson } from './shortened.ts';

/**
 * Masks as COCO writes them: lengths of runs of pixels, outside and inside in turn, outside first, down the columns of the
 * picture from left to right. `counts` is the same as text: from the fourth run on, the difference to the run two before;
 * of each number five bits per character, the lowest first, sign-extended, 32 added while more follow, 48 added to all.
 */
const DIFFERENCES_FROM = 3;
const FIRST_CHARACTER = 48;
const MORE = 32;
const SIGN = 16;

/** Lengths of the runs that a text stands for. Throws BAD_ARGUMENT for a text that COCO would not write. */
export function decodeRuns(counts: string): number[] {
  const runs: number[] = [];
  let offset = 0;
  while (offset < counts.length) {
    let value = 0;
    let scale = 1;
    let bits: number;
    do {
      bits = counts.charCodeAt(offset++) - FIRST_CHARACTER; // NaN behind the end
      if (!(bits >= 0 && bits < 2 * MORE) || scale > 2 ** 30) throw damaged(counts);
      value += (bits % MORE) * scale;
      scale *= MORE;
    } while (bits >= MORE);
    if ((bits & SIGN) !== 0) value -= scale;
    if (runs.length >= DIFFERENCES_FROM) value += runs.at(-2) ?? 0;
    if (value < 0) throw damaged(counts);
    runs.push(value);
  }
  return runs;
}

function damaged(counts: string): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    `Expected the runs of a mask as COCO compresses them, but got ${shortJson(counts)}`,
  );
}

/** The text for lengths of runs. */
export function encodeRuns(runs: readonly number[]): string {
  let counts = '';
  for (const [index, run] of runs.entries()) {
    let value = index < DIFFERENCES_FROM ? run : run - (runs[index - 2] ?? 0);
    for (;;) {
      const bits = value & (MORE - 1);
      value >>= 5;
      const last = value === ((bits & SIGN) === 0 ? 0 : -1);
      counts += String.fromCharCode(bits + (last ? 0 : MORE) + FIRST_CHARACTER);
      if (last) break;
    }
  }
  return counts;
}

/** Pixels inside. */
export function runsArea(runs: readonly number[]): number {
  let area = 0;
  for (let index = 1; index < runs.length; index += 2) area += runs[index] ?? 0;
  return area;
}

/** Calls `paint` for every part of a mask that lies in one column: its upper end and its length in pixels. */
export function forEachColumnPart(
  runs: readonly number[],
  height: number,
  paint: (x: number, y: number, length: number) => void,
): void {
  let pixel = 0;
  for (const [index, run] of runs.entries()) {
    const end = pixel + run;
    while (index % 2 === 1 && pixel < end) {
      const x = Math.floor(pixel / height);
      const length = Math.min(end, (x + 1) * height) - pixel;
      paint(x, pixel - x * height, length);
      pixel += length;
    }
    pixel = end;
  }
}

/** A mask as one byte per pixel, row by row: 1 inside, 0 outside. Throws BAD_ARGUMENT for one that is larger. */
export function toBitmap(runs: readonly number[], width: number, height: number): Uint8Array {
  const pixels = runs.reduce((sum, run) => sum + run, 0);
  if (pixels > width * height) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected a mask of ${width} x ${height} pixels, but its runs have ${pixels}`,
    );
  }
  const bitmap = new Uint8Array(width * height);
  forEachColumnPart(runs, height, (x, y, length) => {
    for (let at = y * width + x, left = length; left > 0; at += width, left--) bitmap[at] = 1;
  });
  return bitmap;
}

/** The runs of a bitmap, row by row, that is inside where it is not 0. */
export function fromBitmap(bitmap: Uint8Array, width: number, height: number): number[] {
  const runs: number[] = [];
  let inside = false;
  let length = 0;
  for (let x = 0; x < width; x++) {
    for (let y = 0; y < height; y++) {
      if ((bitmap[y * width + x] !== 0) !== inside) {
        runs.push(length);
        inside = !inside;
        length = 0;
      }
      length++;
    }
  }
  runs.push(length);
  return runs;
}

/** The smallest box around the pixels inside; undefined when there are none. */
export function runsBox(runs: readonly number[], height: number): Box | undefined {
  let [left, top, right, bottom] = [Infinity, Infinity, 0, 0];
  forEachColumnPart(runs, height, (x, y, length) => {
    left = Math.min(left, x);
    right = x + 1;
    top = Math.min(top, y);
    bottom = Math.max(bottom, y + length);
  });
  return right === 0 ? undefined : { x: left, y: top, width: right - left, height: bottom - top };
}

/** Pixels inside both of two masks of one picture. */
export function intersectionArea(counts: string, otherCounts: string): number {
  return runsIntersection(decodeRuns(counts), decodeRuns(otherCounts));
}

/** The same of lengths of runs. */
export function runsIntersection(runs: readonly number[], otherRuns: readonly number[]): number {
  let area = 0;
  let [index, otherIndex] = [0, 0];
  let [left, otherLeft] = [runs[0] ?? 0, otherRuns[0] ?? 0];
  while (index < runs.length && otherIndex < otherRuns.length) {
    const step = Math.min(left, otherLeft);
    if (index % 2 === 1 && otherIndex % 2 === 1) area += step;
    left -= step;
    otherLeft -= step;
    if (left === 0) left = runs[++index] ?? 0;
    if (otherLeft === 0) otherLeft = otherRuns[++otherIndex] ?? 0;
  }
  return area;
}

/** The runs of the pixels that are inside by a rule of whether each of two masks of one picture has them. */
export function combineRuns(
  runs: readonly number[],
  otherRuns: readonly number[],
  isInside: (one: boolean, other: boolean) => boolean,
): number[] {
  const combined: number[] = [];
  let [index, otherIndex, length] = [0, 0, 0];
  let [left, otherLeft] = [runs[0] ?? 0, otherRuns[0] ?? 0];
  while (index < runs.length || otherIndex < otherRuns.length) {
    const step = Math.min(
      index < runs.length ? left : Infinity,
      otherIndex < otherRuns.length ? otherLeft : Infinity,
    );
    const [one, other] = [
      index < runs.length && index % 2 === 1,
      otherIndex < otherRuns.length && otherIndex % 2 === 1,
    ];
    if (step > 0 && isInside(one, other) !== (combined.length % 2 === 1)) {
      combined.push(length);
      length = 0;
    }
    length += step;
    left -= step;
    otherLeft -= step;
    if (index < runs.length && left === 0) left = runs[++index] ?? 0;
    if (otherIndex < otherRuns.length && otherLeft === 0) otherLeft = otherRuns[++otherIndex] ?? 0;
  }
  combined.push(length);
  return combined;
}

/** The runs of the pixels that a box touches, of a picture of this size. */
export function boxRuns(box: Box, { width, height }: { width: number; height: number }): number[] {
  const [left, right] = [Math.max(0, Math.floor(box.x)), Math.min(width, Math.ceil(box.x + box.width))];
  const [top, bottom] = [Math.max(0, Math.floor(box.y)), Math.min(height, Math.ceil(box.y + box.height))];
  if (right <= left || bottom <= top) return [width * height];
  const tall = bottom - top;
  if (tall === height) return [left * height, (right - left) * height, (width - right) * height];
  const between = Array.from({ length: right - left - 1 }, () => [height - tall, tall]).flat();
  return [left * height + top, tall, ...between, height - bottom + (width - right) * height];
}
