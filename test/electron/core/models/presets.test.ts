import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  customPreset,
  keepPowers,
  standardPresets,
  type CustomSettings,
} from '../../../../electron/core/models/presets.ts';
import type { Preset } from '../../../../electron/shared/run.ts';
import { appError } from '../app-error.ts';

const MODEL = {
  name: 'sample',
  task: 'classification' as const,
  tokenKeep: keepPowers(0.7, 3),
  imageSize: 64,
};

function keepOf(name: string, tokenKeep: number[]): number[] | undefined {
  return standardPresets({ ...MODEL, tokenKeep }).find((preset) => preset.name === name)?.tokenKeep;
}

function custom(settings: CustomSettings, model = MODEL): Preset {
  const [accurate] = standardPresets(model);
  assert.ok(accurate !== undefined);
  return customPreset(settings, accurate, model);
}

test('accurate keeps all, balanced what was trained', () => {
  assert.deepEqual(keepOf('accurate', MODEL.tokenKeep), [1, 1, 1]);
  assert.deepEqual(keepOf('balanced', MODEL.tokenKeep), [0.7, 0.48999999999999994, 0.3429999999999999]);
  assert.deepEqual(
    [...new Set(standardPresets(MODEL, { precisions: ['bf16', 'int8'] }).map(({ precision }) => precision))],
    ['bf16'],
  );
  assert.deepEqual([...new Set(standardPresets(MODEL).map((preset) => preset.blockThreshold))], [0.5]);
});

test('where no patch can be left out, fast sees smaller pictures, if the task has other sizes', () => {
  const sizes = (model: Parameters<typeof standardPresets>[0]) =>
    standardPresets(model).map(({ name, tokenKeep, inputSize }) => [name, tokenKeep, inputSize]);
  const detector = { task: 'detection' as const, tokenKeep: [], imageSize: 1024 };
  assert.deepEqual(sizes(detector), [
    ['accurate', [], undefined],
    ['balanced', [], undefined],
    ['fast', [], 768],
  ]);
  assert.equal(sizes({ ...detector, task: 'segmentation', imageSize: 520 })[2]?.[2], 416);
  assert.equal(sizes({ ...detector, imageSize: 32 })[2]?.[2], undefined); // there is no smaller step
  assert.equal(sizes({ ...detector, tokenKeep: [0.7] })[2]?.[2], undefined);
  assert.equal(sizes({ ...detector, task: 'classification' })[2]?.[2], undefined);
});

const FAST: [number[], number[]][] = [
  [keepPowers(0.7, 3), [0.5, 0.25, 0.125]],
  [keepPowers(0.9, 3), keepPowers(0.7, 3)],
  [keepPowers(0.4, 2), keepPowers(0.3, 2)],
  [keepPowers(0.2, 2), keepPowers(0.2, 2)],
  [
    [0.6, 0.33, 0.1],
    [0.4, 0.22, 0.0667],
  ],
  [[], []],
];

for (const [trained, expected] of FAST) {
  test(`fast keeps [${expected.join(', ')}] of a model trained at [${trained.join(', ')}]`, () => {
    assert.deepEqual(keepOf('fast', trained), expected);
  });
}

test('a custom preset takes one ratio to its powers, or a list as it is', () => {
  assert.deepEqual(custom({ tokenKeep: '0.9' }).tokenKeep, [0.9, 0.81, 0.7290000000000001]);
  assert.deepEqual(custom({ tokenKeep: '0.6, 0.33,0.1' }).tokenKeep, [0.6, 0.33, 0.1]);
  assert.deepEqual(custom({ tokenKeep: '1' }).tokenKeep, [1, 1, 1]);
  assert.deepEqual(custom({ blockThreshold: 0.3 }), {
    name: 'custom',
    tokenKeep: [1, 1, 1],
    blockThreshold: 0.3,
    precision: 'fp32',
  });
});

test('nothing set leaves the preset as it is', () => {
  assert.equal(custom({}).name, 'accurate');
});

const BAD_RATIOS: [string, RegExp][] = [
  ['0', /above 0 and at most 1, but is "0"/],
  ['1.01', /but is "1.01"/],
  ['-0.5', /but is "-0.5"/],
  ['', /but is ""/],
  ['half', /but is "half"/],
  ['NaN', /but is "NaN"/],
  ['0.7,', /but is ""/],
  ['0.7,0.5', /prunes in 3 stages, but 2 token keep ratios/],
  ['0.3,0.6,0.1', /must not rise/],
];

for (const [tokenKeep, message] of BAD_RATIOS) {
  test(`refuses the token keep ratio "${tokenKeep}"`, () => {
    assert.throws(() => custom({ tokenKeep }), appError('BAD_ARGUMENT', message));
  });
}

test('refuses a token keep ratio for a model without pruning, and a threshold out of range', () => {
  const plain = { ...MODEL, name: 'plain', tokenKeep: [] };
  assert.throws(
    () => custom({ tokenKeep: '0.7' }, plain),
    appError('BAD_ARGUMENT', /plain does not prune patches/),
  );
  for (const blockThreshold of [-0.1, 1.1, NaN]) {
    assert.throws(() => custom({ blockThreshold }), appError('BAD_ARGUMENT', /from 0 to 1/));
  }
});
