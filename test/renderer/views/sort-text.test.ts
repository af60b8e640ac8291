import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Preset, Run } from '../../../electron/shared/run.ts';
import { createFormats } from '../../../renderer/lib/text/format.ts';
import { createTranslate } from '../../../renderer/lib/text/messages.ts';
import {
  comparedName,
  disagreementName,
  disagreementReason,
  marginReason,
} from '../../../renderer/views/results/sort-text.ts';

const t = createTranslate('en');
const formats = createFormats('en', t);
const format = { share: (value: number) => formats.share(value).replaceAll('\u00a0', ' ') };

const preset = (name: string): Preset => {
  return { name, tokenKeep: [0.7], blockThreshold: 0.5, precision: 'fp32' };
};
const runOf = (id: number, name: string): Run => ({
  id,
  state: 'done',
  createdAt: '2026-01-02T03:04:05.000Z',
  finishedAt: undefined,
  blank: 0,
  notes: [],
  elsewhere: false,
  reason: undefined,
  spec: { folders: [], modelName: 'm', modelSha256: 'm', preset: preset(name), device: 'cpu' },
  counts: { total: 9, pending: 0, ok: 9, failed: 0 },
});

suite('the order by disagreement', () => {
  test('is named by the presets of its runs', () => {
    assert.equal(disagreementName(preset('fast'), runOf(2, 'accurate'), t), 'Fast and Accurate disagree');
    const german = disagreementName(preset('accurate'), runOf(1, 'fast'), createTranslate('de'));
    assert.equal(german, 'Genau und Schnell uneins');
  });

  test('has a name while they are not known, and where their names are the same', () => {
    assert.equal(disagreementName(undefined, runOf(2, 'fast'), t), 'Two runs disagree');
    assert.equal(disagreementName(preset('fast'), undefined, t), 'Two runs disagree');
    assert.equal(disagreementName(preset('custom'), runOf(2, 'custom'), t), 'Two runs disagree');
  });

  test('tells the other run by its number and preset', () => {
    const runs = [{ run: runOf(2, 'accurate'), images: 9 }];
    assert.equal(comparedName(2, runs, t), 'Run 2 (Accurate)');
    assert.equal(comparedName(3, runs, t), 'Run 3');
  });
});

suite("the reason of an image's place", () => {
  const score = (label: string, confidence: number) => ({ label, classIndex: 0, confidence });

  test('by margin is the two classes and how far they lie apart', () => {
    const top = [score('fox', 0.45), score('wolf', 0.42), score('dog', 0.1)];
    assert.equal(marginReason({ top }, format, t), 'Between fox and wolf: 3 % apart.');
    assert.equal(marginReason({ top: top.slice(0, 1) }, format, t), undefined);
    assert.equal(marginReason({ top: [] }, format, t), undefined);
  });

  test('by disagreement is what the other run says', () => {
    const name = 'Run 2 (Accurate)';
    const here = { modelLabel: 'fox', confidence: 0.6 };
    const reason = (modelLabel?: string, confidence?: number, own = here) =>
      disagreementReason({ here: own, there: { modelLabel, confidence }, name }, format, t);
    assert.equal(reason('wolf', 0.7), 'Run 2 (Accurate) says wolf, with 70 %.');
    assert.equal(reason('', undefined), 'Run 2 (Accurate) found nothing in it.');
    assert.equal(reason('fox', 0.8), 'Run 2 (Accurate) says the same, with 80 % in place of 60 %.');
    assert.equal(reason(), 'Run 2 (Accurate) has no label for this image.');
    const absent = disagreementReason({ here, there: undefined, name }, format, t);
    assert.equal(absent, 'Run 2 (Accurate) has no label for this image.');
    const failed = { modelLabel: undefined, confidence: undefined };
    assert.equal(disagreementReason({ here: failed, there: here, name }, format, t), undefined);
  });
});
