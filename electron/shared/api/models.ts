import { z } from 'zod';
import type { CalibrationReport } from '../calibration.ts';
import type { CatalogueModel } from '../catalogue.ts';
import { type ModelPackage, type Task } from '../model-package.ts';
import { CLASS_TOKEN_ARCHITECTURES } from '../architectures.ts';
import { modelName, onlyCheck, path, threads } from './arguments.ts';

/** Calls about model packages and their calibrations. */
export const modelArguments = {
  listModels: z.strictObject({}),
  showModel: z.strictObject({ model: modelName }),
  verifyModel: z.strictObject({ model: modelName }),
  removeModel: z.strictObject({ model: modelName, onlyCheck }),
  inspectCheckpoint: z.strictObject({ file: path }),
  importModel: z.strictObject({
    file: path,
    name: modelName,
    /** Name of the model of the catalogue whose file it is, which answers what the file leaves open. */
    known: z.string().optional(),
    architecture: z
      .enum(CLASS_TOKEN_ARCHITECTURES, `an architecture must be ${CLASS_TOKEN_ARCHITECTURES.join(' or ')}`)
      .optional(),
    labels: path.optional(),
    tokenKeep: z.string().optional(),
    /** Of detection and segmentation models: whether a block adds the mean of its directions, not their sum. */
    halveDirections: z.boolean().optional(),
    pruningLayers: z.array(z.int('a pruning layer must be a whole number').nonnegative()).optional(),
  }),
  calibrate: z.strictObject({
    model: modelName.optional(),
    images: path.optional(), // a folder; without one, images of earlier runs
    device: z.string().optional(),
    threads: threads.optional(),
  }),
  cancelCalibration: z.strictObject({}),
  showCalibration: z.strictObject({ model: modelName, device: z.string().optional() }),
} as const;

export interface ModelResults {
  listModels: ModelListing;
  showModel: ModelDetails;
  verifyModel: ModelPackage;
  removeModel: undefined;
  /** What a checkpoint says of itself, and what it leaves open for the person who imports it. */
  inspectCheckpoint: CheckpointReport;
  importModel: ModelPackage;
  /** Measures speed and agreement of a model on this machine, and keeps the curve; presets come from it then. */
  calibrate: CalibrationReport;
  /** Ends the calibration under way: its `calibrate` call is rejected with CANCELLED and nothing is kept of it. */
  cancelCalibration: undefined;
  /** The calibration that holds on this machine now; undefined when there is none. */
  showCalibration: Omit<CalibrationReport, 'failed'> | undefined;
}

export interface ModelListing {
  packages: ModelPackage[];
  /** Files among the packages that are none, with the reason. */
  damaged: { path: string; reason: string }[];
}

export interface ModelDetails {
  model: ModelPackage;
  card: string; // readable text: architecture, presets and their work, origin, notes
}

export interface CheckpointReport {
  suggestedName: string;
  task: Task;
  summary: string; // one sentence: architecture, size, classes, pruning
  classes: number;
  parameters: number; // numbers in its tensors that predicting needs
  /** The model of the catalogue whose file it is; nothing is left open then. */
  known: CatalogueModel | undefined;
  /** Options of importModel that the checkpoint does not answer, with what is asked. */
  questions: {
    option: 'architecture' | 'labels' | 'tokenKeep' | 'pruningLayers' | 'halveDirections';
    question: string;
  }[];
}
