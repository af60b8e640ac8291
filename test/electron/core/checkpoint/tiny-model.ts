import type { ClassifierShape } from '../../../../electron/core/flops.ts';
import { tensorShapes } from '../../../../electron/core/packages/tensor-shapes.ts';
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
  return modelOf(true, [1]);
}

/** The same without block heads and predictors. */
export function plainModel(): Map<string, Source> {
  return modelOf(false, []);
}

/** A DyVM-MambaReg of the same sizes, with 2 registers that its head narrows to 4 values each. */
export function registerModel(): Map<string, Source> {
  return modelOf(true, [1], { registers: 2, registerReduction: 2 });
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

function modelOf(
  blockSelection: boolean,
  pruningLayers: number[],
  registers: Pick<ClassifierShape, 'registers' | 'registerReduction'> = {},
): Map<string, Source> {
  const shapes = tensorShapes({
    task: 'classification',
    ...SHAPE,
    ...registers,
    blockSelection,
    pruningLayers,
  });
  return new Map(
    [...shapes].map(([name, shape], index) => {
      const count = shape.reduce((product, side) => product * side, 1);
      const key = `${blockSelection ? 'd' : 'p'}${index}`;
      return [name, new TorchTensor({ key, data: floats(count, index), shape })];
    }),
  );
}
