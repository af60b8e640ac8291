import type { Manifest } from '../../shared/model-package.ts';
import { badCheckpoint } from './pickle-values.ts';
import type { StateDict } from './state-dict.ts';
import { shortJson } from '../../shared/shortened.ts';

export const OTHER_KIND_HINT =
  'Winnow imports Vim, VideoMamba and MambaReg classifiers, UperNet segmentation and Mask R-CNN detection on Vim, with DyVM and without.';

/** Sides of a tensor that must be there with `rank` axes, none of them empty. */
export function shapeOf(state: StateDict, name: string, rank: 2 | 3 | 4): [number, number, number] {
  const tensor = state.tensors.get(name);
  if (tensor === undefined) {
    throw badCheckpoint(
      `The checkpoint has no tensor ${name}, so it is not a model of this family`,
      OTHER_KIND_HINT,
    );
  }
  const [first = 1, second = 1, third = 1] = tensor.shape;
  if (tensor.shape.length !== rank || tensor.shape.includes(0)) {
    throw badCheckpoint(
      `The tensor ${name} must have ${rank} axes, but is ${shortJson(tensor.shape)}`,
      OTHER_KIND_HINT,
    );
  }
  return [first, second, third];
}

/** How many different indices stand in the names that match; gaps are found when the names are checked. */
export function countIndices(state: StateDict, pattern: RegExp): number {
  return new Set([...state.tensors.keys()].flatMap((name) => pattern.exec(name)?.[1] ?? [])).size;
}

/** Sizes of the blocks that every model of the family has, under `prefix`. */
export function blockSizes(
  state: StateDict,
  prefix = '',
): Pick<
  Manifest,
  'patchSize' | 'embedDim' | 'depth' | 'stateDim' | 'convWidth' | 'dtRank' | 'blockSelection'
> {
  const [embedDim, , patchSize] = shapeOf(state, `${prefix}patch_embed.proj.weight`, 4);
  const [, stateDim] = shapeOf(state, `${prefix}layers.0.mixer.A_log`, 2);
  const [, , convWidth] = shapeOf(state, `${prefix}layers.0.mixer.conv1d.weight`, 3);
  const [, dtRank] = shapeOf(state, `${prefix}layers.0.mixer.dt_proj.weight`, 2);
  return {
    patchSize,
    embedDim,
    depth: blockCount(state),
    stateDim,
    convWidth,
    dtRank,
    blockSelection: state.tensors.has(`${prefix}layers.0.mixer.block_head.weight`),
  };
}

export function blockCount(state: StateDict): number {
  return countIndices(state, /^(?:backbone\.(?:net\.)?)?layers\.(\d+)\./);
}

export function pruningStages(state: StateDict): number {
  return countIndices(state, /^(?:backbone\.(?:net\.)?)?score_predictors\.(\d+)\./);
}
