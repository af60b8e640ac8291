import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeModel, type ModelDescription } from '../../../../electron/core/checkpoint/describe-model.ts';
import type { ModelOptions } from '../../../../electron/core/checkpoint/model-options.ts';
import {
  Namespace,
  StorageRef,
  TensorRef,
  type PickleValue,
} from '../../../../electron/core/checkpoint/pickle-values.ts';
import { TrainingArgs } from '../../../../electron/core/checkpoint/training-args.ts';
import { tensorShapes } from '../../../../electron/core/models/tensor-shapes.ts';
import { appError } from '../app-error.ts';

interface Sample {
  args?: Record<string, PickleValue>;
  options?: Partial<ModelOptions>;
  depth?: number;
  stages?: number;
  patchSize?: number;
  grid?: number;
  registers?: number;
  registerReduction?: number;
}

type Classifier = Extract<ModelDescription, { task: 'classification' }>;

/** Describes a classifier of these sizes; nothing of its tensors is read. */
function describe({
  args = {},
  options = {},
  depth = 24,
  stages = 0,
  patchSize = 16,
  grid = 14,
  registers,
  registerReduction,
}: Sample): Classifier {
  const shapes = tensorShapes({
    task: 'classification',
    imageSize: grid * patchSize,
    patchSize,
    stride: patchSize,
    embedDim: 8,
    depth,
    stateDim: 16,
    convWidth: 4,
    dtRank: 1,
    classes: 5,
    blockSelection: stages > 0,
    pruningLayers: Array.from({ length: stages }, (_, j) => j + 1),
    registers,
    registerReduction,
  });
  const storage = new StorageRef('0', 'F32', 1);
  const tensors = new Map([...shapes].map(([name, shape]) => [name, new TensorRef(storage, 0, shape, [])]));
  const namespace = new Namespace();
  namespace.attributes = new Map(Object.entries({ model: 'Vim-Tiny', ...args }));
  const trainingArgs = new TrainingArgs(namespace);
  const state = { tensors, source: 'model', epoch: undefined, args: trainingArgs, labels: undefined };
  const model = describeModel(state, { name: 'sample', ...options });
  assert.ok(model.task === 'classification');
  return model;
}

const NAMES: [string, Classifier['architecture']][] = [
  ['Vim-Small', 'vim'],
  ['VideoMamba-Tiny', 'videomamba'],
  ['vim_small_patch16_224_bimambav2_final_pool_mean_abs_pos_embed_with_midclstok_div2', 'vim'],
  ['vim_base_patch16_224_bimambav2_final_pool_mean_abs_pos_embed_with_middle_cls_token_div2', 'vim'],
];

for (const [model, architecture] of NAMES) {
  test(`args.model ${model} is a ${architecture}`, () => {
    assert.equal(describe({ args: { model } }).architecture, architecture);
  });
}

test('a model that does not say its architecture needs the option, and the option wins', () => {
  const silent = [
    'DyVMTiny',
    'vim_tiny_patch16_224_bimambav2_final_pool_mean_abs_pos_embed_with_noclstok',
    null,
  ];
  for (const model of silent) {
    assert.throws(() => describe({ args: { model } }), appError('BAD_CHECKPOINT', /Vim or a VideoMamba/));
    assert.equal(describe({ args: { model }, options: { architecture: 'vim' } }).architecture, 'vim');
  }
  assert.equal(describe({ options: { architecture: 'videomamba' } }).architecture, 'videomamba');
});

test('MambaReg is recognised by its tensors, whatever the arguments call it', () => {
  for (const model of ['MambaReg-Small', 'DyVMSmall', 'Vim-Small', null]) {
    const args = { model, ...PRUNED.args };
    const sample = { ...PRUNED, args, registers: 12, registerReduction: 4 };
    const { architecture, registers, registerReduction, imageSize } = describe(sample);
    assert.deepEqual([architecture, registers, registerReduction, imageSize], ['mambareg', 12, 4, 224]);
  }
  assert.deepEqual(describe({ registers: 16, registerReduction: 8 }).pruningLayers, []);
  assert.ok(!('registers' in describe({})));
});

test('a MambaReg model that is said to be another is refused', () => {
  for (const architecture of ['vim', 'videomamba'] as const) {
    assert.throws(
      () => describe({ registers: 12, registerReduction: 2, options: { architecture } }),
      appError('BAD_ARGUMENT', new RegExp(`is a MambaReg model, but it was said to be ${architecture}$`)),
    );
  }
});

test('more registers than a package may have are refused', () => {
  const sample = { registers: 1025, registerReduction: 2 };
  assert.throws(() => describe(sample), appError('BAD_CHECKPOINT', /cls_token has 1025 registers/));
});

const PRUNED: Sample = { stages: 3, args: { token_keep_ratio: 0.7, block_keep_ratio: 0.8 } };

const GEOMETRIES: [string, Sample, { imageSize: number; stride: number; resize: number }][] = [
  ['recorded 224', { args: { input_size: 224 } }, { imageSize: 224, stride: 16, resize: 256 }],
  [
    'recorded 224, stride 8',
    { args: { input_size: 224 }, grid: 27 },
    { imageSize: 224, stride: 8, resize: 256 },
  ],
  [
    'recorded 100, a border left over',
    { args: { input_size: 100 }, grid: 6 },
    { imageSize: 100, stride: 16, resize: 114 },
  ],
  ['recorded 384', { args: { input_size: 384 }, grid: 24 }, { imageSize: 384, stride: 16, resize: 438 }],
  [
    'recorded 32',
    { args: { input_size: 32 }, patchSize: 4, grid: 8 },
    { imageSize: 32, stride: 4, resize: 32 },
  ],
  ['224 assumed', {}, { imageSize: 224, stride: 16, resize: 256 }],
  ['224 and stride 8 assumed', { grid: 27 }, { imageSize: 224, stride: 8, resize: 256 }],
  ['patches side by side assumed', { patchSize: 8, grid: 12 }, { imageSize: 96, stride: 8, resize: 109 }],
  ['32 assumed', { patchSize: 4, grid: 8 }, { imageSize: 32, stride: 4, resize: 32 }],
  ['one patch', { patchSize: 16, grid: 1 }, { imageSize: 16, stride: 16, resize: 16 }],
  [
    'recorded stride',
    { args: { input_size: 224, stride: 8 }, grid: 27 },
    { imageSize: 224, stride: 8, resize: 256 },
  ],
  [
    'recorded crop ratio',
    { args: { input_size: 224, eval_crop_ratio: 1 } },
    { imageSize: 224, stride: 16, resize: 224 },
  ],
  ['registers', { registers: 12, registerReduction: 2 }, { imageSize: 224, stride: 16, resize: 256 }],
];

for (const [name, sample, { imageSize, stride, resize }] of GEOMETRIES) {
  test(`image geometry: ${name}`, () => {
    const model = describe(sample);
    assert.deepEqual([model.imageSize, model.stride], [imageSize, stride]);
    assert.deepEqual([model.preprocessing.resize, model.preprocessing.crop], [resize, imageSize]);
  });
}

test('refuses a recorded image size or stride that the positions contradict', () => {
  const message = /196 patch positions, which do not fit an image of \d+ pixels/;
  assert.throws(() => describe({ args: { input_size: 512 } }), appError('BAD_CHECKPOINT', message));
  assert.throws(
    () => describe({ args: { input_size: 224, stride: 8 } }),
    appError('BAD_CHECKPOINT', message),
  );
});

test('pruning layers are the original ones for three stages in 19 or more blocks', () => {
  assert.deepEqual(describe(PRUNED).pruningLayers, [6, 12, 18]);
  assert.deepEqual(describe({ ...PRUNED, depth: 19 }).pruningLayers, [6, 12, 18]);
  assert.deepEqual(describe({ ...PRUNED, options: { pruningLayers: [1, 2, 3] } }).pruningLayers, [1, 2, 3]);
  for (const sample of [
    { ...PRUNED, depth: 18 },
    { ...PRUNED, stages: 2 },
  ]) {
    assert.throws(() => describe(sample), appError('BAD_CHECKPOINT', /before which of its \d+ blocks/));
  }
});

const BAD_LAYERS: [number[], RegExp][] = [
  [[6, 12], /in 3 stages, but 2 pruning layers/],
  [[], /in 3 stages, but 0 pruning layers/],
  [[12, 6, 18], /must rise/],
  [[6, 6, 18], /must rise/],
  [[0, 6, 12], /between 1 and 23/],
  [[6, 12, 24], /between 1 and 23/],
  [[6, 12.5, 18], /between 1 and 23/],
  [[6, 12, NaN], /between 1 and 23/],
];

for (const [pruningLayers, message] of BAD_LAYERS) {
  test(`refuses the pruning layers [${pruningLayers.join()}]`, () => {
    assert.throws(
      () => describe({ ...PRUNED, options: { pruningLayers } }),
      appError('BAD_ARGUMENT', message),
    );
  });
}

test('token keep ratios come from the option, else from the arguments, else nowhere', () => {
  assert.deepEqual(describe(PRUNED).tokenKeep, [0.7, 0.48999999999999994, 0.3429999999999999]);
  assert.deepEqual(describe({ ...PRUNED, options: { tokenKeep: '0.5' } }).tokenKeep, [0.5, 0.25, 0.125]);
  assert.deepEqual(
    describe({ ...PRUNED, options: { tokenKeep: '0.6,0.33,0.1' } }).tokenKeep,
    [0.6, 0.33, 0.1],
  );
  for (const ratio of [null, 0, -1, 1.5, NaN, 'half']) {
    const args = { token_keep_ratio: ratio };
    assert.throws(
      () => describe({ stages: 3, args }),
      appError('BAD_CHECKPOINT', /does not record its token keep ratio/),
    );
  }
});

test('the block keep ratio belongs to models that choose directions', () => {
  assert.equal(describe(PRUNED).blockKeep, 0.8);
  assert.ok(!('blockKeep' in describe({ args: { block_keep_ratio: 0.8 } })));
});
