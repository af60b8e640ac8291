import type { Manifest } from '../../shared/model-package.ts';
import { headFlops } from './head-flops.ts';
import type { ModelShape } from './model-shape.ts';
import { isDense } from '../../shared/tasks.ts';

export interface FlopCount {
  /** As the original's calc_flops.py counts; for figures that are comparable with the paper's. */
  original: number;
  /** The same unit per multiply-accumulate and scan, but every scan direction counted as often as it runs. */
  actual: number;
  /** Of `actual`: multiply-accumulates in matrix products (patch embedding, linear layers, convolutions of a head). */
  matrixProducts: number;
  /** Updates of one state element, one per token, channel, state and direction that runs. */
  scanStateUpdates: number;
}

/**
 * Patches of an image before any pruning: grid side squared, side = floor((imageSize - patchSize) / stride) + 1.
 */
export function patchCount(shape: Pick<Manifest, 'imageSize' | 'patchSize' | 'stride'>): number {
  return (Math.floor((shape.imageSize - shape.patchSize) / shape.stride) + 1) ** 2;
}

/** The same model with its pictures at another size; at its own when that is undefined. */
export function atInputSize<Shape extends ModelShape>(shape: Shape, inputSize: number | undefined): Shape {
  return inputSize === undefined ? shape : { ...shape, imageSize: inputSize };
}

/**
 * Work for one image, or for one window of a segmentation model, in the unit of arXiv 2504.04787 (one
 * multiply-accumulate counts 1).
 *
 * `tokenKeep` holds one ratio per pruning stage, relative to the patches before any pruning; stage j keeps
 * max(1, trunc(tokenKeep[j] * patches)). `blockKeep` is the share of scan directions that ran, over all images, blocks and
 * both directions (1 for a model without block selection).
 *
 * With D = embedDim, E = 2D, N = stateDim, R = dtRank, K = convWidth, b = blockKeep, l = patches in the block + class token
 * or registers (a segmentation or detection model has neither), n = patches entering a predictor (in those models all of
 * them every time):
 *
 *     original = patches*D*3*P*P + head + sum over predictors n*(D*D + D*D/2 + D*D/8 + D/2)
 *              + sum over blocks l*D*2E + l*E*D + b * [(l+K-1)*E*K + l*E*(R+2N) + l*R*E + 9*l*E*N + 2*l*E]
 *     actual   = the same, with 2b * [l*E*K + l*E*(R+2N) + l*R*E + 9*l*E*N + 2*l*E] for the two directions,
 *                plus 2E*2 per block head
 *
 * The original counts the body of a block once although two directions run, and no block head. See headFlops for the head.
 */
export function countFlops(shape: ModelShape, tokenKeep: readonly number[], blockKeep: number): FlopCount {
  const { embedDim: D, stateDim: N, dtRank: R, convWidth: K } = shape;
  const E = 2 * D;
  const patches = patchCount(shape);
  const isWithoutToken = isDense(shape);
  const special = isWithoutToken ? 0 : (shape.registers ?? 1);
  let n = patches;
  let outside = patches * D * 3 * shape.patchSize ** 2 + headFlops(shape, patches);
  let projections = 0;
  let originalBody = 0;
  let bodyProducts = 0;
  let bodyRest = 0;
  let stateUpdates = 0;
  for (let layer = 0; layer < shape.depth; layer++) {
    const stage = shape.pruningLayers.indexOf(layer);
    if (stage >= 0) {
      outside += (isWithoutToken ? patches : n) * (D * D + (D * D) / 2 + (D * D) / 8 + D / 2);
      n = Math.max(1, Math.trunc((tokenKeep[stage] ?? 1) * patches));
    }
    const l = n + special;
    projections += l * D * 2 * E + l * E * D + (shape.blockSelection ? 2 * E * 2 : 0);
    bodyProducts += l * E * (R + 2 * N) + l * R * E;
    bodyRest += l * E * K + 9 * l * E * N + 2 * l * E;
    originalBody += l * E * (R + 2 * N) + l * R * E + (l + K - 1) * E * K + 9 * l * E * N + 2 * l * E;
    stateUpdates += l * E * N;
  }
  const blockHeads = shape.blockSelection ? shape.depth * 2 * E * 2 : 0;
  const matrixProducts = outside + projections + 2 * blockKeep * bodyProducts;
  return {
    original: outside + projections - blockHeads + blockKeep * originalBody,
    actual: matrixProducts + 2 * blockKeep * bodyRest,
    matrixProducts,
    scanStateUpdates: 2 * blockKeep * stateUpdates,
  };
}

/**
 * Work for one image relative to the whole model at its own size: all tokens, all scan directions; at the trained block keep
 * ratio. `inputSize`: side in pixels that a segmentation or detection model sees its pictures at.
 */
export function workShare(
  shape: ModelShape & Pick<Manifest, 'blockKeep'>,
  tokenKeep: readonly number[],
  inputSize?: number,
): number {
  return (
    countFlops(atInputSize(shape, inputSize), tokenKeep, shape.blockKeep ?? 1).actual / wholeModel(shape)
  );
}

/** Work for one image with all tokens and all scan directions. */
export function wholeModel(shape: ModelShape): number {
  const all = shape.pruningLayers.map(() => 1);
  return countFlops(shape, all, 1).actual;
}
