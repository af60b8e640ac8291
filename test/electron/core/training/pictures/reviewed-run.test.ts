import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { readManifest } from '../../../../../electron/core/packages/read-package.ts';
import type { ClassificationManifest } from '../../../../../electron/shared/model-package.ts';
import { writeFiles } from '../../../support/files.ts';
import { detectorManifest } from '../../../support/found.ts';
import { manifestWith, saveRun } from '../../../support/saved-run.ts';
import { trainingApp, smallest, train } from '../../../support/training-app.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { appError } from '../../app-error.ts';

/** An app whose library has a run of 40 images, of which the model takes the first half for cats and the rest for dogs. */
async function reviewed(t: TestContext) {
  const folder = temporaryFolder(t);
  const names = Array.from({ length: 40 }, (_, index) => `${String(index).padStart(3, '0')}.jpg`);
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, name])));
  const rooms = trainingApp(t);
  const manifest = await manifestWith([{ name: 'cat' }, { name: 'dog' }]);
  const found = names.map((name, index) => [name, { classes: [index < 20 ? 0 : 1] }]);
  const run = saveRun(
    join(rooms.data, 'library.db'),
    folder,
    { name: 'pets', manifest },
    Object.fromEntries(found) as Record<string, { classes: number[] }>,
  );
  return {
    ...rooms,
    folder,
    names,
    ...run,
    idsOf: (from: number, to: number) => names.slice(from, to).map((name) => run.ids[name] ?? 0),
  };
}

suite('the reviewed images of a run', () => {
  test('are learned from by the label of the person, or the one that was accepted', async (t) => {
    const { app, trainer, folder, runId, idsOf, data } = await reviewed(t);
    await app.review({ runId, imageIds: idsOf(0, 12), verdict: { kind: 'accept' } });
    await app.review({ runId, imageIds: idsOf(25, 35), verdict: { kind: 'accept' } });
    await app.review({ runId, imageIds: idsOf(12, 20), verdict: { kind: 'label', label: 'fox' } });
    await app.review({ runId, imageIds: idsOf(35, 37), verdict: { kind: 'label', label: 'cat' } });
    const request = { runId, ...smallest, epochs: 1, batch: 8 };
    const plan = await app.prepareTraining(request);
    assert.deepEqual(
      plan.classes.map(({ name, images, holdout }) => [name, images + holdout]),
      [
        ['cat', 14],
        ['dog', 10],
        ['fox', 8],
      ],
    );
    assert.equal(plan.name, `run-${runId}-scratch`);
    trainer.steps.length = 0;
    const training = await train(app, request);
    assert.deepEqual([training.state, training.source], ['done', `run ${runId}`]);
    const learned = trainer.labelled;
    const classOf = (name: string) => learned.find(({ path }) => path === join(folder, name))?.classIndex;
    assert.ok([0, undefined].includes(classOf('003.jpg')) && [2, undefined].includes(classOf('015.jpg')));
    assert.ok([0, undefined].includes(classOf('036.jpg')) && classOf('022.jpg') === undefined);
    const { labels } = (await readManifest(
      join(data, `models/${plan.name}.safetensors`),
    )) as ClassificationManifest;
    assert.deepEqual(
      labels.map(({ name }) => name),
      ['cat', 'dog', 'fox'],
    );
  });

  test('that are gone from the disk are told of', async (t) => {
    const { app, runId, idsOf, data, folder } = await reviewed(t);
    saveRun(
      join(data, 'library.db'),
      folder,
      { name: 'pets', manifest: await manifestWith([{ name: 'cat' }, { name: 'dog' }]) },
      { 'gone.jpg': { classes: [0] } },
    );
    await app.review({ runId, imageIds: [...idsOf(0, 40), 41], verdict: { kind: 'accept' } });
    const { warnings } = await app.prepareTraining({ runId, ...smallest });
    assert.match(
      warnings[0]?.message ?? '',
      /One file cannot be read and is left out, such as .*gone\.jpg: the file is not there any more\./,
    );
  });

  test('are refused where there are none, or boxes in place of labels', async (t) => {
    const { app, runId, data, folder } = await reviewed(t);
    await assert.rejects(
      app.startTraining({ runId, ...smallest }),
      appError('BAD_ARGUMENT', /needs reviewed images, but run 1 has none/),
    );
    await assert.rejects(app.startTraining({ runId: 9, ...smallest }), appError('NOT_FOUND', /no run 9/));
    const manifest = await detectorManifest([{ name: 'cat' }]);
    const dense = saveRun(join(data, 'library.db'), folder, { name: 'boxes', manifest }, {});
    await assert.rejects(
      app.startTraining({ runId: dense.runId, ...smallest }),
      appError('BAD_ARGUMENT', /one label for every image, but run 2 is of a detection model/),
    );
  });
});
