import { MAX_REGISTERS, type ClassificationManifest } from '../../shared/model-package.ts';
import { type ClassTokenArchitecture } from '../../shared/architectures.ts';
import { AppError } from '../../shared/errors.ts';
import { resizedSide } from '../models/model-input.ts';
import type { Described, ModelOptions } from './model-options.ts';
import { IMAGENET_COLOURS } from '../models/normalisation.ts';
import { badCheckpoint } from './pickle-values.ts';
import type { StateDict } from './state-dict.ts';
import { blockSizes, shapeOf } from './state-shapes.ts';
import { tokenPruning } from './token-pruning.ts';

/** What the checkpoint of a classification model says of it. Throws BAD_CHECKPOINT or BAD_ARGUMENT. */
export function describeClassifier(
  state: StateDict,
  options: ModelOptions,
): Described<ClassificationManifest> {
  const { patchSize, embedDim, blockSelection, ...sizes } = blockSizes(state);
  const [classes] = shapeOf(state, 'head.weight', 2);
  const [, positions] = shapeOf(state, 'pos_embed', 3);
  const blockKeep = blockSelection ? state.args.ratio('block_keep_ratio') : undefined;
  const registers = registersOf(state, embedDim);
  const patches = registers === undefined ? positions - 1 : positions;
  const { imageSize, stride } = imageGeometry(state, patchSize, patches);
  return {
    task: 'classification',
    architecture: architectureOf(state, options.architecture),
    imageSize,
    patchSize,
    stride,
    embedDim,
    ...sizes,
    classes,
    ...registers,
    blockSelection,
    ...tokenPruning(state, options),
    ...(blockKeep === undefined ? {} : { blockKeep }),
    preprocessing: {
      resize: resizedSide(imageSize, options.cropRatio ?? state.args.ratio('eval_crop_ratio')),
      crop: imageSize,
      ...IMAGENET_COLOURS,
    },
  };
}

/** MambaReg has positions for its registers, and a neck that narrows each of them for the head. */
function registersOf(
  state: StateDict,
  embedDim: number,
): Required<Pick<ClassificationManifest, 'registers' | 'registerReduction'>> | undefined {
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

/** The architecture, where the checkpoint or the person says it. */
export function architectureOf(
  state: StateDict,
  given: ClassTokenArchitecture | undefined,
): ClassificationManifest['architecture'] {
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
