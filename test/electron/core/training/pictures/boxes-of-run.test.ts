import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { picturesSchema } from '../../../../../electron/core/training/journal/journal.ts';
import { readFileSync } from 'node:fs';
import { writeFiles } from '../../../support/files.ts';
import { detectorManifest } from '../../../support/found.ts';
import { saveRun } from '../../../support/saved-run.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { smallest, train, trainingApp } from '../../../support/training-app.ts';
import { appError } from '../../app-error.ts';

/** An app whose library has a run of 20 pictures of 48 x 40 pixels, in each of which the model found a cat and a dog. */
async function boxed(t: TestContext) {
  const folder = temporaryFolder(t);
  const names = Array.from({ length: 20 }, (_, index) => `${String(index).padStart(3, '0')}.jpg`);
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, name])));
  const made = trainingApp(t);
  const manifest = await detectorManifest([{ name: 'cat' }, { name: 'dog' }]);
  const found = {
    detections: [
      [0, 0.9, 2, 4, 10, 10],
      [1, 0.8, 30, 20, 10, 5],
    ] as [number, number, number, number, number, number][],
  };
  const run = saveRun(
    join(made.data, 'library.db'),
    folder,
    { name: 'pets', manifest },
    Object.fromEntries(names.map((name) => [name, found])),
  );
  return { ...made, folder, names, ...run, imageIds: names.map((name) => run.ids[name] ?? 0) };
}

suite('the boxes of a run', () => {
  test('are learned from by their labels, as crops, and those of one picture stay on one side', async (t) => {
    const { app, trainer, runId, imageIds, data, folder } = await boxed(t);
    await app.review({ runId, imageIds: imageIds.slice(0, 19), verdict: { kind: 'accept' } });
    const boxes = [{ x: 2, y: 4, width: 10, height: 10, label: 'fox' }];
    await app.review({ runId, imageIds: imageIds.slice(0, 1), verdict: { kind: 'boxes', boxes } });
    await app.review({ runId, imageIds: imageIds.slice(1, 2), verdict: { kind: 'boxes', boxes } });
    const request = { runId, ...smallest, epochs: 1, batch: 8, holdout: 0.3 };
    const plan = await app.prepareTraining(request);
    assert.deepEqual(
      plan.classes.map(({ name, images, holdout }) => [name, images + holdout]),
      [
        ['cat', 17],
        ['dog', 17],
        ['fox', 2],
      ],
    );
    assert.deepEqual(
      plan.warnings.filter(({ message }) => message.includes('several classes')),
      [],
    );
    trainer.steps.length = 0;
    const { state, id } = await train(app, request);
    assert.equal(state, 'done');
    // Squares around the boxes, with a margin of a tenth of the longer side.
    const learned = trainer.labelled;
    const cat = learned.find(({ classIndex }) => classIndex === 0);
    assert.deepEqual(cat?.box, { x: 1, y: 3, width: 12, height: 12 });
    const kept = picturesSchema.parse(
      JSON.parse(readFileSync(join(data, 'trainings', String(id), 'pictures.json'), 'utf8')),
    );
    assert.equal(kept.pictures.length, 36);
    const sides = Map.groupBy(kept.pictures, ({ path }) => path);
    assert.equal(sides.size, 19);
    for (const [path, own] of sides) {
      assert.ok(path.startsWith(folder));
      assert.equal(new Set(own.map(({ held }) => held)).size, 1, path);
    }
  });

  test('are refused while nobody has reviewed any', async (t) => {
    const { app, runId } = await boxed(t);
    await assert.rejects(
      app.startTraining({ runId, ...smallest }),
      appError('BAD_ARGUMENT', /one label for every image, but run 1 is of a detection model/),
    );
    const runs = await app.reviewedRuns({});
    assert.deepEqual(
      runs.map(({ run, reviewed }) => [run.id, reviewed]),
      [[1, 0]],
    );
  });
});
