import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { calibrationGrid, sameSetting, sampleSize } from '../../../../electron/core/calibration/grid.ts';
import { ModelRegistry } from '../../../../electron/core/registry/model-registry.ts';
import { testModels } from '../../support/models.ts';

const classifier = { task: 'classification', imageSize: 224 } as const;
const dynamic = { ...classifier, tokenKeep: [0.7, 0.49, 0.343], blockSelection: true };

suite('the grid of a calibration', () => {
  test('starts with Accurate and has every setting once', () => {
    const grid = calibrationGrid(dynamic, ['bf16', 'fp32']);
    assert.deepEqual(grid[0], { tokenKeep: [1, 1, 1], blockThreshold: 0.5, precision: 'fp32' });
    for (const [index, one] of grid.entries())
      assert.equal(
        grid.findIndex((other) => sameSetting(one, other)),
        index,
      );
    assert.equal(grid.filter(({ precision }) => precision === 'bf16').length, grid.length / 2);
  });

  test('has the trained ratios as the model states them', () => {
    const at = (tokenKeep: number[]) =>
      calibrationGrid({ ...classifier, tokenKeep, blockSelection: false }, ['fp32']).filter(
        (one) => one.tokenKeep.join() === tokenKeep.join(),
      ).length;
    assert.deepEqual([at([0.7, 0.49, 0.343]), at([0.6, 0.33, 0.1])], [1, 1]);
  });

  test('varies the block threshold only where blocks are chosen, and patches only where they are pruned', () => {
    const plain = { ...classifier, tokenKeep: [], blockSelection: false };
    assert.deepEqual(calibrationGrid(plain, ['fp32']), [
      { tokenKeep: [], blockThreshold: 0.5, precision: 'fp32' },
    ]);
    const choosing = calibrationGrid({ ...plain, blockSelection: true }, ['fp32']);
    assert.deepEqual(
      choosing.map(({ blockThreshold }) => blockThreshold),
      [0.5, 0.3, 0.7],
    );
    const pruning = calibrationGrid({ ...dynamic, blockSelection: false }, ['fp32']);
    assert.ok(pruning.length > 5 && pruning.every(({ blockThreshold }) => blockThreshold === 0.5));
  });

  test('of a detection model varies the size of the picture, but for the most exact precision', () => {
    const detector = { task: 'detection' as const, imageSize: 1024, tokenKeep: [], blockSelection: false };
    const grid = calibrationGrid(detector, ['bf16', 'fp32']);
    assert.deepEqual(
      grid.map(({ precision, inputSize }) => [precision, inputSize]),
      [
        ['fp32', undefined],
        ['bf16', undefined],
        ['bf16', 768],
        ['bf16', 512],
      ],
    );
    assert.deepEqual(
      calibrationGrid(detector, ['fp32']).map(({ inputSize }) => inputSize),
      [undefined, 768, 512], // else there would be nothing to choose
    );
    const pruning = calibrationGrid({ ...detector, tokenKeep: [0.9, 0.81, 0.729] }, ['fp32']);
    assert.deepEqual(
      pruning.map(({ tokenKeep }) => tokenKeep[0]),
      [1, 0.9, 0.8, 0.6],
    );
  });

  test('is measured on fewer images the larger the model is', async () => {
    const registry = new ModelRegistry({ bundledFolder: testModels, userFolder: '/nowhere' });
    const { manifest } = await registry.find('everyday10');
    const small = { ...manifest, imageSize: 224, patchSize: 16, stride: 8, embedDim: 384, depth: 24 };
    const grid = calibrationGrid(manifest, ['fp32', 'bf16', 'int8']);
    assert.deepEqual([sampleSize(manifest, grid), sampleSize(small, grid)], [2000, 500]);
  });
});
