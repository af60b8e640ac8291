import { z } from 'zod';
import type { Polygon } from './polygon-mask.ts';

const side = z.int().positive();
const polygon = z.array(z.number());
const runLengths = z.object({
  size: z.tuple([side, side]), // height, width
  counts: z.union([z.string(), z.array(z.int().nonnegative())]),
});

/** The lengths of runs of pixels, column by column, outside and inside by turns. */
export type RunLengths = z.infer<typeof runLengths>;

const LEAST_COORDINATES = 6; // of three corners

/** The mask of an annotation as its file has it. */
export interface Segmentation {
  shape: Polygon[] | RunLengths | undefined; // undefined: none that can be used
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
export function hasMask({ segmentation }: { segmentation?: Segmentation | undefined }): boolean {
  return segmentation?.shape !== undefined;
}
