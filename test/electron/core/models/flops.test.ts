import assert from 'node:assert/strict';
import { test } from 'node:test';
import { atInputSize, countFlops, patchCount, workShare } from '../../../../electron/core/models/flops.ts';
import { headFlops } from '../../../../electron/core/models/head-flops.ts';
import type {
  ClassifierShape,
  DetectorShape,
  SegmenterShape,
} from '../../../../electron/core/models/model-shape.ts';
import { keepPowers } from '../../../../electron/core/models/presets.ts';

/** A published size: 224 pixels, patches of 16, 24 blocks, 1,000 classes. */
function model(embedDim: number, dynamic: boolean): ClassifierShape {
  return {
    task: 'classification',
    imageSize: 224,
    patchSize: 16,
    stride: 16,
    embedDim,
    depth: 24,
    stateDim: 16,
    convWidth: 4,
    dtRank: embedDim / 16,
    classes: 1000,
    blockSelection: dynamic,
    pruningLayers: dynamic ? [6, 12, 18] : [],
  };
}

/** What the original's calc_flops.py prints, before it divides by 1e9. */
const ORIGINAL: [string, number, number, number, number][] = [
  ['Vim-T', 192, 1, 1, 1_448_965_632],
  ['Vim-S', 384, 1, 1, 5_076_593_664],
  ['Vim-B', 768, 1, 1, 18_867_836_928],
  ['DyVM-T', 192, 0.9, 0.8, 1_214_780_812.8],
  ['DyVM-S', 384, 0.7, 0.8, 3_239_385_331.2],
  ['DyVM-B', 768, 0.7, 0.7, 12_041_577_753.6],
  ['DyVM-T', 192, 0.9, 1, 1_278_972_096],
  ['DyVM-S', 384, 0.7, 1, 3_345_413_568],
  ['DyVM-B', 768, 0.7, 1, 12_426_017_664],
];

for (const [name, width, ratio, blockKeep, expected] of ORIGINAL) {
  test(`${name} at block keep ${blockKeep} counts as the original prints it`, () => {
    const shape = model(width, name.startsWith('DyVM'));
    const { original } = countFlops(shape, keepPowers(ratio, shape.pruningLayers.length), blockKeep);
    assert.ok(Math.abs(original - expected) < 0.1, `${original} instead of ${expected}`);
  });
}

test('MambaReg-S counts as the original prints it, neck and registers included', () => {
  const registers = { registers: 12, registerReduction: 2 };
  const plain = countFlops({ ...model(384, false), ...registers }, [], 1);
  assert.equal(plain.original, 5_359_601_664);
  const dynamic = countFlops({ ...model(384, true), ...registers }, keepPowers(0.7, 3), 0.8);
  assert.ok(Math.abs(dynamic.original - 3_513_066_739.2) < 0.1, String(dynamic.original));
});

/** Matrix products in GMAC and scan state updates in millions, both directions counted. */
const ACTUAL: [string, number, number, number, string, string][] = [
  ['Vim-T', 192, 1, 1, '1.278', '58.1'],
  ['DyVM-T', 192, 0.9, 0.8, '1.098', '39.9'],
  ['Vim-S', 384, 1, 1, '4.822', '116.2'],
  ['DyVM-S', 384, 0.7, 0.8, '3.110', '59.0'],
  ['Vim-B', 768, 1, 1, '18.708', '232.4'],
  ['DyVM-B', 768, 0.7, 0.7, '11.970', '103.2'],
];

for (const [name, width, ratio, blockKeep, products, updates] of ACTUAL) {
  test(`${name} at block keep ${blockKeep} does the work that the engine does`, () => {
    const shape = model(width, name.startsWith('DyVM'));
    const count = countFlops(shape, keepPowers(ratio, shape.pruningLayers.length), blockKeep);
    assert.equal((count.matrixProducts / 1e9).toFixed(3), products);
    assert.equal((count.scanStateUpdates / 1e6).toFixed(1), updates);
    assert.ok(count.actual > count.matrixProducts);
  });
}

test('with no direction kept, what is left is embedding, projections, block heads and head', () => {
  const shape = { ...model(384, true), pruningLayers: [] };
  const expected = 196 * 384 * 768 + 384 * 1000 + 24 * (197 * 384 * 1536 + 197 * 768 * 384 + 2 * 1536);
  assert.equal(countFlops(shape, [], 0).actual, expected);
});

test('stride 8 makes 27 x 27 patches of 16 pixels', () => {
  const plus = countFlops({ ...model(192, false), stride: 8, depth: 0, classes: 0 }, [], 1);
  assert.equal(plus.actual, 729 * 192 * 768);
});

test('a stage keeps at least one patch', () => {
  const shape = model(192, true);
  assert.deepEqual(
    countFlops(shape, [1 / 196, 1 / 196, 1 / 196], 1),
    countFlops(shape, [0.001, 0.001, 0.001], 1),
  );
});

/** DyVM-T with UperNet, as published. */
const SEGMENTER: SegmenterShape = {
  ...model(192, true),
  task: 'segmentation',
  imageSize: 512,
  classes: 150,
  head: { taps: [5, 11, 17, 23], width: 192, poolScales: [1, 2, 3, 6], slideStride: 341 },
};

const DETECTOR: DetectorShape = {
  ...model(192, false),
  task: 'detection',
  imageSize: 1024,
  classes: 80,
  head: { width: 256, boxWidth: 1024, stages: 3, boxPerClass: false },
};

/** Multiply-accumulates of a convolution with a square kernel, from its output. */
function convolution(side: number, out: number, into: number, kernel: number): number {
  return side ** 2 * out * into * kernel ** 2;
}

test('a segmentation model counts its pyramid and its head, layer by layer', () => {
  const c = (side: number, into: number, kernel: number) => convolution(side, 192, into, kernel);
  const pyramid = c(64, 192, 1) + c(128, 192, 1) + c(64, 192, 1); // a deconvolution is one product per pixel that it makes
  const pooled = c(1, 192, 1) + c(2, 192, 1) + c(3, 192, 1) + c(6, 192, 1);
  const laterals = [128, 64, 32].reduce((sum, side) => sum + c(side, 192, 1) + c(side, 192, 3), 0);
  const head = pooled + c(16, 5 * 192, 3) + laterals + c(128, 4 * 192, 3) + convolution(128, 150, 192, 1);
  const shape = { ...SEGMENTER, depth: 0, blockSelection: false };
  assert.equal(countFlops(shape, [], 1).actual, 1024 * 192 * 768 + pyramid + head);
});

test('the light segmentation head counts its projection, two convolutions and the classes', () => {
  const head = { kind: 'convolutions', width: 64, slideStride: 341 } as const;
  const c = (out: number, into: number, kernel: number) => convolution(64, out, into, kernel); // twice the grid
  const light = c(64, 192, 1) + 2 * c(64, 64, 3) + c(150, 64, 1);
  const shape = { ...SEGMENTER, head, depth: 0, blockSelection: false };
  assert.equal(countFlops(shape, [], 1).actual, 1024 * 192 * 768 + light);
});

test('blocks of a segmentation model have no special token, and its predictors see every patch', () => {
  const none = { ...SEGMENTER, pruningLayers: [] };
  const whole = countFlops(SEGMENTER, [1, 1, 1], 1);
  const predictors = 3 * 1024 * (192 * 192 + 192 * 96 + 96 * 48 + 48 * 2);
  assert.equal(whole.actual - countFlops(none, [], 1).actual, predictors);
  assert.equal(countFlops(none, [], 1).scanStateUpdates, 2 * 24 * 1024 * 384 * 16);
  const pruned = countFlops(SEGMENTER, [0.5, 0.25, 0.125], 1);
  const blocks = 6 * (1024 + 512 + 256 + 128);
  assert.equal(pruned.scanStateUpdates, 2 * blocks * 384 * 16);
});

test('a detection model counts pyramid, proposals, 1,000 boxes per stage and 100 masks', () => {
  const c = convolution;
  const pyramid =
    c(128, 96, 192, 1) +
    c(256, 48, 96, 1) +
    c(256, 256, 48, 1) + // level 2
    c(128, 96, 192, 1) +
    c(128, 256, 96, 1) + // level 3
    c(64, 256, 192, 1) +
    c(32, 256, 192, 1); // levels 4 and 5
  const smoothing = [256, 128, 64, 32].reduce((sum, side) => sum + c(side, 256, 256, 3), 0);
  const proposals = [256, 128, 64, 32, 16].reduce(
    (sum, side) => sum + 2 * c(side, 256, 256, 3) + c(side, 3 + 12, 256, 1),
    0,
  );
  const box = 4 * c(7, 256, 256, 3) + 256 * 49 * 1024 + 1024 * (81 + 4);
  const mask = 4 * c(14, 256, 256, 3) + c(28, 256, 256, 1) + c(28, 80, 256, 1);
  const embedding = 4096 * 192 * 768;
  const expected = embedding + pyramid + smoothing + proposals + 3000 * box + 100 * mask;
  assert.equal(countFlops({ ...DETECTOR, depth: 0 }, [], 1).actual, expected);
  const plain = { ...DETECTOR, depth: 0, head: { ...DETECTOR.head, stages: 1, boxPerClass: true } } as const;
  const single = 4 * c(7, 256, 256, 3) + 256 * 49 * 1024 + 1024 * (81 + 320);
  assert.equal(countFlops(plain, [], 1).actual, expected - 3000 * box + 1000 * single);
});

/** DyVM-T with a detector in one stage. */
const ONE_STAGE: DetectorShape = {
  ...model(192, true),
  task: 'detection',
  imageSize: 512,
  classes: 80,
  head: { kind: 'one-stage', width: 96, layers: 2, prototypes: 16 },
};

test('a detector in one stage counts pyramid, towers and prototypes, layer by layer', () => {
  const c = convolution;
  const sides = [64, 32, 16];
  const pyramid = c(64, 96, 192, 1) + c(64, 96, 96, 1) + c(32, 96, 192, 1) + c(16, 96, 192, 1);
  const smoothing = sides.reduce((sum, side) => sum + c(side, 96, 96, 3), 0);
  const towers = sides.reduce((sum, side) => sum + 2 * 2 * c(side, 96, 96, 3), 0);
  const said = (numbers: number) => sides.reduce((sum, side) => sum + c(side, numbers, 96, 1), 0);
  const prototypes = c(64, 96, 96, 3) + c(128, 48, 96, 1) + c(128, 16, 48, 1);
  const embedding = 1024 * 192 * 768;
  const boxes = embedding + pyramid + smoothing + towers + said(80 + 5);
  const shape = { ...ONE_STAGE, depth: 0, blockSelection: false, pruningLayers: [] };
  assert.equal(countFlops(shape, [], 1).actual, boxes + said(16) + prototypes);
  const alone = { ...shape, head: { kind: 'one-stage', width: 96, layers: 2 } } as const;
  assert.equal(countFlops(alone, [], 1).actual, boxes);
});

test('the head of a detector in one stage costs less than half of its backbone, also of a pruned one', () => {
  const headOf = (keep: number[], blockKeep: number) => {
    const whole = countFlops(ONE_STAGE, keep, blockKeep).actual;
    const head = headFlops(ONE_STAGE, patchCount(ONE_STAGE));
    return { head: Math.round(head / 1e6), share: head / (whole - head) };
  };
  const all = headOf([1, 1, 1], 1);
  assert.equal(all.head, 2846);
  assert.ok(all.share < 0.5, `${all.share}`);
  const trained = headOf([0.9, 0.81, 0.729], 0.8); // as DyVM-T
  assert.ok(trained.share < 0.5, `${trained.share}`);
});

test('the work at another size is a share of the work at the trained one', () => {
  assert.equal(atInputSize(SEGMENTER, undefined), SEGMENTER);
  assert.equal(workShare(SEGMENTER, [1, 1, 1]), 1);
  const half = workShare(SEGMENTER, [1, 1, 1], 256);
  assert.ok(half > 0.24 && half < 0.26, String(half));
  assert.equal(
    half,
    countFlops({ ...SEGMENTER, imageSize: 256 }, [1, 1, 1], 1).actual /
      countFlops(SEGMENTER, [1, 1, 1], 1).actual,
  );
});
