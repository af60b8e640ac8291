import { z } from 'zod';
import type { Box } from '../engine-api.ts';
import type { ModelPackage } from '../model-package.ts';
import type { Size } from '../resized-size.ts';
import type { Run } from '../run.ts';
import { TAUGHT_TASKS, TRAINING_METHODS } from '../training.ts';
import type {
  EpochReport,
  HeadChoice,
  MarkedScores,
  PictureCounts,
  TaughtTask,
  StepReport,
  TrainingClass,
  TrainingMethod,
  TrainingRecipe,
  TrainingState,
  TrainingWarning,
} from '../training.ts';
import { modelName, onlyCheck, path, runId, share, threads } from './arguments.ts';

const trainingId = z.int('a training is named by its number').positive('a training is named by its number');
const size = (name: string) =>
  z
    .int(`${name} must be a whole number of pixels`)
    .min(4, `${name} must be at least 4 pixels`)
    .max(1024, `${name} must be at most 1024 pixels`);

/** What to learn, from which pictures, starting where; what is left out has a default. */
export const trainingShape = {
  /** A folder whose sub-folders are classes; or, in its place, a run whose reviewed images are learned from. */
  folder: path.optional(),
  runId: runId.optional(),
  /** What is taught; segmentation from the masks of a run, imported or reviewed. */
  task: z.enum(TAUGHT_TASKS, `a task must be ${TAUGHT_TASKS.join(' or ')}`).optional(),
  method: z.enum(TRAINING_METHODS, `a method must be ${TRAINING_METHODS.join(', ')}`),
  /** Name or package file of the model to start from; not with `scratch`. */
  from: modelName.optional(),
  name: modelName.optional(), // of the new model
  /** With `scratch`: sizes of the new model. */
  size: z.enum(['micro', 'tiny', 'small', 'base'], 'a size must be micro, tiny, small or base').optional(),
  width: z
    .int('a width must be a whole number')
    .multipleOf(4, 'a width must be a multiple of 4')
    .min(8)
    .max(4096)
    .optional(),
  depth: z.int('a depth must be a whole number').min(1).max(256).optional(),
  states: z.int('states must be a whole number').min(1).max(256).optional(),
  imageSize: size('an image size').optional(),
  patchSize: size('a patch size').optional(),
  stride: size('a stride').optional(),
  /** Of recipes.ts: vim-t, vim-s, vim-b, videomamba-t, videomamba-s as published, or Winnow's own. */
  recipe: z.string().optional(),
  /** Of a dense model: what is kept as it is, so that the head learns alone. */
  freeze: z.enum(['backbone'], 'what is frozen must be the backbone').optional(),
  epochs: z.int('epochs must be a whole number').min(1, 'epochs must be at least 1').max(10_000).optional(),
  batch: z.int('a batch must be a whole number of images').min(1).max(4096).optional(),
  learningRate: z.number().positive('a learning rate must be above 0').max(1).optional(),
  /** One ratio r, meaning r, r^2, r^3, or one per stage with commas between. */
  tokenKeep: z.string().optional(),
  blockKeep: z
    .number()
    .gt(0, 'a block keep ratio must be above 0')
    .max(1, 'a block keep ratio must be at most 1')
    .optional(),
  /** Classes with too few pictures are left out in place of a refusal. */
  leaveOutPoor: z.boolean().optional(),
  /** Share of every class that is held out. */
  holdout: share('the hold-out').optional(),
  /** Training ends after so long, with the best epoch so far; the schedule is planned for it. */
  minutes: z.number().positive('a time must be above 0').optional(),
  seed: z.int('a seed must be a whole number').nonnegative().optional(),
  /** Parts of the augmentation that are switched off or, where the recipe has none of it, on with usual strength. */
  augment: z
    .strictObject({
      crop: z.boolean().optional(),
      flip: z.boolean().optional(),
      colourJitter: z.boolean().optional(),
      randAugment: z.boolean().optional(),
      erasing: z.boolean().optional(),
      mixup: z.boolean().optional(),
      cutMix: z.boolean().optional(),
    })
    .optional(),
  device: z.string().optional(),
  threads: threads.optional(),
};

/** Calls about teaching. */
export const trainingArguments = {
  prepareTraining: z.strictObject(trainingShape),
  startTraining: z.strictObject(trainingShape),
  pauseTraining: z.strictObject({ trainingId }),
  resumeTraining: z.strictObject({ trainingId, threads: threads.optional() }),
  removeTraining: z.strictObject({ trainingId, onlyCheck }),
  listTrainings: z.strictObject({}),
  reviewedRuns: z.strictObject({}),
  trainingParents: z.strictObject({}),
  showTraining: z.strictObject({ trainingId }),
  showSamples: z.strictObject({ trainingId }),
} as const;

export interface TrainingResults {
  /** Reads all pictures and says what training on them would be, before it starts. */
  prepareTraining: TrainingPlan;
  /** Starts a training and comes back at once; it tells by `training` events how it goes on. One at a time. */
  startTraining: Training;
  /** Comes back when the state is saved; nothing is lost. */
  pauseTraining: Training;
  /** Goes on where the training was paused, failed or killed; comes back at once. */
  resumeTraining: Training;
  /** Forgets a training that is not under way; a model that it made stays. */
  removeTraining: undefined;
  listTrainings: Training[]; // newest first
  /** The runs that have something to learn from, or would have it if they were reviewed, newest first. */
  reviewedRuns: ReviewedRun[];
  /** The models that there are, and whether a training can start from them. */
  trainingParents: TrainingParent[];
  showTraining: TrainingDetails;
  /** What the epochs made of some pictures of the hold-out; undefined where that is not known. */
  showSamples: TrainingSamples | undefined;
}

/** Something in a sample picture. */
export interface SampledObject {
  classIndex: number;
  score?: number | undefined; // of a prediction
  box?: Box | undefined; // in pixels of the upright picture
  counts?: string | undefined; // COCO's run lengths, at the size `map`
}

/** The same few pictures of the hold-out, what is true of them, and what the epochs made of them. */
export interface TrainingSamples {
  pictures: {
    index: number; // as in TrainingOutcome
    path: string;
    size?: Size | undefined; // pixels, of a marked picture
    map?: Size | undefined; // of its masks
    truth: SampledObject[];
  }[];
  /** In their order; of many epochs some. `found`: for each picture; undefined where it could not be read. */
  epochs: { epoch: number; found: (SampledObject[] | undefined)[] }[];
}

/** A run, and what a training could learn from it. */
export interface ReviewedRun {
  run: Run;
  reviewed: number; // images to which a person has given a label
  /** The tasks that can be taught from it, the one that it is most likely meant for first. */
  teaches: RunLesson[];
}

/** What a run has for a task. */
export interface RunLesson {
  task: TaughtTask;
  images: number; // that can be learned from: of another tool's run with boxes or areas all, else those that a person verified
  objects?: number | undefined; // boxes or areas in them, where they are not one label each
}

/** A model, and why a training for a task cannot start from it, in one sentence; no reason where it can. */
export interface TrainingParent {
  model: ModelPackage;
  problems: Partial<Record<TaughtTask, string>>;
}

/** A training as it is known before it starts. */
export interface TrainingPlan {
  task: TaughtTask;
  method: TrainingMethod;
  name: string; // of the new model
  from: ModelPackage | undefined;
  pictures: PictureCounts;
  classes: TrainingClass[];
  warnings: TrainingWarning[];
  recipe: TrainingRecipe;
  steps: number; // of all epochs; 0 of method head
  /** Measured by a few steps on this machine; undefined where that failed. */
  seconds: number | undefined;
  parameters: number; // of the new model
}

export interface Training {
  id: number;
  task: TaughtTask;
  name: string; // of the new model
  method: TrainingMethod;
  from: string | undefined; // name of the parent
  /** Folder of the pictures, or what stands for it: `run 3`. */
  source: string;
  state: TrainingState;
  /** Another Winnow is at work on it: it can be paused there. */
  elsewhere: boolean;
  createdAt: string; // ISO 8601
  finishedAt: string | undefined;
  progress: TrainingProgress;
  /** Best score of the hold-out so far, and its epoch; see TRAINING_SCORES. */
  best: { epoch: number; score: number } | undefined;
  /** Why it failed, or ended early, as one sentence. */
  reason: string | undefined;
  /** The package that it made, when it is done. */
  model: string | undefined;
}

export interface TrainingProgress {
  phase: 'reading' | 'training' | 'testing' | 'finishing' | 'done';
  done: number; // files read, or steps taken
  total: number;
  epoch: number; // under way, from 1; 0 before
  epochs: number;
  secondsLeft: number | undefined;
  imagesPerSecond: number; // 0 while nothing is measured
}

export interface TrainingDetails {
  training: Training;
  recipe: TrainingRecipe;
  pictures: PictureCounts;
  classes: TrainingClass[];
  warnings: TrainingWarning[];
  epochs: EpochReport[];
  /** Losses along the way, thinned out to some hundred points. */
  steps: { step: number; report: StepReport }[];
  /** Of the hold-out at Balanced, when training is done. */
  result: TrainingOutcome | undefined;
  /** The same of segmentation. */
  found: MarkedOutcome | undefined;
  /** Of a new head from few pictures: which kind was taken, and why. */
  head: HeadChoice | undefined;
}

/** What the finished model does with the pictures that it has not learned from. */
export interface TrainingOutcome {
  images: number;
  top1: number;
  /** What the parent makes of the same pictures at its own Balanced; not known of a new head or of other classes. */
  parentTop1?: number | undefined;
  /** Rows: true classes, columns: predicted, in the order of `classes`. */
  confusion: number[][];
  /** The dial on the hold-out: what each token keep ratio gives; one point for a model that does not prune. */
  curve: { tokenKeep: number; top1: number; blockKeep: number; workShare: number }[];
  /** Mean difference of confidence and accuracy over ten bins of confidence (expected calibration error). */
  calibrationError: number;
  /** Wrong and least sure first. `index` names its picture: `/training/<id>/<index>`. */
  worst: { index: number; path: string; label: string; predicted: string; confidence: number }[];
}

/** What a finished model of a dense task finds in the pictures that it has not learned from. */
export type MarkedOutcome = MarkedScores & {
  images: number;
  /** The dial on the hold-out: what each token keep ratio gives; one point for a model that does not prune. */
  curve: { tokenKeep: number; score: number; blockKeep: number; workShare: number }[];
};

export type TrainingEvent =
  | { type: 'training'; training: Training }
  | { type: 'trainingStep'; trainingId: number; step: number; report: StepReport }
  | { type: 'trainingEpoch'; trainingId: number; report: EpochReport };
