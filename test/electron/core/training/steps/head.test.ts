import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { readHeader, readExactly, withFile } from '../../../../../electron/core/packages/read-safetensors.ts';
import { verifyPackage } from '../../../../../electron/core/packages/read-package.ts';
import type { ClassificationManifest } from '../../../../../electron/shared/model-package.ts';
import { AppError } from '../../../../../electron/shared/errors.ts';
import { areFew } from '../../../../../electron/core/training/steps/train-head.ts';
import { noticesOf } from '../../../support/events.ts';
import { CHOICE } from '../../../support/trainer-double.ts';
import { everyday10 } from '../../../support/models.ts';
import { classFolders, trainingApp, train, trainingEnded } from '../../../support/training-app.ts';

const counts = { oak: 60, elm: 60 };
const settings = { method: 'head', from: 'everyday10', name: 'trees', batch: 16 } as const;

/** The numbers of a tensor in a file. */
function tensorOf(path: string, name: string): Promise<Float32Array> {
  return withFile(path, async (handle) => {
    const place = (await readHeader(handle)).tensors.get(name);
    assert.ok(place !== undefined);
    const { buffer } = Uint8Array.from(await readExactly(handle, place.start, place.bytes));
    return new Float32Array(buffer);
  });
}

suite('a new head', () => {
  test('is solved on features of the pictures that are not held out, and joins the parent', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, data } = trainingApp(t);
    const training = await train(app, { folder, ...settings });
    assert.deepEqual([training.state, training.best], ['done', { epoch: 1, score: 1 }]);
    assert.equal(trainer.featured.length, 102);
    assert.deepEqual([trainer.steps.length, trainer.setups.length], [0, 0]);
    const held = new Set(trainer.predicted.flatMap(({ paths }) => paths));
    assert.equal(trainer.predicted.flatMap(({ paths }) => paths).length, 6 * 18);
    assert.ok(held.size === 18 && trainer.featured.every(({ path }) => !held.has(path)));

    const path = join(data, 'models/trees.safetensors');
    const manifest = (await verifyPackage(path)).manifest as ClassificationManifest;
    assert.deepEqual(
      manifest.labels.map(({ name }) => name),
      ['elm', 'oak'],
    );
    assert.deepEqual([manifest.training?.method, manifest.training?.parent?.name], ['head', 'everyday10']);
    assert.deepEqual([manifest.training?.epochs, manifest.training?.best], [[], undefined]);
    assert.deepEqual(await tensorOf(path, 'head.weight'), new Float32Array(2 * 96).fill(0.25));
    const unchanged = 'layers.3.mixer.in_proj.weight';
    assert.deepEqual(await tensorOf(path, unchanged), await tensorOf(everyday10, unchanged));
  });

  test('says how far it is, and its time before it starts', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, clock, events } = trainingApp(t);
    const [predict, add] = [trainer.predict.bind(trainer), trainer.addFeatures.bind(trainer)];
    trainer.predict = (path, paths, dial) => {
      clock.now += 1600; // 0.1 seconds for each of 16
      return predict(path, paths, dial);
    };
    trainer.addFeatures = (path, examples) => {
      clock.now += 1600;
      return add(path, examples);
    };
    const plan = await app.prepareTraining({ folder, ...settings });
    // 102 pictures once, and 18 at six positions of the dial.
    assert.deepEqual([plan.steps, plan.seconds], [0, (102 + 6 * 18) * 0.1]);
    // What was decoded for the plan is still there for the training, and no feature that it does not know of.
    assert.deepEqual([trainer.kept.length, trainer.featured.length, trainer.closed], [120, 0, 1]);
    await train(app, { folder, ...settings });
    assert.deepEqual([trainer.inspected.length, trainer.closed], [120, 1]);
    const done = events.flatMap((event) =>
      event.type === 'training' && event.training.progress.phase === 'training'
        ? [event.training.progress.done]
        : [],
    );
    assert.deepEqual([done[0], done.at(-1)], [16, 102]);
  });

  test('from few pictures is the one of three that cross-validation found best, and its card says so', async (t) => {
    const { app, data } = trainingApp(t);
    const few = await train(app, { folder: classFolders(t, { oak: 40, elm: 20 }), ...settings });
    assert.deepEqual((await app.showTraining({ trainingId: few.id })).head, CHOICE);
    const { manifest } = await verifyPackage(join(data, 'models/trees.safetensors'));
    assert.deepEqual((manifest as ClassificationManifest).training?.head, CHOICE);
    const many = await train(app, {
      folder: classFolders(t, { oak: 70, elm: 20 }),
      ...settings,
      name: 'many',
    });
    assert.equal((await app.showTraining({ trainingId: many.id })).head, undefined);
  });

  test('is not chosen among three without two classes of two pictures', () => {
    const pictures = (...counts: number[]) =>
      counts.flatMap((count, classIndex) => new Array<{ classIndex: number }>(count).fill({ classIndex }));
    const cases: [number[], boolean][] = [
      [[50, 2], true],
      [[51, 2], false],
      [[50, 1], false],
      [[5, 1, 2], true],
      [[9], false],
    ];
    for (const [counts, few] of cases) assert.equal(areFew(pictures(...counts)), few, counts.join());
  });

  test('is tested with some of a large hold-out where it was not trained', async (t) => {
    const folder = classFolders(t, { oak: 500, elm: 500 });
    const { app, trainer } = trainingApp(t);
    await train(app, { folder, ...settings, holdout: 0.5 });
    const tested = new Map<number, string[]>();
    for (const { paths, dial } of trainer.predicted)
      tested.set(dial.tokenKeep[0] ?? 0, [...(tested.get(dial.tokenKeep[0] ?? 0) ?? []), ...paths]);
    const counts = [...tested].map(([keep, paths]) => [keep, paths.length]);
    assert.deepEqual(Object.fromEntries(counts), {
      1: 300,
      0.9: 300,
      0.8: 300,
      0.7: 500,
      0.6: 300,
      0.5: 300,
    });
    const oaks = tested.get(1)?.filter((path) => path.includes('oak')).length ?? 0;
    assert.ok(Math.abs(oaks - 150) <= 1);
    const { result } = await app.showTraining({ trainingId: 1 });
    assert.deepEqual([result?.images, result?.curve.length], [500, 6]);
  });

  test('leaves out pictures that cannot be read any more', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, events } = trainingApp(t);
    trainer.addFeatures = (_, examples) => {
      const isFirst = trainer.featured.length === 0;
      trainer.featured.push(...examples);
      return Promise.resolve(isFirst ? [{ index: 2, error: 'the file ends too early' }] : []);
    };
    assert.equal((await train(app, { folder, ...settings })).state, 'done');
    assert.match(noticesOf(events).join(), /00\d\.jpg is left out: the file ends too early/);
  });

  test('is computed again after a pause and after the host has died, not more than twice', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer } = trainingApp(t);
    let paused: Promise<unknown> | undefined;
    const add = trainer.addFeatures.bind(trainer);
    trainer.addFeatures = (path, examples) => {
      if (trainer.featured.length === 32) paused ??= app.pauseTraining({ trainingId: 1 });
      return add(path, examples);
    };
    assert.equal((await train(app, { folder, ...settings })).state, 'paused');
    await paused;
    assert.ok(trainer.closed > 0); // the host keeps no features of it

    let deaths = 0;
    trainer.featured.length = 0;
    trainer.addFeatures = (path, examples) => {
      if (trainer.featured.length === 32 && deaths++ === 0)
        throw new AppError('ENGINE', 'Training stopped: it died');
      return add(path, examples);
    };
    await app.resumeTraining({ trainingId: 1 });
    assert.equal((await trainingEnded(app, 1)).state, 'done');
    assert.equal(trainer.featured.length, 32 + 102);

    trainer.addFeatures = () => Promise.reject(new AppError('ENGINE', 'Training stopped: it died'));
    const failed = await train(app, { folder, ...settings, name: 'others' });
    assert.deepEqual([failed.state, failed.reason], ['failed', 'Training stopped: it died']);
  });
});
