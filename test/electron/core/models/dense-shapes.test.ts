import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SegmenterShape } from '../../../../electron/core/models/model-shape.ts';
import { tensorShapes } from '../../../../electron/core/models/tensor-shapes.ts';

test('the published segmentation models have as many parameters as their specification says', () => {
  const published = (embedDim: number): SegmenterShape => ({
    task: 'segmentation',
    imageSize: 512,
    patchSize: 16,
    stride: 16,
    embedDim,
    depth: 24,
    stateDim: 16,
    convWidth: 4,
    dtRank: embedDim / 16,
    classes: 150,
    blockSelection: true,
    pruningLayers: [6, 12, 18],
    head: { taps: [5, 11, 17, 23], width: embedDim, poolScales: [1, 2, 3, 6], slideStride: 341 },
  });
  const parameters = (embedDim: number): number =>
    [...tensorShapes(published(embedDim))]
      .filter(([name]) => !name.includes('.running_'))
      .reduce((sum, [, shape]) => sum + shape.reduce((product, side) => product * side, 1), 0);
  assert.equal(parameters(192), 12_530_354 - 481_430); // without the auxiliary head
  assert.equal(parameters(384), 46_245_890 - 923_798);
});
