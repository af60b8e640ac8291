import type { Box } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import { decodeRuns, encodeRuns, runsArea, runsBox } from '../../shared/mask.ts';
import type { Annotation, Size } from './coco-truth.ts';
import { polygonRuns } from './polygon-mask.ts';
import type { RunLengths, Segmentation } from './segmentation.ts';

/** Where an annotated object lies in a picture of this size. */
export interface MarkedPlace {
  box: Box;
  counts: string; // of its mask; of the box where it has none
  hasMask: boolean;
  area: number; // pixels
}

/**
 * The place of an annotation, by its box alone where its mask cannot be used; undefined when it has no box then. `problem`:
 * what of its mask cannot be used.
 */
export function placeOf(
  { bbox, segmentation, area }: Pick<Annotation, 'bbox' | 'segmentation' | 'area'>,
  size: Size,
): { place: MarkedPlace | undefined; problem: string | undefined } {
  const { width, height } = size;
  const read = segmentation?.shape === undefined ? undefined : segmentationRuns(segmentation.shape, size);
  const [runs, problem] = typeof read === 'string' ? [undefined, read] : [read, segmentation?.problem];
  const box = bbox === undefined ? runs && runsBox(runs, height) : toBox(bbox);
  if (box === undefined) return { place: undefined, problem };
  const mask = runs ?? polygonRuns([corners(box)], width, height);
  const stated = area ?? (runs === undefined ? box.width * box.height : runsArea(mask));
  return { place: { box, counts: encodeRuns(mask), hasMask: runs !== undefined, area: stated }, problem };
}

/** The runs of a mask, or why there are none. */
function segmentationRuns(
  shape: NonNullable<Segmentation['shape']>,
  { width, height }: Size,
): number[] | string {
  const runs = Array.isArray(shape)
    ? polygonRuns(shape, width, height)
    : storedRuns(shape, { width, height });
  if (typeof runs === 'string') return runs;
  return runsArea(runs) > 0 ? runs : 'it covers no pixel';
}

function storedRuns({ size: [rows, columns], counts }: RunLengths, { width, height }: Size) {
  if (rows !== height || columns !== width)
    return `it is of ${columns} x ${rows} pixels, its picture of ${width} x ${height}`;
  const runs = typeof counts === 'string' ? tryDecode(counts) : counts;
  const pixels = runs?.reduce((sum, run) => sum + run, 0);
  return runs === undefined || pixels !== width * height
    ? 'its run lengths are not those of a picture'
    : runs;
}

function tryDecode(counts: string): number[] | undefined {
  try {
    return decodeRuns(counts);
  } catch (error) {
    if (error instanceof AppError) return undefined;
    throw error;
  }
}

function toBox([x, y, width, height]: [number, number, number, number]): Box {
  return { x, y, width, height };
}

function corners({ x, y, width, height }: Box): number[] {
  return [x, y, x + width, y, x + width, y + height, x, y + height];
}
