import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Preset } from '../../electron/shared/run.ts';
import { createTranslate } from '../../renderer/lib/text/messages.ts';
import { presetName } from '../../renderer/lib/text/preset-name.ts';
import { parseLayers } from '../../renderer/lib/text/pruning-layers.ts';

suite('the name of a preset', () => {
  const custom: Preset = { name: 'custom', tokenKeep: [0.7, 0.49], blockThreshold: 0.5, precision: 'bf16' };
  const english = createTranslate('en');

  test('is one of the three', () => {
    assert.equal(presetName({ ...custom, name: 'fast' }, english), 'Fast');
    assert.equal(presetName({ ...custom, name: 'fast' }, createTranslate('de')), 'Schnell');
  });

  test('or says what lies between them', () => {
    assert.equal(presetName(custom, english), 'Between (70 % of patches, bf16)');
    assert.equal(presetName({ ...custom, tokenKeep: [] }, english), 'Between (bf16)');
    assert.equal(presetName({ ...custom, name: 'fast', inputSize: 512 }, english), 'Fast at 512 px');
  });
});

test('pruning layers are numbers with anything between them', () => {
  assert.deepEqual(parseLayers(' 6, 12;18 '), [6, 12, 18]);
  assert.deepEqual(parseLayers(''), []);
  assert.deepEqual(parseLayers('six'), [Number.NaN]);
});
