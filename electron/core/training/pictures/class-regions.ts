import { boxRuns, combineRuns, decodeRuns, encodeRuns, runsArea } from '../../../shared/mask.ts';
import type { Box } from '../../../shared/engine-api.ts';
import type { Size } from '../../../shared/resized-size.ts';

/** What an object is of, and where; without a mask only its box says where. */
interface MaskedObject {
  className: string;
  box: Box;
  counts: string | undefined;
}

/** All pixels of a class in a picture. */
export interface ClassRegion {
  className: string;
  counts: string; // COCO's run lengths
}

/**
 * The pixels of each class in a picture of objects, no pixel twice: where masks overlap, a pixel is that of the smallest one,
 * as of a cup in front of a table. What no mask has is `background`, but for the box of an object without a mask, where nobody
 * knows which pixels are its own.
 */
export function classRegions(
  objects: readonly MaskedObject[],
  size: Size,
  background: string,
): ClassRegion[] {
  const nothing = [size.width * size.height];
  const masks = objects
    .flatMap(({ className, counts }) =>
      counts === undefined ? [] : [{ className, runs: decodeRuns(counts) }],
    )
    .map((mask) => ({ ...mask, area: runsArea(mask.runs) }))
    .sort((one, other) => one.area - other.area);
  const regions = new Map<string, number[]>();
  let taken = nothing;
  for (const { className, runs } of masks) {
    const own = combineRuns(runs, taken, (inside, isTaken) => inside && !isTaken);
    regions.set(className, union(regions.get(className) ?? nothing, own));
    taken = union(taken, runs);
  }
  for (const { box, counts } of objects) if (counts === undefined) taken = union(taken, boxRuns(box, size));
  const rest = combineRuns(nothing, taken, (_, isTaken) => !isTaken);
  regions.set(background, union(regions.get(background) ?? nothing, rest));
  return [...regions].flatMap(([className, runs]) =>
    runsArea(runs) === 0 ? [] : [{ className, counts: encodeRuns(runs) }],
  );
}

function union(runs: readonly number[], otherRuns: readonly number[]): number[] {
  return combineRuns(runs, otherRuns, (one, other) => one || other);
}
