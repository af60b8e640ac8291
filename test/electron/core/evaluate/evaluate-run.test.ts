import assert from 'node:assert/strict';
import { parse } from 'csv-parse/sync';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { findClasses } from '../../../../electron/core/models/class-names.ts';
import { countFlops } from '../../../../electron/core/models/flops.ts';
import { AppError } from '../../../../electron/shared/errors.ts';
import { writeFiles } from '../../support/files.ts';
import { testApp } from '../../support/test-app.ts';
import { everydayLabels } from '../../support/models.ts';

suite('findClasses', () => {
  const labels = [
    { name: 'crane', synset: 'n01' },
    { name: 'African elephant', synset: 'n02' },
    { name: 'crane', synset: 'n03' },
  ];
  test('knows names in any case, underscores for spaces, and synsets', () => {
    assert.deepEqual(findClasses(labels, 'african_ELEPHANT'), [1]);
    assert.deepEqual(findClasses(labels, 'N03'), [2]);
    assert.deepEqual(findClasses(labels, 'crane'), [0, 2]);
    assert.deepEqual(findClasses(labels, 'elephant'), []);
  });
});

suite('evaluate', () => {
  test('compares sub-folders with classes', async (t) => {
    const { app, folder } = testApp(t);
    // The double gives N.jpg the classes N, N+1, N+2, N+3, N+4, best first.
    const cats = { 'Cat/3.jpg': 'x', 'Cat/deep/er/13.jpg': 'x', 'Cat/1.jpg': 'x', 'Cat/bad.jpg': 'x' };
    const others = { 'truck/8.jpg': 'x', 'truck/0.jpg': 'x', 'unknown/3.jpg': 'x', '3.jpg': 'x' };
    writeFiles(folder, { ...cats, ...others });
    const confusion = join(dirname(folder), 'confusion.csv');
    const result = await app.evaluate({ folder, confusion });
    assert.deepEqual(result.classes, [
      { folder: 'Cat', images: 3, top1: 2, top5: 3 },
      { folder: 'truck', images: 2, top1: 0, top5: 1 },
    ]);
    assert.deepEqual([result.images, result.ignored, result.run.counts.failed], [5, 2, 1]);
    assert.deepEqual([result.top1, result.top5, result.blockKeep], [2 / 5, 4 / 5, 12 / 16]);
    assert.equal(result.imagesPerSecond, 500);
    const { manifest } = (await app.showModel({ model: 'everyday10' })).model;
    const { original, actual } = countFlops(manifest, result.run.spec.preset?.tokenKeep ?? [], 12 / 16);
    assert.deepEqual(result.flops, { original, actual });

    const [heading, ...rows] = parse(readFileSync(confusion, 'utf8'));
    assert.deepEqual(heading, ['folder', ...everydayLabels]);
    assert.deepEqual(rows, [
      ['Cat', '0', '1', '0', '2', '0', '0', '0', '0', '0', '0'],
      ['truck', '1', '0', '0', '0', '0', '0', '0', '0', '1', '0'],
    ]);
  });

  test('again only reads what is saved', async (t) => {
    const { app, engine, folder } = testApp(t);
    writeFiles(folder, { 'cat/3.jpg': 'x' });
    const first = await app.evaluate({ folder });
    const second = await app.evaluate({ folder });
    assert.equal(engine.batches.length, 1);
    assert.deepEqual(second.classes, first.classes);
  });

  test('that is cancelled says how to go on', async (t) => {
    const { app, engine, folder } = testApp(t);
    writeFiles(folder, { 'cat/1.jpg': 'x', 'cat/2.jpg': 'x', 'cat/3.jpg': 'x' });
    engine.beforeAnswer = async () => {
      if (engine.batches.length === 1) await app.cancel({ runId: 1 });
    };
    const call = app.evaluate({ folder, batch: 1 });
    await assert.rejects(
      call,
      (error) =>
        error instanceof AppError && error.code === 'CANCELLED' && /winnow resume 1/.test(error.hint ?? ''),
    );
  });
});
