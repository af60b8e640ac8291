import type { DenseTask } from '../../shared/tasks.ts';
import type { Augmentation, LearningRate, TrainingMethod, TrainingRecipe } from '../../shared/training.ts';

/**
 * Recipes of the original's scripts, with their batches over all of their GPUs; `keep`: of the first stage, r of r, r^2,
 * r^3.
 */
const PUBLISHED = {
  'vim-t': { batch: 512, rate: 3e-5, keep: 0.9, blocks: 0.8 },
  'vim-s': { batch: 256, rate: 5e-5, keep: 0.7, blocks: 0.8 },
  'vim-b': { batch: 128, rate: 5e-5, keep: 0.7, blocks: 0.7 },
  'videomamba-t': { batch: 512, rate: 3e-5, keep: 0.9, blocks: 0.8 },
  'videomamba-s': { batch: 256, rate: 5e-5, keep: 0.7, blocks: 0.8 },
} as const;

type PublishedName = keyof typeof PUBLISHED;

/** Winnow's own recipes, for some hundred to some ten thousand pictures and a processor's cores. */
export const OWN_RECIPE = 'winnow';

/** What `--recipe` takes. */
export const RECIPE_NAMES: readonly string[] = [OWN_RECIPE, ...Object.keys(PUBLISHED)];

/** What a recipe depends on beside its name. */
export interface RecipeConditions {
  method: TrainingMethod;
  /** Whether a model is fine-tuned on the classes that it has already, so that there is something to forget. */
  goesOn?: boolean | undefined;
  images: number; // that are learned from
  imageSize: number; // pixels
  embedDim: number;
  epochs?: number | undefined; // as asked for, like the next two
  batch?: number | undefined;
  rate?: number | undefined;
}

/** Keep ratios to train for where neither a person nor the model says any. */
export interface Aims {
  keep: number; // of the first stage
  blocks: number;
}

export const OWN_AIMS: Aims = { keep: 0.7, blocks: 0.8 };

/** A recipe without its losses, which depend on the model. */
export type RecipeBase = Omit<TrainingRecipe, 'losses'>;

export function isPublished(name: string): name is PublishedName {
  return Object.hasOwn(PUBLISHED, name);
}

/** What the recipe of a name in RECIPE_NAMES trains for. */
export function recipeAims(name: string): Aims {
  return isPublished(name) ? PUBLISHED[name] : OWN_AIMS;
}

/** The recipe of a name in RECIPE_NAMES. */
export function recipeBase(name: string, conditions: RecipeConditions): RecipeBase {
  if (conditions.method === 'head') return headRecipe(conditions);
  return isPublished(name) ? publishedRecipe(name, conditions) : ownRecipe(conditions);
}

const PUBLISHED_EPOCHS = 30;
const PUBLISHED_WARM_UP = 5; // epochs of the 30; of fewer the same share
const RATE_BATCH = 512; // the batch that the published rates are for; others have rates in proportion

/**
 * Of arXiv 2504.04787's scripts. They keep a moving average of the weights (0.99996) without ever testing it; what is
 * tested here is the average, which with a decay of 0 is the last weights.
 */
function publishedRecipe(name: PublishedName, conditions: RecipeConditions): RecipeBase {
  const { batch: publishedBatch, rate } = PUBLISHED[name];
  const { epochs = PUBLISHED_EPOCHS, batch = publishedBatch, imageSize } = conditions;
  const own = conditions.rate ?? (rate * batch) / RATE_BATCH;
  return {
    name,
    epochs,
    batch,
    learningRate: {
      rate: own,
      warmUpRate: Math.min(1e-5, own),
      leastRate: Math.min(1e-6, own),
      warmUpEpochs: Math.min(PUBLISHED_WARM_UP, (epochs * PUBLISHED_WARM_UP) / PUBLISHED_EPOCHS),
    },
    optimiser: { weightDecay: 1e-8, largestNorm: 0, averageDecay: 0 },
    augmentation: {
      crop: cropOf(imageSize, 0.08),
      flip: true,
      colourJitter: 0.3,
      randAugment: { operations: 2, magnitude: 9 },
      erasing: 0.25,
      mixup: 0.8,
      cutMix: 1,
      smoothing: 0.1,
    },
    patience: 0,
    keeps: 'best',
  };
}

const OWN = {
  'fine-tune': { epochs: 20, rate: 3e-4, leastArea: 0.5, colourJitter: 0, patience: 8 },
  distill: { epochs: 20, rate: 3e-4, leastArea: 0.5, colourJitter: 0, patience: 0 },
  scratch: { epochs: 60, rate: 1e-3, leastArea: 0.35, colourJitter: 0.2, patience: 20 },
} as const;

const LARGEST_BATCH = 64;
const SMALLEST_BATCH = 8;
const STEPS_WANTED = 8; // of an epoch, so that a few pictures are not learned in two or three large steps
const RATE_WIDTH = 192; // wider models learn with smaller rates, in proportion
const WARM_UP = 0.1; // of the epochs
const LEAST_RATE = 0.01; // of the rate: where warm-up begins and the cosine ends

function ownRecipe(conditions: RecipeConditions): RecipeBase {
  const { method, images, imageSize, embedDim, goesOn = false } = conditions;
  const own = OWN[method === 'head' ? 'fine-tune' : method];
  const { epochs = own.epochs, batch = ownBatch(images) } = conditions;
  // The noise of a step falls with the root of its batch.
  const scale = Math.sqrt(batch / LARGEST_BATCH) * Math.min(1, RATE_WIDTH / embedDim);
  const rate = conditions.rate ?? own.rate * scale;
  return {
    name: OWN_RECIPE,
    epochs,
    batch,
    // A model that knows its classes may know the hold-out, too, which then speaks for the first epochs.
    ...(goesOn ? { patience: 0, keeps: 'last' } : { patience: own.patience, keeps: 'best' }),
    learningRate: ownRate(rate, epochs),
    optimiser: {
      weightDecay: 0.05,
      largestNorm: 1,
      averageDecay: averageDecay(epochs * Math.ceil(images / batch)),
    },
    augmentation: {
      ...AS_THEY_ARE,
      crop: cropOf(imageSize, own.leastArea),
      flip: true,
      colourJitter: own.colourJitter,
      smoothing: 0.1,
    },
  };
}

/** Winnow's own course of a learning rate. */
function ownRate(rate: number, epochs: number): LearningRate {
  const least = rate * LEAST_RATE;
  return { rate, warmUpRate: least, leastRate: least, warmUpEpochs: epochs * WARM_UP };
}

/** A new head learns faster than a backbone that knows something. */
const DENSE = {
  'fine-tune': { epochs: 30, rate: 6e-4, patience: 10 },
  scratch: { epochs: 80, rate: 1e-3, patience: 25 },
} as const;
const WINDOWS = {
  segmentation: { leastScale: 0.75, largestScale: 1.5, largestBatch: 8 },
  detection: { leastScale: 0.6, largestScale: 1.4, largestBatch: 4 }, // 200 scenes are learned in half the epochs of 8
} as const;
const SMALLEST_WINDOWS = 2; // of a step

/** Winnow's own recipe for models that find what lies where. */
export function denseRecipe(
  task: DenseTask,
  conditions: RecipeConditions & { freezesBackbone: boolean },
  switches: AugmentSwitches,
): RecipeBase {
  const { method, images, embedDim, freezesBackbone } = conditions;
  const { leastScale, largestScale, largestBatch } = WINDOWS[task];
  // Features of windows that come again are kept: those of a frozen backbone are as few as they can be.
  const { crop = !freezesBackbone, flip = true, colourJitter = !freezesBackbone } = switches;
  const own = DENSE[method === 'scratch' ? 'scratch' : 'fine-tune'];
  const { epochs = own.epochs, batch = ownBatch(images, SMALLEST_WINDOWS, largestBatch) } = conditions;
  const rate = conditions.rate ?? own.rate * Math.min(1, RATE_WIDTH / embedDim);
  const scales = crop ? { leastScale, largestScale } : { leastScale: 1, largestScale: 1 };
  return {
    name: OWN_RECIPE,
    epochs,
    batch,
    patience: own.patience,
    keeps: 'best',
    learningRate: ownRate(rate, epochs),
    optimiser: {
      weightDecay: 0.05,
      largestNorm: 5,
      averageDecay: averageDecay(epochs * Math.ceil(images / batch)),
      ...(freezesBackbone && { freezesBackbone }),
    },
    augmentation: {
      ...AS_THEY_ARE,
      crop: { kind: 'window', ...scales },
      flip,
      colourJitter: colourJitter ? USUAL.colourJitter : 0,
    },
  };
}

/** The largest power of two up to `largest` that gives an epoch enough steps. */
function ownBatch(images: number, smallest = SMALLEST_BATCH, largest = LARGEST_BATCH): number {
  const wanted = 2 ** Math.floor(Math.log2(Math.max(1, images / STEPS_WANTED)));
  return Math.min(largest, Math.max(smallest, wanted));
}

/** The average reaches back over about a twentieth of all steps, and over a thousand at most. */
export function averageDecay(steps: number): number {
  return Math.min(0.999, Math.max(0, 1 - 20 / steps));
}

/** Pictures of a step whose features are computed; `weightDecay` is that of the solver. */
function headRecipe({ batch = LARGEST_BATCH }: RecipeConditions): RecipeBase {
  return {
    name: OWN_RECIPE,
    epochs: 1,
    batch,
    patience: 0,
    keeps: 'best',
    learningRate: { rate: 0, warmUpRate: 0, leastRate: 0, warmUpEpochs: 0 },
    optimiser: { weightDecay: 1e-4, largestNorm: 0, averageDecay: 0 },
    augmentation: AS_THEY_ARE,
  };
}

const AS_THEY_ARE: Augmentation = {
  crop: { kind: 'centre' },
  flip: false,
  colourJitter: 0,
  randAugment: { operations: 0, magnitude: 0 },
  erasing: 0,
  mixup: 0,
  cutMix: 0,
  smoothing: 0,
};

/** Parts of the augmentation as a person switches them on where a recipe has none of them. */
const USUAL = {
  leastArea: 0.5,
  colourJitter: 0.3,
  randAugment: { operations: 2, magnitude: 9 },
  erasing: 0.25,
  mixup: 0.8,
  cutMix: 1,
} as const;

const LARGEST_SHIFTED = 64; // pixels of a side: smaller pictures lose too much to a crop that is enlarged
const SHIFT = 8; // part of the side

function cropOf(imageSize: number, leastArea: number): Augmentation['crop'] {
  return imageSize <= LARGEST_SHIFTED
    ? { kind: 'shifted', pixels: Math.max(1, Math.round(imageSize / SHIFT)) }
    : { kind: 'resized', leastArea };
}

export type AugmentSwitches = {
  [Part in Exclude<keyof Augmentation, 'smoothing'>]?: boolean | undefined;
};

/** The augmentation with parts switched off, or on with usual strength where there is none of them. */
export function switchAugmentation(
  base: Augmentation,
  switches: AugmentSwitches,
  imageSize: number,
): Augmentation {
  const switched = <T>(isOn: boolean | undefined, has: boolean, own: T, usual: T, none: T) =>
    isOn === undefined || isOn === has ? own : isOn ? usual : none;
  const amount = (part: 'colourJitter' | 'erasing' | 'mixup' | 'cutMix') =>
    switched(switches[part], base[part] > 0, base[part], USUAL[part], 0);
  const { crop, randAugment } = base;
  const usualCrop = cropOf(imageSize, USUAL.leastArea);
  return {
    ...base,
    crop: switched(switches.crop, crop.kind !== 'centre', crop, usualCrop, AS_THEY_ARE.crop),
    flip: switches.flip ?? base.flip,
    randAugment: switched(
      switches.randAugment,
      randAugment.operations > 0,
      ...([randAugment, USUAL.randAugment, AS_THEY_ARE.randAugment] as const),
    ),
    colourJitter: amount('colourJitter'),
    erasing: amount('erasing'),
    mixup: amount('mixup'),
    cutMix: amount('cutMix'),
  };
}
