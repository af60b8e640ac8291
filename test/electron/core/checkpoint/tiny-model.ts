import type {
  ClassifierShape,
  DetectorShape,
  ModelShape,
  SegmenterShape,
} from '../../../../electron/core/models/model-shape.ts';
import type { UperNetHead } from '../../../../electron/shared/model-package.ts';
import { tensorShapes } from '../../../../electron/core/models/tensor-shapes.ts';
import { OrderedDict, TorchTensor, type Source } from './torch-save.ts';

const SHAPE = {
  imageSize: 8,
  patchSize: 4,
  stride: 4,
  embedDim: 8,
  depth: 2,
  stateDim: 2,
  convWidth: 2,
  dtRank: 1,
  classes: 3,
};

/** Arguments that make `dynamicModel` complete. */
export const TINY_ARGS = { model: 'Vim-Tiny', token_keep_ratio: 0.5, block_keep_ratio: 0.8, input_size: 8 };

/** A DyVM-Vim of 8 pixels, width 8, 2 blocks, 3 classes, that prunes before block 1. */
export function dynamicModel(): Map<string, Source> {
  return classifierOf(true, [1]);
}

/** The same without block heads and predictors. */
export function plainModel(): Map<string, Source> {
  return classifierOf(false, []);
}

/** A DyVM-MambaReg of the same sizes, with 2 registers that its head narrows to 4 values each. */
export function registerModel(): Map<string, Source> {
  return classifierOf(true, [1], { registers: 2, registerReduction: 2 });
}

const DENSE_SHAPE = {
  imageSize: 32,
  patchSize: 16,
  stride: 16,
  embedDim: 8,
  depth: 4,
  stateDim: 2,
  convWidth: 2,
  dtRank: 1,
};

/** Of a segmentation model with patches in 2 x 2: width 8, 4 blocks, a head of 3 channels, 5 classes. */
export function segmenterShape(dynamic = true): SegmenterShape & { head: UperNetHead } {
  return {
    task: 'segmentation',
    ...DENSE_SHAPE,
    classes: 5,
    blockSelection: dynamic,
    pruningLayers: dynamic ? [1] : [],
    head: { taps: [0, 1, 2, 3], width: 3, poolScales: [1, 2, 3, 6], slideStride: 21 },
  };
}

/** Of a detection model of the same sizes: a head of 4 channels, 6 values per box, 2 classes. */
export function detectorShape(stages: 1 | 3): DetectorShape {
  return {
    task: 'detection',
    ...DENSE_SHAPE,
    classes: 2,
    blockSelection: false,
    pruningLayers: [],
    head: { width: 4, boxWidth: 6, stages, boxPerClass: stages === 1 },
  };
}

/** What torch.save gets of mmseg: the state dict with what only training uses, beside `meta`. */
export function segmentationCheckpoint(
  model: Map<string, Source> = modelOf(segmenterShape()),
  meta: [string, Source][] = [],
): Map<string, Source> {
  const training: [string, Source][] = [
    ['backbone.fpn1.1.num_batches_tracked', batchCount('n0')],
    ['auxiliary_head.conv_seg.weight', new TorchTensor({ key: 'a0', data: floats(6, 0), shape: [6] })],
    ['auxiliary_head.convs.0.bn.num_batches_tracked', batchCount('n1')],
  ];
  return new Map<string, Source>([
    ['meta', new Map<string, Source>([['epoch', 7], ['iter', 80_000], ...meta])],
    ['state_dict', new OrderedDict(new Map([...model, ...training]))],
    ['optimizer', new Map<string, Source>()],
  ]);
}

/** What torch.save gets of detectron2: the state dict with its tables of rotations. */
export function detectionCheckpoint(
  model: Map<string, Source> = modelOf(detectorShape(3)),
  tables: Map<string, Source> = rotaryTables(),
): Map<string, Source> {
  return new Map<string, Source>([
    ['model', new Map([...model, ...tables])],
    ['trainer', new Map<string, Source>([['iteration', 9]])],
    ['iteration', 9],
  ]);
}

/** For 2 x 2 patches and a width of 8: rows turn channels 0 to 3, columns 4 to 7, by 7 and 0.07 radians per position. */
export function rotaryTables(prefix = 'backbone.net.', last = 0.07): Map<string, Source> {
  const angles = [0, 1].flatMap((row) =>
    [0, 1].flatMap((column) => [
      7 * row,
      7 * row,
      0.07 * row,
      0.07 * row,
      7 * column,
      7 * column,
      0.07 * column,
      last * column,
    ]),
  );
  const table = (name: 'cos' | 'sin'): [string, Source] => {
    const data = new Uint8Array(Float32Array.from(angles, (angle) => Math[name](angle)).buffer);
    return [`${prefix}rope.freqs_${name}`, new TorchTensor({ key: name, data, shape: [4, 8] })];
  };
  return new Map([table('cos'), table('sin')]);
}

function batchCount(key: string): TorchTensor {
  return new TorchTensor({
    key,
    data: new Uint8Array(8),
    shape: [],
    elements: 1,
    storageType: 'torch LongStorage',
  });
}

/** Tensor k holds k + 0/1000, k + 1/1000, ... as 32-bit floats. */
export function floats(count: number, base: number): Uint8Array {
  return new Uint8Array(Float32Array.from({ length: count }, (_, index) => base + index / 1000).buffer);
}

/** What torch.save gets: the state dict beside what the training loop keeps. */
export function trainingCheckpoint(
  model: Map<string, Source>,
  rest: [string, Source][],
): Map<string, Source> {
  return new Map<string, Source>([
    ['model', new OrderedDict(model)],
    ['optimizer', new Map<string, Source>([['param_groups', [new Map([['lr', 1e-5]])]]])],
    ['epoch', 29],
    ['scaler', 'none'],
    ...rest,
  ]);
}

/** The same entries under other names. */
export function renamed(model: Map<string, Source>, rename: (name: string) => string): Map<string, Source> {
  return new Map([...model].map(([name, value]) => [rename(name), value]));
}

function classifierOf(
  blockSelection: boolean,
  pruningLayers: number[],
  registers: Pick<ClassifierShape, 'registers' | 'registerReduction'> = {},
): Map<string, Source> {
  return modelOf({ task: 'classification', ...SHAPE, ...registers, blockSelection, pruningLayers });
}

/** All tensors that a model of a shape has. */
export function modelOf(shape: ModelShape): Map<string, Source> {
  return new Map(
    [...tensorShapes(shape)].map(([name, sides], index) => {
      const count = sides.reduce((product, side) => product * side, 1);
      const key = `${shape.blockSelection ? 'd' : 'p'}${index}`;
      return [name, new TorchTensor({ key, data: floats(count, index), shape: sides })];
    }),
  );
}
