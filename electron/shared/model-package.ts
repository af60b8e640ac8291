import { z } from 'zod';
import { ARCHITECTURE_NAMES } from './architectures.ts';
import { HEAD_KINDS, TRAINING_METHODS } from './training.ts';
import type { DetectionScores, HeadChoice, SegmentationScores } from './training.ts';

/** Key of the safetensors `__metadata__` entry that holds the manifest as JSON text. */
export const MANIFEST_KEY = 'winnow';

/** The manifest is text inside of the header, so both keep within these. */
export const HEADER_BOUNDS = { depth: 8, containers: 100_000, keys: 100_000 };

const positive = z.int().positive();
const ratio = z.number().gt(0).lte(1);

/** The published models have 12 or 16. */
export const MAX_REGISTERS = 1024;

const normalisation = {
  mean: z.tuple([z.number(), z.number(), z.number()]), // of values from 0 to 1, RGB
  std: z.tuple([z.number().positive(), z.number().positive(), z.number().positive()]),
};

/** How a picture becomes a classifier's input: RGB bytes, resized, centre-cropped, normalised per channel. */
export const preprocessingSchema = z.strictObject({
  /** Length in pixels that the shorter side is resized to (PIL bicubic, 8 bit). */
  resize: positive,
  /** Side in pixels of the square centre crop; equals the model's image size. */
  crop: positive,
  ...normalisation,
});

export const labelSchema = z.strictObject({
  name: z.string().min(1),
  /** WordNet synset such as n02123045; tells equal names of ImageNet apart. */
  synset: z.string().optional(),
  /** The class's number in its data set, where that is not its index: COCO's 80 classes are numbered up to 90. */
  id: z.int().nonnegative().optional(),
  /** As `#rrggbb`, where the data set has one (ADE20K). */
  colour: z
    .string()
    .regex(/^#[0-9a-f]{6}$/)
    .optional(),
});

/** Where the weights came from, for the model card; nothing computes with it. */
export const provenanceSchema = z.strictObject({
  file: z.string(),
  sha256: z.string(),
  /** Entry of the training checkpoint that was taken: `model`, `model_ema`, or `state_dict` for a bare file. */
  weights: z.string(),
  epoch: z.int().optional(),
  /** The training arguments that the checkpoint recorded and that describe the model. */
  training: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).optional(),
});

const share = z.number().min(0).max(1);
const count = z.int().nonnegative();

/** Which kind of head cross-validation found best; `loss` is the mean cross entropy. */
export const headChoiceSchema = z.strictObject({
  kind: z.enum(HEAD_KINDS),
  folds: positive,
  trials: z.array(z.strictObject({ kind: z.enum(HEAD_KINDS), accuracy: share, loss: z.number() })),
}) satisfies z.ZodType<HeadChoice>;

/**
 * How a model that Winnow trained came about, for the model card; nothing computes with it. It says no time: the same
 * training gives the same bytes.
 */
export const trainedSchema = z.strictObject({
  method: z.enum(TRAINING_METHODS),
  /** Of a head from few pictures. */
  head: headChoiceSchema.optional(),
  /** The model that it started from, and learned from; SHA-256 of its file and of its tensors. */
  parent: z.strictObject({ name: z.string(), sha256: z.string(), dataSha256: z.string() }).optional(),
  /** The recipe in short; `epochs` as planned, `batch` in pictures, `learningRate` at its highest. */
  recipe: z.strictObject({
    name: z.string(),
    epochs: positive,
    batch: positive,
    learningRate: z.number().nonnegative(),
    freezesBackbone: z.boolean().optional(), // the head of a dense model learned alone
  }),
  seed: count,
  classes: z.array(z.strictObject({ name: z.string(), images: count, holdout: count })),
  /** Means over the steps of an epoch and, behind it, the accuracy on the hold-out; thinned out when there are many. */
  epochs: z.array(
    z.strictObject({ epoch: positive, loss: z.number(), accuracy: share, top1: share.optional() }),
  ),
  best: positive.optional(), // epoch whose weights these are; none of a head that was solved
  /** Of the pictures that were held out, at Balanced. */
  holdout: z.strictObject({
    images: count,
    top1: share,
    parentTop1: share.optional(), // of the parent, where all weights were taught the classes that it knew
    calibrationError: share,
    /** What each token keep ratio (of the first stage) gives. */
    curve: z.array(
      z.strictObject({ tokenKeep: ratio, top1: share, blockKeep: share, workShare: z.number() }),
    ),
    confusion: z.array(z.array(count)).optional(), // rows: true classes; left out where there are very many
  }),
});
export type Trained = z.infer<typeof trainedSchema>;

/** See SegmentationScores. */
export const segmentationScoresSchema = z.strictObject({
  score: share,
  pixelAccuracy: share,
  perClass: z.array(z.strictObject({ iou: share.optional(), pixels: count })),
  confusion: z.array(z.array(count)).optional(),
  worst: z.array(z.strictObject({ index: count, path: z.string(), iou: share })),
}) satisfies z.ZodType<SegmentationScores>;

/** See ClassPrecision. */
const classPrecision = z.strictObject({
  ap50: share.optional(),
  objects: count,
  precisionRecall: z.array(z.strictObject({ recall: share, precision: share, score: share })),
});

/** See DetectionScores. */
export const detectionScoresSchema = z.strictObject({
  score: share,
  ap: share,
  maskAp50: share.optional(),
  maskAp: share.optional(),
  perClass: z.array(classPrecision),
  confusion: z.array(z.array(count)).optional(),
  worst: z.array(z.strictObject({ index: count, path: z.string(), missed: count, wrong: count })),
}) satisfies z.ZodType<DetectionScores>;

/** What the outcome of a dense model's training says beside its scores; `score`: see TRAINING_SCORES. */
export const markedTestShape = {
  images: count,
  /** What each token keep ratio (of the first stage) gives. */
  curve: z.array(z.strictObject({ tokenKeep: ratio, score: share, blockKeep: share, workShare: z.number() })),
};

/** What `trainedSchema` and those of dense models share. */
const trainedDense = trainedSchema.omit({ head: true, epochs: true, holdout: true }).extend({
  epochs: z.array(
    z.strictObject({ epoch: positive, loss: z.number(), accuracy: share, score: share.optional() }),
  ),
});
export const trainedSegmenterSchema = trainedDense.extend({
  holdout: segmentationScoresSchema.omit({ worst: true }).extend(markedTestShape),
});
export const trainedDetectorSchema = trainedDense.extend({
  holdout: detectionScoresSchema.omit({ worst: true }).extend({
    ...markedTestShape,
    perClass: z.array(classPrecision.omit({ precisionRecall: true })),
  }),
});
export type TrainedSegmenter = z.infer<typeof trainedSegmenterSchema>;
export type TrainedDetector = z.infer<typeof trainedDetectorSchema>;

/** An address that a person can open; one of a file is only ever asked encrypted. */
export const addressSchema = z.url({ protocol: /^https$/ });

/** What was published of a model, for its card; nothing computes with it. */
export const publishedSchema = z.strictObject({
  /** Name of the model in the catalogue. */
  model: z.string().min(1),
  top1: z.number().gt(0).lte(100), // percent
  /** The data set on whose validation pictures top1 was measured. */
  dataSet: z.string().min(1),
  /** The address at which top1 is published. */
  source: addressSchema,
  citation: z.string().min(1),
  /** The makers' page of the weights. */
  page: addressSchema,
});

export type Published = z.infer<typeof publishedSchema>;

const common = {
  format: z.literal(1),
  name: z.string().min(1),
  imageSize: positive,
  patchSize: positive,
  stride: positive,
  embedDim: positive,
  depth: positive,
  stateDim: positive,
  convWidth: positive,
  dtRank: positive,
  classes: positive, // without the background of a detection model
  /** Whether every block chooses its scan directions (block heads are present). */
  blockSelection: z.boolean(),
  /** Blocks before which patches are pruned, ascending; empty for a model without token pruning. */
  pruningLayers: z.array(z.int().nonnegative()),
  /** Trained token keep ratio of each pruning stage, relative to the patches before any pruning. */
  tokenKeep: z.array(ratio),
  /** Share of scan directions that training aimed at, when recorded. */
  blockKeep: ratio.optional(),
  labels: z.array(labelSchema),
  provenance: provenanceSchema,
  /** Of a model that came from the catalogue of published ones. */
  published: publishedSchema.optional(),
  licence: z.string(),
  /** SHA-256, hex, of the package's tensor bytes (everything after the safetensors header). */
  dataSha256: z.string().regex(/^[0-9a-f]{64}$/),
};

export const classificationSchema = z.strictObject({
  ...common,
  task: z.literal('classification'),
  architecture: z.enum(ARCHITECTURE_NAMES),
  /** Of an architecture with registers; no other has any. */
  registers: positive.max(MAX_REGISTERS).optional(),
  /** Likewise: the factor by which the head narrows each register before it joins them. */
  registerReduction: positive.optional(),
  preprocessing: preprocessingSchema,
  /** Of a model that Winnow trained. */
  training: trainedSchema.optional(),
});

/** What segmentation and detection models are made of. */
export const DENSE_ARCHITECTURE = 'vim';

/** What segmentation and detection models share: a Vim without a class token, whose patches make a map of features. */
const dense = {
  ...common,
  architecture: z.literal(DENSE_ARCHITECTURE),
  /** Whether a block adds the mean of its two directions, not their sum; the weights do not tell. */
  halveDirections: z.boolean(),
  /** Whether tokens are rotated by their places in the grid before every block (RoPE, 14 positions a side). */
  rotary: z.boolean(),
  preprocessing: z.strictObject(normalisation),
};

/** UperNet (arXiv 1807.10221). */
const uperNetHead = z.strictObject({
  kind: z.undefined().optional(), // as packages have it that are older than the other kind
  taps: z.array(z.int().nonnegative()).length(4), // blocks behind which features are taken, ascending
  width: positive, // channels
  poolScales: z.array(positive).min(1).max(8),
  slideStride: positive, // pixels between two windows
});

/** A light head over the last block's map: LayerNorm, a projection to twice its size, two 3 x 3 convolutions. */
const convolutionHead = z.strictObject({
  kind: z.literal('convolutions'),
  width: positive, // channels
  slideStride: positive, // pixels between two windows
});

/** A window of imageSize x imageSize slides over the picture resized to that shorter side. */
const segmentation = z.strictObject({
  ...dense,
  task: z.literal('segmentation'),
  /** Of a model that Winnow trained. */
  training: trainedSegmenterSchema.optional(),
  head: z.discriminatedUnion('kind', [uperNetHead, convolutionHead]),
});

/** Mask R-CNN (arXiv 1703.06870) or Cascade Mask R-CNN (arXiv 1906.09756). */
const maskRcnnHead = z.strictObject({
  kind: z.undefined().optional(), // as packages have it that are older than the other kind
  width: positive, // channels of the pyramid, the proposal network and the heads
  boxWidth: positive, // values of the box head's hidden layer
  stages: z.union([z.literal(1), z.literal(3)]), // of the cascade
  boxPerClass: z.boolean(), // whether every class has box corrections of its own
});

/** One stage without anchors (FCOS, arXiv 1904.01355), masks from prototypes (YOLACT, arXiv 1904.02689). */
const oneStageHead = z.strictObject({
  kind: z.literal('one-stage'),
  width: positive, // channels of the pyramid and the towers
  layers: positive.max(16), // convolutions of each of the two towers
  prototypes: positive.max(256).optional(), // that masks are mixed of; left out where there are boxes alone
});

/** Over a simple feature pyramid (ViTDet, arXiv 2203.16527). The picture's longer side is resized to imageSize. */
const detection = z.strictObject({
  ...dense,
  task: z.literal('detection'),
  /** Of a model that Winnow trained. */
  training: trainedDetectorSchema.optional(),
  head: z.discriminatedUnion('kind', [maskRcnnHead, oneStageHead]),
});

/**
 * The manifest of a model package. Names and meaning are documented in docs/model-package.md;
 * native/model/dyvm_config.cc reads the same JSON.
 */
export const manifestSchema = z.discriminatedUnion('task', [classificationSchema, segmentation, detection]);

/** What stands in the place of a manifest for runs of another tool: what it was asked for, nothing of how it works. */
const toolSchema = <Name extends string>(task: Name) =>
  z.strictObject({ tool: z.string().min(1), task: z.literal(task), labels: z.array(labelSchema) });
export const toolManifestSchema = z.discriminatedUnion('task', [
  toolSchema('classification'),
  toolSchema('segmentation'),
  toolSchema('detection'),
]);
export type ToolManifest = z.infer<typeof toolManifestSchema>;

/** Whose results a run has: a model's, or another tool's. */
export type RunManifest = Manifest | ToolManifest;

export function isToolManifest(manifest: RunManifest): manifest is ToolManifest {
  return 'tool' in manifest;
}

export type Preprocessing = z.infer<typeof preprocessingSchema>;
export type Label = z.infer<typeof labelSchema>;
export type Manifest = z.infer<typeof manifestSchema>;
export type Task = Manifest['task'];
export type ClassificationManifest = z.infer<typeof classificationSchema>;
export type SegmentationManifest = z.infer<typeof segmentation>;
export type DetectionManifest = z.infer<typeof detection>;
export type MaskRcnnHead = z.infer<typeof maskRcnnHead>;
export type OneStageHead = z.infer<typeof oneStageHead>;
export type DetectionHead = DetectionManifest['head'];
export type UperNetHead = z.infer<typeof uperNetHead>;
export type ConvolutionHead = z.infer<typeof convolutionHead>;

/** A model package on disk as the app lists it. */
export interface ModelPackage {
  /** What `--model` takes: the file name without its extension. */
  name: string;
  path: string;
  bytes: number;
  bundled: boolean;
  manifest: Manifest;
}
