import { MAX_REGISTERS } from '../../shared/model-package.ts';
import type { ClassTokenArchitecture, Manifest } from '../../shared/model-package.ts';
import { AppError } from '../../shared/errors.ts';
import { isPruningOrder } from '../packages/read-package.ts';
import { keepPowers, parseTokenKeep } from '../presets.ts';
import { badCheckpoint } from './pickle-values.ts';
import type { StateDict } from './state-dict.ts';

/** What the person says about a checkpoint; wins over what the checkpoint records. */
export interface ModelOptions {
  name: string;
  architecture?: ClassTokenArchitecture | undefined;
  tokenKeep?: string | undefined;
  pruningLayers?: readonly number[] | undefined;
}

/** The part of the manifest that follows from tensors, training arguments and options. */
export type ModelDescription = Omit<
  Manifest,
  'format' | 'name' | 'task' | 'labels' | 'provenance' | 'licence' | 'dataSha256'
>;

/** An option of the import that a checkpoint leaves open. */
export interface ModelQuestion {
  option: 'architecture' | 'tokenKeep' | 'pruningLayers';
  question: string; // one sentence
}

/** The pruning layers that the original's main.py sets for every classification model. */
const ORIGINAL_PRUNING_LAYERS = [6, 12, 18];

/** The share of the resized picture that the crop takes, as the original evaluates. */
const ORIGINAL_CROP_RATIO = 0.875;

/** Up to this size the original neither resizes nor crops. */
const LARGEST_UNSCALED_IMAGE = 32;

const IMAGENET_MEAN: Manifest['preprocessing']['mean'] = [0.485, 0.456, 0.406];
const IMAGENET_STD: Manifest['preprocessing']['std'] = [0.229, 0.224, 0.225];

const OTHER_KIND_HINT =
  'Winnow imports Vim, VideoMamba and MambaReg classification models, with DyVM and without.';

/**
 * Reads a model's architecture and hyper-parameters from the names and shapes of its tensors, from the recorded
 * training arguments and from the person's options. Throws BAD_CHECKPOINT or BAD_ARGUMENT.
 */
export function describeModel(state: StateDict, options: ModelOptions): ModelDescription {
  refuseOtherKinds(state);
  const [embedDim, , patchSize] = shapeOf(state, 'patch_embed.proj.weight', 4);
  const [, stateDim] = shapeOf(state, 'layers.0.mixer.A_log', 2);
  const [, , convWidth] = shapeOf(state, 'layers.0.mixer.conv1d.weight', 3);
  const [, dtRank] = shapeOf(state, 'layers.0.mixer.dt_proj.weight', 2);
  const [classes] = shapeOf(state, 'head.weight', 2);
  const [, positions] = shapeOf(state, 'pos_embed', 3);
  const depth = countIndices(state, /^layers\.(\d+)\./);
  const stages = countIndices(state, /^score_predictors\.(\d+)\./);
  const blockSelection = state.tensors.has('layers.0.mixer.block_head.weight');
  const blockKeep = blockSelection ? state.args.ratio('block_keep_ratio') : undefined;
  const registers = registersOf(state, embedDim);
  const patches = registers === undefined ? positions - 1 : positions;
  const { imageSize, stride } = imageGeometry(state, patchSize, patches);
  return {
    architecture: architectureOf(state, options.architecture),
    imageSize,
    patchSize,
    stride,
    embedDim,
    depth,
    stateDim,
    convWidth,
    dtRank,
    classes,
    ...registers,
    blockSelection,
    pruningLayers: pruningLayers(stages, depth, options.pruningLayers),
    tokenKeep: trainedTokenKeep(state, stages, options),
    ...(blockKeep === undefined ? {} : { blockKeep }),
    preprocessing: {
      resize: resizedSide(imageSize, state.args.ratio('eval_crop_ratio')),
      crop: imageSize,
      mean: IMAGENET_MEAN,
      std: IMAGENET_STD,
    },
  };
}

/**
 * Options that describeModel asks for, since the checkpoint does not answer them, with the question; and values for them
 * with which it describes the rest.
 */
export function openOptions(state: StateDict): {
  questions: ModelQuestion[];
  stopgap: Omit<ModelOptions, 'name'>;
} {
  const depth = countIndices(state, /^layers\.(\d+)\./);
  const stages = countIndices(state, /^score_predictors\.(\d+)\./);
  const asked: [ModelQuestion['option'], string | undefined][] = [
    ['architecture', complaint(() => architectureOf(state, undefined))],
    ['tokenKeep', complaint(() => trainedTokenKeep(state, stages, { name: '' }))],
    ['pruningLayers', complaint(() => pruningLayers(stages, depth, undefined))],
  ];
  const questions = asked.flatMap(([option, question]) =>
    question === undefined ? [] : [{ option, question }],
  );
  const isOpen = (option: ModelQuestion['option']) => questions.some((one) => one.option === option);
  return {
    questions,
    stopgap: {
      architecture: isOpen('architecture') ? 'vim' : undefined,
      tokenKeep: isOpen('tokenKeep') ? '1' : undefined,
      pruningLayers: isOpen('pruningLayers')
        ? Array.from({ length: stages }, (_, stage) => stage + 1)
        : undefined,
    },
  };
}

/** Why `work` refuses the checkpoint, as one sentence; undefined when it does not. */
function complaint(work: () => unknown): string | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof AppError && error.code === 'BAD_CHECKPOINT') return `${error.message}.`;
    throw error;
  }
}

/** Models of this family that are not classification models are named, not guessed. */
function refuseOtherKinds(state: StateDict): void {
  const names = [...state.tensors.keys()];
  const kind = names.some((name) => name.startsWith('backbone.net.'))
    ? 'a detection model (Mask R-CNN on Vim)'
    : names.some((name) => name.startsWith('decode_head.'))
      ? 'a segmentation model (UperNet on Vim)'
      : undefined;
  if (kind !== undefined) {
    throw badCheckpoint(`The checkpoint is ${kind}, which Winnow cannot import yet`, OTHER_KIND_HINT);
  }
}

/** Sides of a tensor that must be there with `rank` axes, none of them empty. */
function shapeOf(state: StateDict, name: string, rank: 2 | 3 | 4): [number, number, number] {
  const tensor = state.tensors.get(name);
  if (tensor === undefined) {
    throw badCheckpoint(
      `The checkpoint has no tensor ${name}, so it is not a Vim, VideoMamba or MambaReg model`,
      OTHER_KIND_HINT,
    );
  }
  const [first = 1, second = 1, third = 1] = tensor.shape;
  if (tensor.shape.length !== rank || tensor.shape.includes(0)) {
    throw badCheckpoint(
      `The tensor ${name} must have ${rank} axes, but is [${tensor.shape.join()}]`,
      OTHER_KIND_HINT,
    );
  }
  return [first, second, third];
}

/** How many different indices stand in the names that match; gaps are found when the names are checked. */
function countIndices(state: StateDict, pattern: RegExp): number {
  return new Set([...state.tensors.keys()].flatMap((name) => pattern.exec(name)?.[1] ?? [])).size;
}

/** MambaReg has positions for its registers, and a neck that narrows each of them for the head. */
function registersOf(
  state: StateDict,
  embedDim: number,
): Required<Pick<Manifest, 'registers' | 'registerReduction'>> | undefined {
  if (!isMambaReg(state)) return undefined;
  if (!state.tensors.has('neck.weight')) {
    throw badCheckpoint(
      'The checkpoint is a MambaReg model without a neck, as the Tiny one, which not even the original can run',
      'Import a Small, Base or Large one.',
    );
  }
  const [, registers] = shapeOf(state, 'cls_token', 3);
  const [narrowed] = shapeOf(state, 'neck.weight', 2);
  if (registers > MAX_REGISTERS) {
    throw badCheckpoint(
      `The tensor cls_token has ${registers} registers, more than the ${MAX_REGISTERS} that are read`,
    );
  }
  if (embedDim % narrowed !== 0) {
    throw badCheckpoint(
      `The tensor neck.weight gives ${narrowed} values, which do not divide the width ${embedDim}`,
    );
  }
  return { registers, registerReduction: embedDim / narrowed };
}

function isMambaReg(state: StateDict): boolean {
  return state.tensors.has('pos_embed_cls');
}

function architectureOf(
  state: StateDict,
  given: ClassTokenArchitecture | undefined,
): Manifest['architecture'] {
  if (!isMambaReg(state)) return given ?? recordedArchitecture(state);
  if (given === undefined) return 'mambareg';
  throw new AppError(
    'BAD_ARGUMENT',
    `The checkpoint is a MambaReg model, but it was said to be ${given}`,
    'Leave --architecture out.',
  );
}

/**
 * Vim and VideoMamba have the same tensors, so only `args.model` tells: "Vim-Small" and "VideoMamba-Tiny" of DyVM, or
 * the long names of hustvl/Vim, which must have the class token in the middle and halved directions.
 */
function recordedArchitecture(state: StateDict): ClassTokenArchitecture {
  const model = state.args.text('model')?.toLowerCase() ?? '';
  if (model.startsWith('videomamba')) return 'videomamba';
  if (/^vim[-_]/.test(model) && (!model.includes('patch') || /mid.*div2/.test(model))) return 'vim';
  throw badCheckpoint(
    'The checkpoint does not say whether it is a Vim or a VideoMamba model, whose tensors look alike',
    'Say which: --architecture vim or --architecture videomamba.',
  );
}

/**
 * Image size and patch stride from the number of patches: grid side = floor((size - patch) / stride) + 1. The size is
 * the recorded one; else 224, when some stride up to the patch size fits exactly; else patches side by side.
 */
function imageGeometry(
  state: StateDict,
  patch: number,
  patches: number,
): { imageSize: number; stride: number } {
  const side = Math.sqrt(patches);
  if (!Number.isInteger(side) || side < 1) {
    throw badCheckpoint(`The tensor pos_embed has ${patches} patch positions, which do not form a square`);
  }
  const recorded = state.args.count('input_size');
  if (recorded === undefined) {
    const stride = fittingStride(224, patch, side, state.args.count('stride'));
    return stride === undefined ? { imageSize: side * patch, stride: patch } : { imageSize: 224, stride };
  }
  const stride = fittingStride(recorded, patch, side, state.args.count('stride'));
  if (stride === undefined) {
    throw badCheckpoint(
      `The tensor pos_embed has ${patches} patch positions, which do not fit an image of ${recorded} pixels`,
    );
  }
  return { imageSize: recorded, stride };
}

/** The recorded stride, the patch size, or the stride between that divides the image, if it gives `side` patches. */
function fittingStride(
  size: number,
  patch: number,
  side: number,
  recorded: number | undefined,
): number | undefined {
  const candidates = recorded === undefined ? [patch, (size - patch) / Math.max(1, side - 1)] : [recorded];
  return candidates.find(
    (stride) =>
      Number.isInteger(stride) &&
      stride >= 1 &&
      stride <= patch &&
      Math.floor((size - patch) / stride) + 1 === side,
  );
}

function pruningLayers(stages: number, depth: number, given: readonly number[] | undefined): number[] {
  if (given === undefined) {
    if (stages === 0) return [];
    if (stages === ORIGINAL_PRUNING_LAYERS.length && depth > 18) return [...ORIGINAL_PRUNING_LAYERS];
    throw badCheckpoint(
      `The checkpoint does not say before which of its ${depth} blocks it prunes patches`,
      `Give ${stages} block numbers, such as --pruning-layers 6,12,18.`,
    );
  }
  if (given.length !== stages) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The model prunes patches in ${stages} stages, but ${given.length} pruning layers were given`,
    );
  }
  if (!given.every(Number.isInteger) || !isPruningOrder(given, depth)) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Pruning layers must rise and lie between 1 and ${depth - 1}, but are ${given.join(', ')}`,
    );
  }
  return [...given];
}

function trainedTokenKeep(state: StateDict, stages: number, options: ModelOptions): number[] {
  if (options.tokenKeep !== undefined) return parseTokenKeep(options.tokenKeep, stages, options.name);
  if (stages === 0) return [];
  const ratio = state.args.ratio('token_keep_ratio');
  if (ratio !== undefined) return keepPowers(ratio, stages);
  throw badCheckpoint(
    'The checkpoint prunes patches, but does not record its token keep ratio',
    'Give the ratio that it was trained with, such as --token-keep 0.7.',
  );
}

/** Length of the shorter side before the crop: int(size / ratio), as the original computes it. */
function resizedSide(imageSize: number, cropRatio = ORIGINAL_CROP_RATIO): number {
  return imageSize > LARGEST_UNSCALED_IMAGE ? Math.trunc(imageSize / cropRatio) : imageSize;
}
