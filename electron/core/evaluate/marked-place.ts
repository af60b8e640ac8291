import { z } from 'zod';
import type { Box } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import { decodeRuns, encodeRuns, runsArea, runsBox } from '../../shared/mask.ts';
import type { Annotation, Size } from './coco-truth.ts';
import { polygonRuns } from './polygon-mask.ts';
import type { Polygon } from './polygon-mask.ts';

const side = z.int().positive();
const polygon = z.array(z.number());
const runLengths = z.object({
  size: z.tuple([side, side]), // height, width
  counts: z.union([z.string(), z.array(z.int().nonnegative())]),
});

const LEAST_COORDINATES = 6; // of three corners

/** The mask of an annotation as its file has it. */
export interface Segmentation {
  shape: Polygon[] | z.infer<typeof runLengths> | undefined; // undefined: none that can be used
  problem: string | undefined; // what of it cannot be used
}

const NO_CORNERS = 'a ring of it has fewer than three corners';

/** What can be used of a `segmentation`: rings of corners, or run lengths. Undefined where an annotation has none. */
export function toSegmentation(value: unknown): Segmentation | undefined {
  if (value === undefined || value === null || (Array.isArray(value) && value.length === 0)) return undefined;
  const runs = runLengths.safeParse(value);
  if (runs.success) return { shape: runs.data, problem: undefined };
  const flat = polygon.safeParse(value); // one ring, not in a list of rings
  const rings = z.array(z.unknown()).safeParse(flat.success ? [value] : value);
  if (!rings.success) return { shape: undefined, problem: 'it is neither rings of corners nor run lengths' };
  const good = rings.data.flatMap((ring) => {
    const { data } = polygon.safeParse(ring);
    return data !== undefined && data.length >= LEAST_COORDINATES ? [data] : [];
  });
  return {
    shape: good.length === 0 ? undefined : good,
    problem: good.length === rings.data.length ? undefined : NO_CORNERS,
  };
}

/** Whether an annotation states a mask that can be used, as far as can be said without its picture. */
export function hasMask({ segmentation }: Pick<Annotation, 'segmentation'>): boolean {
  return segmentation?.shape !== undefined;
}

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
  { bbox, segmentation, area }: Annotation,
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

function storedRuns({ size: [rows, columns], counts }: z.infer<typeof runLengths>, { width, height }: Size) {
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
