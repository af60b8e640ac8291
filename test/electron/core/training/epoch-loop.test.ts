import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { readManifest, verifyPackage } from '../../../../electron/core/packages/read-package.ts';
import { classFolders, school, smallest, train, trainingEnded } from '../../support/school.ts';

const counts = { cat: 20, dog: 20, fox: 20 };

suite('training epoch by epoch', () => {
  test('learns from the pictures that are not held out, each once an epoch, and makes a package', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, data } = school(t);
    const training = await train(app, { folder, ...smallest, epochs: 3, batch: 8, name: 'animals' });
    assert.deepEqual([training.state, training.model, training.reason], ['done', 'animals', undefined]);
    assert.equal(trainer.steps.length, 3 * 7); // 51 pictures in batches of at most 8
    for (const epoch of [0, 1, 2]) {
      const paths = trainer.steps.slice(7 * epoch, 7 * epoch + 7).flatMap(({ examples }) => examples);
      assert.equal(new Set(paths.map(({ path }) => path)).size, 51);
    }
    const path = join(data, 'models/animals.safetensors');
    await verifyPackage(path);
    const manifest = await readManifest(path);
    assert.deepEqual(
      manifest.labels.map(({ name }) => name),
      ['cat', 'dog', 'fox'],
    );
  });

  test('goes on after a pause as if there had been none', async (t) => {
    const folder = classFolders(t, counts);
    const request = { folder, ...smallest, epochs: 3, batch: 8, name: 'animals' };
    const [whole, cut] = [school(t), school(t)];
    await train(whole.app, request);

    let paused: Promise<unknown> | undefined;
    cut.trainer.beforeStep = (number) => {
      if (number === 10 && paused === undefined) paused = cut.app.pauseTraining({ trainingId: 1 });
    };
    const stopped = await train(cut.app, request);
    assert.equal(stopped.state, 'paused');
    await paused;
    await cut.app.close();
    const later = school(t, cut.data);
    await later.app.resumeTraining({ trainingId: 1 });
    assert.equal((await trainingEnded(later.app, 1)).state, 'done');

    assert.deepEqual([...cut.trainer.steps, ...later.trainer.steps], whole.trainer.steps);
    const [one, other] = [whole, later].map(({ data }) =>
      readFileSync(join(data, 'models/animals.safetensors')),
    );
    assert.ok(one !== undefined && other !== undefined && one.equals(other));
    const [first, second] = await Promise.all(
      [whole, later].map(({ app }) => app.showTraining({ trainingId: 1 })),
    );
    assert.deepEqual(first?.steps, second?.steps);
    assert.deepEqual(first?.epochs, second?.epochs);
  });
});
