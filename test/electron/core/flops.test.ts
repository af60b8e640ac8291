import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countFlops, type ClassifierShape } from '../../../electron/core/flops.ts';
import { keepPowers } from '../../../electron/core/presets.ts';

/** A published size: 224 pixels, patches of 16, 24 blocks, 1,000 classes. */
function model(embedDim: number, dynamic: boolean): ClassifierShape {
  return {
    task: 'classification',
    ...{ imageSize: 224, patchSize: 16, stride: 16, embedDim, depth: 24, stateDim: 16, convWidth: 4 },
    ...{
      dtRank: embedDim / 16,
      classes: 1000,
      blockSelection: dynamic,
      pruningLayers: dynamic ? [6, 12, 18] : [],
    },
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
