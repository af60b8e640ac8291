/** What training is, for the window, the command line and the training host alike. */

/**
 * `head`: a new last layer on the features of a model that stays as it is. `fine-tune`: all weights of a model.
 * `distill`: an unpruned model becomes a DyVM that learns from it what to leave out. `scratch`: all weights from chance.
 */
export const TRAINING_METHODS = ['head', 'fine-tune', 'distill', 'scratch'] as const;
export type TrainingMethod = (typeof TRAINING_METHODS)[number];

/**
 * Heads that few pictures may give: multinomial logistic regression; the class whose mean is nearest; the class whose mean
 * has the least angle to the picture (SimpleShot, arXiv 1911.04623).
 */
export const HEAD_KINDS = ['logistic', 'class-mean', 'cosine'] as const;
export type HeadKind = (typeof HEAD_KINDS)[number];

/** Which head was taken, and how each did on the pictures that were left out of it, fold by fold. */
export interface HeadChoice {
  kind: HeadKind;
  folds: number;
  trials: { kind: HeadKind; accuracy: number; loss: number }[];
}

/** How the pictures of a step are varied, all of it by the step's seed. A ratio or probability is from 0 to 1. */
export interface Augmentation {
  /**
   * `resized`: a part of at least `leastArea` of the picture, its sides at most 4 to 3, becomes the model's input (bicubic).
   * `shifted`: the evaluation's crop, moved by up to `pixels` to each side; what is beyond the edge is black. `centre`: the
   * evaluation's crop. `window`, of segmentation and detection: the picture, at so many times the size of evaluation,
   * through a window of the model's size at a random place.
   */
  crop:
    | { kind: 'resized'; leastArea: number }
    | { kind: 'shifted'; pixels: number }
    | { kind: 'centre' }
    | { kind: 'window'; leastScale: number; largestScale: number };
  flip: boolean; // left and right, every other picture
  colourJitter: number; // brightness, contrast and saturation change by up to this share, in random order
  /** RandAugment (arXiv 1909.13719): `operations` per picture, at about `magnitude` of 10; 0 operations: none. */
  randAugment: { operations: number; magnitude: number };
  erasing: number; // random erasing (arXiv 1708.04896): the share of pictures that lose a rectangle to noise
  mixup: number; // arXiv 1710.09412: parameter of its beta distribution; 0: none
  cutMix: number; // arXiv 1905.04899: likewise; with both, every other batch has the one or the other
  smoothing: number; // of the labels
}

/** A part of it that can be switched on and off. */
export type AugmentationPart = Exclude<keyof Augmentation, 'smoothing'>;

/** Weights of the parts of the loss, and what it aims at (arXiv 2504.04787, section 3.4 and its code). */
export interface LossSettings {
  classification: number;
  tokenRatio: number;
  blockRatio: number;
  distillClass: number; // with a teacher
  distillToken: number; // with a teacher
  tokenKeep: number[]; // aim of each pruning stage, of the patches before any pruning
  blockKeep: number; // aim, over all blocks, images and directions
}

/** AdamW (arXiv 1711.05101). */
export interface OptimiserSettings {
  weightDecay: number; // of matrices but A_log, positions and class token
  largestNorm: number; // longer gradients are shortened to it; 0: never
  averageDecay: number; // of the moving average of the weights, 0 to 1
  /** Whether the head of a dense model learns alone. */
  freezesBackbone?: boolean | undefined;
}

/**
 * The learning rate: straight from `warmUpRate` up to `rate` over the first epochs, then half a cosine down to `leastRate`.
 */
export interface LearningRate {
  rate: number;
  warmUpRate: number;
  leastRate: number;
  warmUpEpochs: number;
}

/** All that determines a training beside its pictures. */
export interface TrainingRecipe {
  name: string; // of the recipe that it began from
  epochs: number;
  batch: number;
  learningRate: LearningRate;
  optimiser: OptimiserSettings;
  losses: LossSettings;
  augmentation: Augmentation;
  patience: number; // epochs without a better hold-out accuracy after which training ends; 0: never
  keeps: 'best' | 'last'; // which epoch becomes the model, by the hold-out or whatever that says
}

/** Parts of the loss, each times its weight, as they enter the total. */
export interface Losses {
  total: number;
  classification: number;
  tokenRatio: number;
  blockRatio: number;
  distillClass: number;
  distillToken: number;
  boxes: number; // of detection, like the next two; else 0
  quality: number;
  masks: number;
}

/** Of steps that there are none of. */
export const NO_LOSSES: Losses = {
  total: 0,
  classification: 0,
  tokenRatio: 0,
  blockRatio: 0,
  distillClass: 0,
  distillToken: 0,
  boxes: 0,
  quality: 0,
  masks: 0,
};

/** The part of the loss that is about what is taught, not about what to leave out. */
export const taskLoss = ({ classification, boxes, quality, masks }: Losses): number =>
  classification + boxes + quality + masks;

/** What one step or a mean of several did. */
export interface StepReport {
  losses: Losses;
  gradientNorm: number;
  accuracy: number; // share of the pictures whose best class is their label's; of mixed ones the stronger label's
  tokensKept: number; // share of the patches that the last stage kept
  directionsKept: number; // share of the scan directions that ran
}

/** A point of the training's curve: means over the steps of an epoch, and the hold-out behind it. */
export interface EpochReport extends StepReport {
  epoch: number; // from 1
  learningRate: number; // at its end
  seconds: number;
  /** Of pictures that are not learned from, predicted as a run at Balanced predicts. */
  holdout: HoldoutScore | undefined;
}

/** How good a model is, from 0 to 1: see TRAINING_SCORES. */
export interface HoldoutScore {
  score: number;
  loss?: number | undefined; // mean cross entropy, of classification
}

/** What the score of a model that is taught is, by its task. */
export const TRAINING_SCORES = {
  classification: 'top-1', // share of the pictures whose best class is theirs
  segmentation: 'mIoU', // mean over the classes of intersection over union, of marked pixels
  detection: 'AP50', // mean over the classes of the average precision at an IoU of 0.5, as COCO counts
} as const;

/** The tasks that Winnow teaches models. */
export const TAUGHT_TASKS = ['classification', 'detection', 'segmentation'] as const;
export type TaughtTask = (typeof TAUGHT_TASKS)[number];

/** How models of a task are taught: which methods there are, and how pictures can be varied. */
export interface TaughtRecord {
  methods: readonly TrainingMethod[];
  augmentations: readonly AugmentationPart[];
  /** Whether folders of classes are learned from, not runs alone. */
  hasFolders: boolean;
}

export const TAUGHT = {
  classification: {
    methods: TRAINING_METHODS,
    augmentations: ['crop', 'flip', 'colourJitter', 'randAugment', 'erasing', 'mixup', 'cutMix'],
    hasFolders: true,
  },
  segmentation: {
    methods: ['fine-tune', 'scratch'],
    augmentations: ['crop', 'flip', 'colourJitter'],
    hasFolders: false,
  },
  detection: {
    methods: ['fine-tune', 'scratch'],
    augmentations: ['crop', 'flip', 'colourJitter'],
    hasFolders: false,
  },
} as const satisfies Record<TaughtTask, TaughtRecord>;

/** What a training teaches that says none, as those of earlier versions. */
export const taskOf = ({ task = 'classification' }: { task?: TaughtTask | undefined }): TaughtTask => task;

/** How a segmentation model does on marked pictures. */
export interface SegmentationScores {
  score: number; // see TRAINING_SCORES
  pixelAccuracy: number; // share of the marked pixels
  /** Of each class of the model; `iou`: undefined where it is neither marked nor found. */
  perClass: { iou?: number | undefined; pixels: number }[];
  /** Pixels. Rows: what is marked, columns: what is found. Left out where there are very many classes. */
  confusion?: number[][] | undefined;
  /** Pictures with the smallest IoU first. `index` as in TrainingOutcome. */
  worst: { index: number; path: string; iou: number }[];
}

/** What a class reaches when detections of at least `score` count. */
export interface PrecisionPoint {
  recall: number;
  precision: number;
  score: number;
}

/** How a class does at an IoU of 0.5. */
export interface ClassPrecision {
  ap50?: number | undefined; // undefined where nothing is expected
  objects: number; // that are expected
  precisionRecall: PrecisionPoint[]; // by falling score
}

/** How a detector does on marked pictures. Shares from 0 to 1, by COCO's rules. */
export interface DetectionScores {
  score: number; // see TRAINING_SCORES
  ap: number; // the mean over IoU 0.5, 0.55, ..., 0.95
  maskAp50?: number | undefined; // the same by masks, where all objects of the truth have one
  maskAp?: number | undefined;
  perClass: ClassPrecision[];
  /**
   * Rows: classes of the truth, columns: those of detections of at least 0.5, each given the object that it overlaps most, by
   * at least half of the union, the best first. The last row is what was found where nothing is, the last column what was not
   * found. Left out above 200 classes.
   */
  confusion?: number[][] | undefined;
  /** Pictures with the most mistakes first, at most 60. `wrong`: detections of another class than the object's, or of none. */
  worst: { index: number; path: string; missed: number; wrong: number }[];
}

/** How a model that finds what lies where does on marked pictures. */
export type MarkedScores = SegmentationScores | DetectionScores;

/** Whether scores are a detector's. */
export function areOfDetection<Scores extends object>(
  scores: Scores,
): scores is Extract<Scores, { ap: number }> {
  return 'ap' in scores;
}

/** What there can be to say of pictures before training. */
export const WARNING_KINDS = [
  'left-out', // classes with too few pictures, by request
  'few-images', // fewer than 20 in a class
  'unbalanced', // the largest class has ten times the images of the smallest
  'unreadable', // files that cannot be read are left out
  'duplicates', // the same picture in several classes
  'near-duplicates', // pictures that look alike in training and hold-out
  'small-pictures', // most are smaller than the model's input
  // Of detection and segmentation:
  'few-objects', // fewer than 20 of a class
  'unbalanced-objects', // ten times as many of one class as of another
  'other-size', // pictures of another size than when they were marked are left out
  'no-area', // boxes without an area are left out
  'outside', // boxes beside their picture are left out
  'repeated', // objects that a picture has twice count once
  'two-labels', // boxes of two classes at one place
  'no-mask', // objects without a mask are neither learned nor background
  'unused-mask', // masks are passed over where other objects have none
  'unmarked', // pictures without a marked pixel are left out
  'relabelled', // pictures whose label by a person is none of what is marked in them
  'background', // pictures in which nothing is marked
  'tiny-objects', // objects are smaller than a patch
  'tiny-areas', // areas are
] as const;

/** Those whose paths are names of classes. */
export const CLASS_WARNINGS: readonly WarningKind[] = [
  'left-out',
  'few-images',
  'unbalanced',
  'few-objects',
  'unbalanced-objects',
];

export type WarningKind = (typeof WARNING_KINDS)[number];

/** What a training has to say before it starts; `paths` are some of those concerned, relative to the folder. */
export interface TrainingWarning {
  kind: WarningKind;
  message: string; // one sentence
  paths: string[];
  count: number;
  /** What the sentence is about, for other languages; `count` aside. */
  values?: Record<string, string | number> | undefined;
}

export type TrainingState = 'preparing' | 'running' | 'paused' | 'done' | 'failed';

/** How many pictures there are; of segmentation one may show several classes. */
export interface PictureCounts {
  learned: number; // from
  held: number; // out
}

/** A class of the new model. */
export interface TrainingClass {
  name: string;
  images: number; // that are learned from
  holdout: number;
}
