import type { DetectionManifest, SegmentationManifest } from '../../shared/model-package.ts';
import { denseProblem } from '../packages/read-package.ts';
import { namesProblem, tensorShapes } from '../models/tensor-shapes.ts';
import type { DetectorShape, SegmenterShape } from '../models/model-shape.ts';
import type { Described, ModelOptions } from './model-options.ts';
import { badCheckpoint } from './pickle-values.ts';
import { IMAGENET_COLOURS } from '../models/normalisation.ts';
import { withoutUnused, type StateDict } from './state-dict.ts';
import {
  blockCount,
  blockSizes,
  countIndices,
  OTHER_KIND_HINT,
  pruningStages,
  shapeOf,
} from './state-shapes.ts';
import { tokenPruning } from './token-pruning.ts';

/** Sizes of the pooled maps that the original's UperNet has. */
const ORIGINAL_POOL_SCALES = [1, 2, 3, 6];

/** The original slides windows of 512 pixels by 341. */
const ORIGINAL_SLIDE = 341 / 512;

type Trunk = Omit<Described<SegmentationManifest>, 'task' | 'head' | 'classes'>;

/** What the checkpoint of an UperNet says of it. Throws BAD_CHECKPOINT or BAD_ARGUMENT. */
export function describeSegmenter(state: StateDict, options: ModelOptions): Described<SegmentationManifest> {
  const pools = countIndices(state, /^decode_head\.psp_modules\.(\d+)\./) || ORIGINAL_POOL_SCALES.length;
  const head = { taps: [], width: 1, poolScales: Array.from({ length: pools }, () => 1), slideStride: 1 };
  requireNames(state, { ...unsized(state), task: 'segmentation', head });
  if (pools !== ORIGINAL_POOL_SCALES.length) {
    throw badCheckpoint(
      `The checkpoint pools its features at ${pools} sizes, but does not say which`,
      `Only heads with the ${ORIGINAL_POOL_SCALES.length} sizes of the original are known.`,
    );
  }
  const trunk = describeTrunk(state, 'backbone.', options);
  const [classes, width] = shapeOf(state, 'decode_head.conv_seg.weight', 4);
  return sound({
    ...trunk,
    task: 'segmentation',
    classes,
    head: {
      taps: featureTaps(trunk.depth),
      width,
      poolScales: ORIGINAL_POOL_SCALES,
      slideStride: Math.round(ORIGINAL_SLIDE * trunk.imageSize),
    },
  });
}

/** What the checkpoint of a Mask R-CNN, cascaded or not, says of it. Throws BAD_CHECKPOINT or BAD_ARGUMENT. */
export function describeDetector(state: StateDict, options: ModelOptions): Described<DetectionManifest> {
  const isCascade = [...state.tensors.keys()].some((name) => /^roi_heads\.box_head\.\d+\./.test(name));
  const stages = isCascade ? 3 : 1;
  const head = { width: 1, boxWidth: 1, stages, boxPerClass: false } as const;
  requireNames(state, { ...unsized(state), task: 'detection', head });
  const stage = isCascade ? '.0' : '';
  const [width] = shapeOf(state, 'backbone.simfp_4.0.weight', 4);
  const [withBackground, boxWidth] = shapeOf(state, `roi_heads.box_predictor${stage}.cls_score.weight`, 2);
  const [boxValues] = shapeOf(state, `roi_heads.box_predictor${stage}.bbox_pred.weight`, 2);
  if (withBackground < 2) throw badCheckpoint('The checkpoint has no class beside the background');
  return sound({
    ...describeTrunk(state, 'backbone.net.', options),
    task: 'detection',
    classes: withBackground - 1,
    head: { width, boxWidth, stages, boxPerClass: boxValues !== 4 },
  });
}

/** The part before the head. A patch's neighbours are side by side, and there is no class token. */
function describeTrunk(state: StateDict, prefix: string, options: ModelOptions): Trunk {
  const { patchSize, ...sizes } = blockSizes(state, prefix);
  const [, patches] = shapeOf(state, `${prefix}pos_embed`, 3);
  const side = Math.sqrt(patches);
  if (!Number.isInteger(side)) {
    throw badCheckpoint(
      `The tensor ${prefix}pos_embed has ${patches} patch positions, which do not form a square`,
    );
  }
  return {
    architecture: 'vim',
    imageSize: side * patchSize,
    patchSize,
    stride: patchSize,
    ...sizes,
    ...tokenPruning(state, options),
    halveDirections: halvesDirections(state, options.halveDirections),
    rotary: state.tensors.has(`${prefix}rope.freqs_cos`) || state.tensors.has(`${prefix}rope.freqs_sin`),
    preprocessing: IMAGENET_COLOURS,
  };
}

/**
 * Whether a block halves the sum of its directions. The weights do not tell: every DyVM segmentation model was trained
 * with it; Vim's code did not halve until August 2024, and its configurations for detection never said.
 */
export function halvesDirections(state: StateDict, given: boolean | undefined): boolean {
  if (given !== undefined) return given;
  const names = [...state.tensors.keys()];
  const isDynamic = names.some((name) => /\.(block_head|score_predictors)\./.test(name));
  if (isDynamic && names.some((name) => name.startsWith('decode_head.'))) return true;
  throw badCheckpoint(
    'The checkpoint does not say whether a block halves the sum of its two scan directions, as the code of Vim does since August 2024, or not, as it did before',
    'Say which: --directions halved or --directions summed.',
  );
}

/** The last block of each quarter. */
function featureTaps(depth: number): number[] {
  if (depth % 4 === 0) return [1, 2, 3, 4].map((quarter) => (depth / 4) * quarter - 1);
  throw badCheckpoint(
    `The checkpoint does not say behind which of its ${depth} blocks the head takes features, and they do not divide into quarters`,
    OTHER_KIND_HINT,
  );
}

/** A model of the counts that the names follow from; its sizes mean nothing. */
function unsized(state: StateDict) {
  return {
    imageSize: 16,
    patchSize: 16,
    stride: 16,
    embedDim: 4,
    stateDim: 1,
    convWidth: 1,
    dtRank: 1,
    classes: 1,
    depth: blockCount(state),
    blockSelection: [...state.tensors.keys()].some((name) => name.includes('.block_head.')),
    pruningLayers: Array.from({ length: pruningStages(state) }, (_, stage) => stage),
  };
}

function requireNames(state: StateDict, model: SegmenterShape | DetectorShape): void {
  const shapes = new Map([...withoutUnused(state).tensors].map(([name, { shape }]) => [name, shape]));
  const problem = namesProblem(tensorShapes(model), shapes);
  if (problem !== undefined) throw badCheckpoint(problem, OTHER_KIND_HINT);
}

function sound<Model extends Described<SegmentationManifest> | Described<DetectionManifest>>(
  model: Model,
): Model {
  const problem = denseProblem(model);
  if (problem === undefined) return model;
  throw badCheckpoint(problem, OTHER_KIND_HINT);
}
