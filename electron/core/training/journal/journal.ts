import { z } from 'zod';
import { trainingArguments } from '../../../shared/api/training.ts';
import type { MarkedOutcome, TrainingOutcome } from '../../../shared/api/training.ts';
import {
  detectionScoresSchema,
  headChoiceSchema,
  manifestSchema,
  markedTestShape,
  segmentationScoresSchema,
} from '../../../shared/model-package.ts';
import { TRAINING_METHODS, WARNING_KINDS } from '../../../shared/training.ts';
import type {
  Augmentation,
  EpochReport,
  PictureCounts,
  StepReport,
  TrainingClass,
  TrainingRecipe,
  TrainingWarning,
} from '../../../shared/training.ts';
import { emptyCurve } from './report-means.ts';
import { samplesSchema } from './samples.ts';

const count = z.int().nonnegative();
const numbers = z.array(z.number());

const losses = z.strictObject({
  total: z.number(),
  classification: z.number(),
  tokenRatio: z.number(),
  blockRatio: z.number(),
  distillClass: z.number(),
  distillToken: z.number(),
  boxes: z.number().default(0), // not in those of earlier versions, like the next two
  quality: z.number().default(0),
  masks: z.number().default(0),
});

const stepReportShape = {
  losses,
  gradientNorm: z.number(),
  accuracy: z.number(),
  tokensKept: z.number(),
  directionsKept: z.number(),
};
const stepReport = z.strictObject(stepReportShape) satisfies z.ZodType<StepReport>;

/** Journals of earlier versions call the score top1. */
function withScore(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !('top1' in value)) return value;
  const { top1, ...rest } = value;
  return { score: top1, ...rest };
}

const epochReport = z
  .strictObject({
    ...stepReportShape,
    epoch: count,
    learningRate: z.number(),
    seconds: z.number(),
    holdout: z
      .preprocess(withScore, z.strictObject({ score: z.number(), loss: z.number().optional() }))
      .optional(),
  })
  .transform((report) => ({ ...report, holdout: report.holdout })) satisfies z.ZodType<EpochReport>;

const augmentation = z.strictObject({
  crop: z.discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('resized'), leastArea: z.number() }),
    z.strictObject({ kind: z.literal('shifted'), pixels: count }),
    z.strictObject({ kind: z.literal('centre') }),
    z.strictObject({ kind: z.literal('window'), leastScale: z.number(), largestScale: z.number() }),
  ]),
  flip: z.boolean(),
  colourJitter: z.number(),
  randAugment: z.strictObject({ operations: count, magnitude: z.number() }),
  erasing: z.number(),
  mixup: z.number(),
  cutMix: z.number(),
  smoothing: z.number(),
}) satisfies z.ZodType<Augmentation>;

const recipe = z.strictObject({
  name: z.string(),
  epochs: z.int().positive(),
  batch: z.int().positive(),
  learningRate: z.strictObject({
    rate: z.number(),
    warmUpRate: z.number(),
    leastRate: z.number(),
    warmUpEpochs: z.number(),
  }),
  optimiser: z.strictObject({
    weightDecay: z.number(),
    largestNorm: z.number(),
    averageDecay: z.number(),
    freezesBackbone: z.boolean().optional(),
  }),
  losses: z.strictObject({
    classification: z.number(),
    tokenRatio: z.number(),
    blockRatio: z.number(),
    distillClass: z.number(),
    distillToken: z.number(),
    tokenKeep: numbers,
    blockKeep: z.number(),
  }),
  augmentation,
  patience: count,
  keeps: z.enum(['best', 'last']).default('best'),
}) satisfies z.ZodType<TrainingRecipe>;

const trainingClass = z.strictObject({
  name: z.string(),
  images: count,
  holdout: count,
}) satisfies z.ZodType<TrainingClass>;

const warning = z.strictObject({
  kind: z.enum(WARNING_KINDS),
  message: z.string(),
  paths: z.array(z.string()),
  count,
  values: z.record(z.string(), z.union([z.string(), z.number()])).optional(), // not in those of earlier versions
}) satisfies z.ZodType<TrainingWarning>;

const worstPicture = z.strictObject({
  index: count,
  path: z.string(),
  label: z.string(),
  predicted: z.string(),
  confidence: z.number(),
});

/** Journals of earlier versions call the index `place`. */
const earlierWorstPicture = worstPicture
  .omit({ index: true })
  .extend({ place: count })
  .transform(({ place, ...picture }) => ({ index: place, ...picture }));

const outcome = z.strictObject({
  images: count,
  top1: z.number(),
  parentTop1: z.number().optional(),
  confusion: z.array(z.array(count)),
  curve: z.array(
    z.strictObject({
      tokenKeep: z.number(),
      top1: z.number(),
      blockKeep: z.number(),
      workShare: z.number(),
    }),
  ),
  calibrationError: z.number(),
  worst: z.array(z.union([worstPicture, earlierWorstPicture])),
}) satisfies z.ZodType<TrainingOutcome>;

const markedOutcome = z.union([
  segmentationScoresSchema.extend(markedTestShape),
  detectionScoresSchema.extend(markedTestShape),
]) satisfies z.ZodType<MarkedOutcome>;

const reportSum = z.strictObject({ steps: z.int().positive(), sum: stepReport }).optional();

/** How far a training has come. A state file and this go together: training goes on from both as if it had not stopped. */
const positionSchema = z.strictObject({
  step: count, // steps that were taken
  state: z.string().optional(), // name of the file with weights and moments; none before the first was saved
  seconds: z.number(), // of training and testing, in all sessions
  epochSeconds: z.number(), // of them in the epoch under way
  epochSum: reportSum.transform((sum) => sum),
  curve: z
    .strictObject({
      stride: z.int().positive(),
      points: z.array(z.strictObject({ step: count, report: stepReport })),
      pending: reportSum,
    })
    .transform((curve) => ({ ...curve, pending: curve.pending })),
  missing: z.array(count), // indices of pictures that went away meanwhile, ascending
});

export type Position = z.output<typeof positionSchema>;

/** The best epoch so far, and the package of its weights in the training's folder. */
const bestSchema = z.preprocess(
  withScore,
  z.strictObject({
    epoch: z.int().positive(),
    score: z.number(),
    loss: z.number().optional(),
    onAim: z.boolean(), // whether the blocks run as seldom as they should
    file: z.string(),
  }),
);

/** What is known when all pictures were read. */
const planSchema = z.strictObject({
  manifest: manifestSchema, // whole but for its hash and `training`
  recipe,
  pictures: z.strictObject({ learned: count, held: count }).optional(), // not in those of earlier versions
  classes: z.array(trainingClass), // in the order of the model's
  warnings: z.array(warning),
  steps: count, // of all epochs; 0 of method head
});

/** How many pictures a training is about. Earlier versions had one class to each. */
export function pictureCounts({ pictures, classes }: Pick<Plan, 'pictures' | 'classes'>): PictureCounts {
  const sum = (key: 'images' | 'holdout') => classes.reduce((total, one) => total + one[key], 0);
  return pictures ?? { learned: sum('images'), held: sum('holdout') };
}

/** Where every training begins. */
export const START: Position = {
  step: 0,
  seconds: 0,
  epochSeconds: 0,
  epochSum: undefined,
  missing: [],
  curve: emptyCurve(),
};

/** `training.json` of a training's folder. */
export const journalSchema = z.strictObject({
  format: z.literal(1),
  request: trainingArguments.startTraining,
  name: z.string(),
  method: z.enum(TRAINING_METHODS),
  source: z.string(),
  parent: z
    .strictObject({ name: z.string(), path: z.string(), sha256: z.string(), dataSha256: z.string() })
    .optional(),
  device: z.string(),
  seed: count,
  createdAt: z.string(),
  finishedAt: z.string().optional(),
  state: z.enum(['preparing', 'running', 'paused', 'done', 'failed']),
  reason: z.string().optional(), // why it failed or paused by itself
  ended: z.string().optional(), // why it ended before its last epoch
  model: z.string().optional(),
  outline: recipe, // as it looked before the pictures were read
  plan: planSchema.optional(),
  position: positionSchema,
  epochs: z.array(epochReport),
  samples: samplesSchema.optional(), // not in those of earlier versions
  best: bestSchema.optional(),
  head: headChoiceSchema.optional(), // of method head, where there were few pictures
  trained: z.boolean(), // whether all that is left is to test and to write the model
  result: outcome.optional(),
  found: markedOutcome.optional(), // of a dense model
});

export type Journal = z.output<typeof journalSchema>;
export type Plan = z.output<typeof planSchema>;
export type BestEpoch = z.output<typeof bestSchema>;

const pictureShape = { path: z.string(), relativePath: z.string(), held: z.boolean() };
/** In pixels of the upright picture. */
const box = z.object({ x: z.number(), y: z.number(), width: z.number(), height: z.number() });

const labelledPicture = z.strictObject({
  ...pictureShape,
  classIndex: count,
  box: box.optional(), // the part that is of the class; all of it without one
});

/** Of dense models; see MarkedExample. */
const markedPicture = z.strictObject({
  ...pictureShape,
  size: z.strictObject({ width: z.int().positive(), height: z.int().positive() }),
  objects: z.array(
    z.strictObject({
      classIndex: count,
      box: box.optional(), // always of detection
      counts: z.string().optional(), // always of segmentation
    }),
  ),
});

/** `pictures.json` of a training's folder: what is learned from and what is tested with. Its order gives the indices. */
export const picturesSchema = z.strictObject({
  format: z.literal(1),
  /** Folder that all pictures lie in; none of a run's. */
  root: z.string().optional(),
  pictures: z.array(z.union([labelledPicture, markedPicture])),
});

export type TrainingPictures = z.output<typeof picturesSchema>;
export type TrainingPicture = TrainingPictures['pictures'][number];
export type LabelledPicture = z.output<typeof labelledPicture>;
export type MarkedPicture = z.output<typeof markedPicture>;
