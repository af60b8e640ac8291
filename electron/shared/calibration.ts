import { z } from 'zod';
import type { Task } from './model-package.ts';
import { PRECISIONS } from './run.ts';

/**
 * Raised with every change of the engine that changes its numbers or its speed: what an older engine measured does not
 * hold for a newer one.
 */
export const ENGINE_VERSION = 2;

/** A calibration with fewer images says nothing. */
export const MIN_CALIBRATION_IMAGES = 50;

/** What was measured at one point of the curve, on the sample of its calibration. */
export const calibrationPointSchema = z.strictObject({
  tokenKeep: z.array(z.number()),
  blockThreshold: z.number(),
  precision: z.enum(PRECISIONS),
  inputSize: z.int().optional(), // as in Preset
  imagesPerSecond: z.number(), // in the engine, without decoding
  flops: z.number(), // per image, at the block keep ratio beside it
  blockKeep: z.number(), // share of scan directions that ran
  /**
   * Images whose best class is the one that Accurate gives; of segmentation the mean IoU with Accurate's maps, of detection
   * the average precision (IoU .50) against what Accurate found, each times the images.
   */
  agreeing: z.number(),
  right: z.int(), // images with a label whose best class is that label
  lost: z.int(), // images with a label that Accurate gets right and this point gets wrong
  gained: z.int(), // and the other way round
});

export type CalibrationPoint = z.infer<typeof calibrationPointSchema>;

/** What a calibration holds for: another one of any of these has other speeds or other labels. */
export interface CalibrationKey {
  modelSha256: string;
  device: string; // name
  machine: string; // the device's description: processor, cores, instruction set
  engine: string; // version of the engine and the precisions that it computed
  threads: number;
}

/** The measured curve of a model on a device. */
export interface Calibration extends CalibrationKey {
  task: Task; // of the model
  createdAt: string; // ISO 8601
  folder: string | undefined; // the images' own; undefined for images of earlier runs
  images: number; // that were measured: the sample
  labelled: number; // of `images`: in a sub-folder that is a class of the model
  population: number; // images that the sample was drawn from; equal to `images` when all were taken
  points: CalibrationPoint[];
}

/** What a preset is expected to do, from the calibration's sample. */
export interface Expectation {
  imagesPerSecond: number; // in the engine
  agreement: number; // share of images that get Accurate's label
  loss: number | undefined; // of top-1 accuracy against Accurate, as a share; unknown without labels
  images: number;
  createdAt: string;
}

export type CalibratedPreset = 'accurate' | 'balanced' | 'fast';

/** What a setting is called that stands for several presets: Accurate where it is that too, for nothing is lost there. */
export function presetOf(names: readonly CalibratedPreset[]): CalibratedPreset | undefined {
  return names.includes('accurate') ? 'accurate' : names[0];
}

/** A calibration with the points that the presets stand for. */
export interface CalibrationReport {
  calibration: Calibration;
  modelName: string;
  failed: number; // images of the sample that could not be read; not counted in `images`
  presets: Record<CalibratedPreset, CalibrationPoint>;
}

export interface CalibrationProgress {
  done: number; // predictions: images times points
  total: number;
  secondsLeft: number | undefined;
}
