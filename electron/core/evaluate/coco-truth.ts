import { constants } from 'node:buffer';
import { z } from 'zod';
import { parseBounded } from '../../shared/bounded-json.ts';
import { AppError, hasCode, isMissing } from '../../shared/errors.ts';
import { readRegularFile } from '../files/regular-file.ts';
import { hasMask, toSegmentation } from './segmentation.ts';

/**
 * As long as a text can be, 512 MB: of the files that people know, COCO's 860,000 objects of 2017 are the largest, 450 MB.
 */
const LARGEST = constants.MAX_STRING_LENGTH;
/** Several times what that file holds. */
const BOUNDS = { depth: 32, containers: 20_000_000, keys: 40_000_000 };

/** Numbers in most files, texts in some, and now and then both in one. */
const id = z.union([z.number(), z.string()]).transform(String);
const side = z.int().positive();
/** What is left out, null or no value of its kind counts as unknown. */
const orUnknown = <T extends z.ZodType>(schema: T) => schema.optional().catch(undefined);
export const imageSchema = z.object({
  id,
  file_name: z.string().min(1),
  width: orUnknown(side),
  height: orUnknown(side),
});
export const categorySchema = z.object({ id, name: z.string().min(1) });
export const annotationSchema = z.object({
  image_id: id,
  category_id: id,
  bbox: orUnknown(z.tuple([z.number(), z.number(), z.number().positive(), z.number().positive()])),
  area: orUnknown(z.number().nonnegative()),
  iscrowd: orUnknown(z.union([z.literal([0, 1]), z.boolean()])),
  segmentation: z.unknown().optional().transform(toSegmentation),
});
const fileSchema = z.object({
  images: z.array(z.unknown(), 'its "images" must be a list'),
  annotations: z.array(z.unknown(), 'its "annotations" must be a list'),
  categories: z.array(z.unknown(), 'its "categories" must be a list'),
});

export type Annotation = z.infer<typeof annotationSchema>;

/** What people marked, as COCO's instances. */
export interface CocoTruth {
  images: CocoImage[];
  categories: { id: string; name: string }[];
  unusable: number; // annotations without a known image or a place in it
  notices: string[]; // what else cannot be used
}

export interface CocoImage {
  name: string; // its path or file name
  size: Size | undefined;
  annotations: Annotation[];
}

export interface Size {
  width: number; // pixels
  height: number;
}

/**
 * Reads a file of annotations: all of it that can be used. Throws NOT_FOUND, or BAD_ARGUMENT for what is no COCO JSON of
 * instances.
 */
export async function readCocoTruth(path: string): Promise<CocoTruth> {
  const file = checkFile(await readJson(path), path);
  const listed = usable(file.images, 'images', imageSchema, path);
  const categories = usable(file.categories, 'categories', categorySchema, path);
  const images = new Map<string, CocoImage>();
  for (const { id: imageId, file_name: name, width, height } of listed.values) {
    const size = width === undefined || height === undefined ? undefined : { width, height };
    images.set(imageId, { name, size, annotations: [] });
  }
  let unusable = 0;
  for (const annotation of file.annotations) {
    const { data } = annotationSchema.safeParse(annotation);
    const image = data && images.get(data.image_id);
    const hasPlace = data !== undefined && (data.bbox !== undefined || hasMask(data));
    if (image === undefined || !hasPlace) unusable++;
    else image.annotations.push(data);
  }
  return {
    images: [...images.values()],
    categories: categories.values,
    unusable,
    notices: [...listed.notices, ...categories.notices],
  };
}

/** The entries of a list that are as they must be, and a notice of the others. Throws BAD_ARGUMENT when all are others. */
function usable<Schema extends z.ZodType>(
  entries: readonly unknown[],
  list: 'images' | 'categories',
  schema: Schema,
  path: string,
): { values: z.output<Schema>[]; notices: string[] } {
  const checked = entries.map((entry) => schema.safeParse(entry));
  const values = checked.flatMap(({ data }) => (data === undefined ? [] : [data]));
  const first = checked.findIndex(({ success }) => !success);
  const [issue] = checked[first]?.error?.issues ?? [];
  if (issue === undefined) return { values, notices: [] };
  const problem = `${[list, first, ...issue.path].join('.')}: ${issue.message}`;
  if (values.length === 0) throw notCoco(path, problem);
  const others = entries.length - values.length;
  const what = others === 1 ? '1 entry' : `${others} entries`;
  return { values, notices: [`${what} of "${list}" cannot be used, such as ${problem}.`] };
}

async function readJson(path: string): Promise<unknown> {
  try {
    const text = (await readRegularFile(path, 'COCO', LARGEST)).toString('utf8');
    return parseBounded(text, BOUNDS);
  } catch (error) {
    if (error instanceof SyntaxError) throw notCoco(path, reasonOf(error));
    if (error instanceof AppError || !hasCode(error)) throw error;
    if (isMissing(error))
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

function reasonOf(error: SyntaxError): string {
  if (error.message.startsWith('expected ')) return `it is too large: ${error.message}`;
  return `it is no JSON: ${error.message.replaceAll(/\s+/g, ' ')}`;
}

function notCoco(path: string, reason: string): AppError {
  return new AppError(
    'BAD_ARGUMENT',
    `Expected COCO annotations of instances in ${path}, but ${reason}`,
    'Name a JSON file with "images", "annotations" and "categories".',
  );
}
