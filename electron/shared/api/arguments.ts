import { z } from 'zod';
import { PRECISIONS } from '../run.ts';

/** Arguments that several calls share. */
export const runId = z.int('a run is named by its number').positive('a run is named by its number');
export const imageId = z.int('an image is named by its number').positive('an image is named by its number');
export const folderId = z.int('a folder is named by its number').positive('a folder is named by its number');
export const path = z.string().min(1, 'a path must not be empty');
export const modelName = z.string().min(1, 'a model name must not be empty');
export const threads = z.int('threads must be a whole number from 1 to 1024').min(1).max(1024);
export const batch = z.int('a batch must be a whole number of images from 1 to 1024').min(1).max(1024);
export const share = (name: string) =>
  z.number().min(0, `${name} must be from 0 to 1`).max(1, `${name} must be from 0 to 1`);

/** How a run predicts; what is left out has a default. */
export const dialShape = {
  model: modelName.optional(), // name or path of a package
  preset: z.enum(['fast', 'balanced', 'accurate'], 'a preset must be fast, balanced or accurate').optional(),
  /** One ratio r, meaning r, r^2, r^3, or one ratio per stage with commas between. */
  tokenKeep: z.string().optional(),
  blockThreshold: share('the block threshold').optional(),
  precision: z.enum(PRECISIONS, `a precision must be ${PRECISIONS.join(', ')}`).optional(),
  device: z.string().optional(), // 'auto' or a name from devices()
  threads: threads.optional(),
  batch: batch.optional(), // images that are predicted and saved together
};
