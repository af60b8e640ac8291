import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeAttention } from '../../../electron/cli/explain.ts';

const seen = {
  model: 'm',
  layer: 2,
  layers: 4,
  grid: 2,
  patches: [0.5, 0, 1, 0.04],
  kept: 3,
  forward: true,
  backward: true,
};

test('where a layer looks is a line of facts and tenths of the largest weight', () => {
  assert.deepEqual(describeAttention('a.jpg', seen).split('\n'), [
    'a.jpg: layer 2 of 4 of m, 3 of 4 patches left, both scans ran',
    '',
    '5 .',
    '9 0',
    '',
  ]);
  assert.match(describeAttention('a.jpg', { ...seen, backward: false }), /only the forward scan ran$/m);
  assert.match(describeAttention('a.jpg', { ...seen, forward: false }), /only the backward scan ran$/m);
});

test('a layer that ran no scan looks nowhere', () => {
  const text = describeAttention('a.jpg', {
    ...seen,
    patches: [0, 0, 0, 0],
    forward: false,
    backward: false,
  });
  assert.match(text, /no scan ran\n\nIt looks nowhere/);
});
