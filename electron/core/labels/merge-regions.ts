import type { Mask, Region } from '../../shared/engine-api.ts';
import { decodeRuns, encodeRuns, runsArea } from '../../shared/mask.ts';
import { ValueRuns } from './value-runs.ts';

interface ClassMask {
  classIndex: number;
  mask: Mask;
}

/**
 * The area of each class, largest first: the pixels of all its masks. A pixel that several classes have is that of the mask
 * which comes last, as where they are painted one after the other. `pixels`: of the picture.
 */
export function mergeRegions(masks: readonly ClassMask[], pixels: number): Region[] {
  const regions = areApart(masks) ? [...masks] : painted(masks, pixels);
  return regions.sort((one, other) => other.mask.area - one.mask.area);
}

/** Whether each class has one mask, and no pixel is in two of them. */
function areApart(masks: readonly ClassMask[]): boolean {
  if (new Set(masks.map(({ classIndex }) => classIndex)).size < masks.length) return false;
  if (masks.length < 2) return true;
  const spans = masks.flatMap(({ mask }) => spansOf(mask)).sort(([one], [other]) => one - other);
  return spans.every(([, end], index) => end <= (spans[index + 1]?.[0] ?? Infinity));
}

/** First pixel, and the one behind the last, of each run inside of a mask. */
function spansOf({ counts }: Mask): [start: number, end: number][] {
  const spans: [number, number][] = [];
  let place = 0;
  for (const [index, length] of decodeRuns(counts).entries()) {
    if (index % 2 === 1 && length > 0) spans.push([place, place + length]);
    place += length;
  }
  return spans;
}

function painted(masks: readonly ClassMask[], pixels: number): Region[] {
  const classes = [...new Set(masks.map(({ classIndex }) => classIndex))];
  const values = new Uint32Array(pixels); // a class's place in the list, from 1; 0 of none
  for (const { classIndex, mask } of masks)
    for (const [start, end] of spansOf(mask)) values.fill(classes.indexOf(classIndex) + 1, start, end);
  const runs = new ValueRuns();
  for (let start = 0, place = 1; place <= pixels; place++) {
    const value = values[start] ?? 0;
    if (place < pixels && values[place] === value) continue;
    if (value > 0) runs.take(value, start, place);
    start = place;
  }
  return [...runs.finish(pixels)].map(([value, lengths]) => ({
    classIndex: classes[value - 1] ?? 0,
    mask: { counts: encodeRuns(lengths), area: runsArea(lengths) },
  }));
}
