import { z } from 'zod';
import { LABEL_RULES, PRECISIONS } from '../run.ts';

/** Arguments that several calls share. */
/** Of calls that a person confirms: nothing is done, and whatever speaks against it is thrown. */
export const onlyCheck = z.boolean().optional();

export const runId = z.int('a run is named by its number').positive('a run is named by its number');
export const imageId = z.int('an image is named by its number').positive('an image is named by its number');
/**
 * Images by their numbers. A list may have millions, so it is checked in one pass that ends at the first item that is no
 * number of an image.
 */
export const imageIds = (bounds: { min?: number; max?: number } = {}) =>
  z.custom<number[]>(Array.isArray, 'images are named by a list of numbers').superRefine((ids, context) => {
    const { min = 0, max = Infinity } = bounds;
    const wrong = ids.findIndex((id) => !Number.isSafeInteger(id) || id <= 0);
    const issue = { code: 'custom', input: ids } as const;
    if (wrong >= 0) context.addIssue({ ...issue, message: 'an image is named by its number', path: [wrong] });
    else if (ids.length < min) context.addIssue({ ...issue, message: 'at least one image must be named' });
    else if (ids.length > max)
      context.addIssue({ ...issue, message: `at most ${max} images are described at once` });
  });
export const folderId = z.int('a folder is named by its number').positive('a folder is named by its number');
const withoutNul = (text: string) => !text.includes('\0');
export const path = z
  .string()
  .min(1, 'a path must not be empty')
  .refine(withoutNul, 'a path must not contain a null character');
export const modelName = z
  .string()
  .min(1, 'a model name must not be empty')
  .refine(withoutNul, 'a model name must not contain a null character');
export const threads = z.int('threads must be a whole number from 1 to 1024').min(1).max(1024);
export const batch = z.int('a batch must be a whole number of images from 1 to 1024').min(1).max(1024);
export const share = (name: string) =>
  z.number().min(0, `${name} must be from 0 to 1`).max(1, `${name} must be from 0 to 1`);

/** What is found before a classifier labels it: by a detection model, or in another run; see FindSpec. */
export const findShape = z.strictObject({
  model: modelName.optional(),
  runId: runId.optional(),
  preset: z.enum(['fast', 'balanced', 'accurate'], 'a preset must be fast, balanced or accurate').optional(),
  above: share('the smallest score of a box').optional(),
  margin: z
    .number()
    .min(0, 'a margin must be from 0 to 2 of the longer side')
    .max(2, 'a margin must be from 0 to 2 of the longer side')
    .optional(),
  rule: z.enum(LABEL_RULES, `a rule for labels must be ${LABEL_RULES.join(', ')}`).optional(),
  pass: z.array(z.string()).max(1000, 'at most 1000 kinds can be passed through').optional(),
});

/** How a run predicts; what is left out has a default. */
export const dialShape = {
  model: modelName.optional(), // name or path of a package
  preset: z.enum(['fast', 'balanced', 'accurate'], 'a preset must be fast, balanced or accurate').optional(),
  /** One ratio r, meaning r, r^2, r^3, or one ratio per stage with commas between. */
  tokenKeep: z.string().optional(),
  blockThreshold: share('the block threshold').optional(),
  /** Of segmentation and detection models: pixels that pictures are seen at; a multiple of 32. */
  inputSize: z
    .int('an input size must be a whole number of pixels')
    .multipleOf(32, 'an input size must be a multiple of 32 pixels')
    .min(64, 'an input size must be at least 64 pixels')
    .max(2048, 'an input size must be at most 2048 pixels')
    .optional(),
  /** Of detection models: what is kept of what they find. */
  minScore: share('the smallest score').optional(),
  nmsIou: share('the overlap of boxes').optional(),
  maxDetections: z.int('a number of detections must be from 1 to 1000').min(1).max(1000).optional(),
  /** Of segmentation models: pixels between two windows. */
  slideStride: z.int('a slide stride must be a whole number of pixels').positive().optional(),
  precision: z.enum(PRECISIONS, `a precision must be ${PRECISIONS.join(', ')}`).optional(),
  device: z.string().optional(), // 'auto' or a name from devices()
  threads: threads.optional(),
  batch: batch.optional(), // images that are predicted and saved together
};
