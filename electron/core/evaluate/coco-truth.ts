import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import type { Box } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import { decodeRuns, encodeRuns, runsArea, runsBox } from '../../shared/mask.ts';
import { polygonRuns } from './polygon-mask.ts';

const id = z.union([z.number(), z.string()]);
const side = z.int().positive();
const imageSchema = z.object({
  id,
  file_name: z.string().min(1),
  width: side.optional(),
  height: side.optional(),
});
const categorySchema = z.object({ id, name: z.string().min(1) });
const runLengths = z.object({
  size: z.tuple([side, side]), // height, width
  counts: z.union([z.string(), z.array(z.int().nonnegative())]),
});
/** What may be left out, or null. */
const orNothing = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((value) => value ?? undefined);
const annotationSchema = z.object({
  image_id: id,
  category_id: id,
  bbox: orNothing(z.tuple([z.number(), z.number(), z.number().positive(), z.number().positive()])),
  area: orNothing(z.number().nonnegative()),
  iscrowd: orNothing(z.union([z.literal([0, 1]), z.boolean()])),
  segmentation: orNothing(z.union([z.array(z.array(z.number()).min(6)), runLengths])).transform((value) =>
    Array.isArray(value) && value.length === 0 ? undefined : value,
  ),
});
const fileSchema = z.object({
  images: z.array(imageSchema, 'its "images" must be a list'),
  annotations: z.array(z.unknown(), 'its "annotations" must be a list'),
  categories: z.array(categorySchema, 'its "categories" must be a list'),
});

type Annotation = z.infer<typeof annotationSchema>;
type Id = z.infer<typeof id>;

/** What people marked, as COCO's instances. */
export interface CocoTruth {
  images: CocoImage[];
  categories: { id: Id; name: string }[];
  unusable: number; // annotations that say nothing that can be compared
}

export interface CocoImage {
  name: string; // its path or file name
  size: { width: number; height: number } | undefined; // pixels
  annotations: Annotation[];
}

/** Reads a file of annotations. Throws NOT_FOUND, or BAD_ARGUMENT for what is no COCO JSON of instances. */
export async function readCocoTruth(path: string): Promise<CocoTruth> {
  const file = checkFile(await readJson(path), path);
  const images = new Map<Id, CocoImage>();
  for (const { id: imageId, file_name: name, width, height } of file.images) {
    const size = width === undefined || height === undefined ? undefined : { width, height };
    images.set(imageId, { name, size, annotations: [] });
  }
  let unusable = 0;
  for (const annotation of file.annotations) {
    const { data } = annotationSchema.safeParse(annotation);
    const image = data && images.get(data.image_id);
    const hasPlace = data?.bbox !== undefined || data?.segmentation !== undefined;
    if (image === undefined || !hasPlace) unusable++;
    else image.annotations.push(data);
  }
  return { images: [...images.values()], categories: file.categories, unusable };
}

async function readJson(path: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    if (error instanceof SyntaxError)
      throw notCoco(path, `it is no JSON: ${error.message.replaceAll(/\s+/g, ' ')}`);
    if (!(error instanceof Error && 'code' in error)) throw error;
    if (error.code === 'EISDIR') throw notCoco(path, 'it is a folder');
    if (error.code === 'ENOENT' || error.code === 'ENOTDIR')
      throw new AppError('NOT_FOUND', `There is no file ${path}`, undefined, { cause: error });
    throw new AppError('FILE_SYSTEM', `The file ${path} cannot be read: ${error.message}`, undefined, {
      cause: error,
    });
  }
}

function checkFile(content: unknown, path: string): z.infer<typeof fileSchema> {
  const checked = fileSchema.safeParse(content);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  const place = issue?.path.join('.') ?? '';
  const inside = place.includes('.') ? `${place}: ${issue?.message}` : issue?.message;
  throw notCoco(path, issue?.path.length === 0 ? 'it is no object' : (inside ?? ''));
}

function notCoco(path: string, reason: string): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    `Expected COCO annotations of instances in ${path}, but ${reason}`,
    'Name a JSON file with "images", "annotations" and "categories".',
  );
}

/** Where an annotated object lies in a picture of this size. */
export interface MarkedPlace {
  box: Box;
  counts: string; // of its mask; of the box where it has none
  hasMask: boolean;
  area: number; // pixels
}

/** The place of an annotation; undefined when its mask is not of the picture's size. */
export function placeOf(
  { bbox, segmentation, area }: Annotation,
  width: number,
  height: number,
): MarkedPlace | undefined {
  const runs = segmentation && segmentationRuns(segmentation, width, height);
  if (segmentation !== undefined && runs === undefined) return undefined;
  const box = bbox === undefined ? runs && runsBox(runs, height) : toBox(bbox);
  if (box === undefined) return undefined;
  const mask = runs ?? polygonRuns([corners(box)], width, height);
  const stated = area ?? (runs === undefined ? box.width * box.height : runsArea(mask));
  return { box, counts: encodeRuns(mask), hasMask: runs !== undefined, area: stated };
}

function segmentationRuns(
  segmentation: NonNullable<Annotation['segmentation']>,
  width: number,
  height: number,
): number[] | undefined {
  if (Array.isArray(segmentation)) return polygonRuns(segmentation, width, height);
  const { size, counts } = segmentation;
  if (size[0] !== height || size[1] !== width) return undefined;
  const runs = typeof counts === 'string' ? tryDecode(counts) : counts;
  return runs?.reduce((sum, run) => sum + run, 0) === width * height ? runs : undefined;
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
