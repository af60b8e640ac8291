import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { readManifest, verifyPackage } from '../../../../../electron/core/packages/read-package.ts';
import type { ClassificationManifest } from '../../../../../electron/shared/model-package.ts';
import { everyday10, everydayLabels } from '../../../support/models.ts';
import { classFolders, trainingApp, smallest, train, trainingEnded } from '../../../support/training-app.ts';

const counts = { cat: 20, dog: 20, fox: 20 };

suite('training epoch by epoch', () => {
  test('learns from the pictures that are not held out, each once an epoch, and makes a package', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, data } = trainingApp(t);
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

  test('has two steps under way, of which one is decoded while the other is computed', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer } = trainingApp(t);
    const step = trainer.step.bind(trainer);
    let [underWay, most] = [0, 0];
    trainer.step = async (request) => {
      most = Math.max(most, ++underWay);
      try {
        return await step(request);
      } finally {
        underWay--;
      }
    };
    await train(app, { folder, ...smallest, epochs: 2, batch: 8, name: 'animals' });
    assert.deepEqual([trainer.steps.length, most, underWay], [2 * 7, 2, 0]);
  });

  test('goes on after a pause as if there had been none', async (t) => {
    const folder = classFolders(t, counts);
    const request = { folder, ...smallest, epochs: 3, batch: 8, name: 'animals' };
    const [whole, cut] = [trainingApp(t), trainingApp(t)];
    await train(whole.app, request);

    let paused: Promise<unknown> | undefined;
    cut.trainer.beforeStep = (number) => {
      if (number === 10 && paused === undefined) paused = cut.app.pauseTraining({ trainingId: 1 });
    };
    const stopped = await train(cut.app, request);
    assert.equal(stopped.state, 'paused');
    await paused;
    await cut.app.close();
    const later = trainingApp(t, cut.data);
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

  test('gives the trainer what the model, the method and the recipe say', async (t) => {
    const folder = classFolders(t, { cat: 20, dog: 20 });
    const { app, trainer } = trainingApp(t);
    const fineTune = {
      folder,
      method: 'fine-tune',
      from: 'everyday10',
      epochs: 1,
      seed: 7,
      threads: 2,
    } as const;
    await train(app, { ...fineTune, name: 'a', augment: { flip: false, mixup: true } });
    const [setup] = trainer.setups;
    assert.deepEqual([setup?.parent, setup?.teacher, setup?.state], [everyday10, undefined, undefined]);
    assert.deepEqual([setup?.seed, setup?.device, setup?.threads], [7, 'cpu', 2]);
    assert.deepEqual([setup?.augmentation.flip, setup?.augmentation.mixup], [false, 0.8]);
    const { tokenRatio, blockRatio, distillClass, distillToken, tokenKeep, blockKeep } = setup?.losses ?? {};
    assert.deepEqual([tokenRatio, blockRatio, distillClass, distillToken, blockKeep], [10, 10, 0, 0, 0.8]);
    assert.ok(Math.abs((tokenKeep?.[2] ?? 0) - 0.343) < 1e-9);

    const ten = classFolders(t, Object.fromEntries(everydayLabels.map((name) => [name, 20])));
    await train(app, {
      ...fineTune,
      folder: ten,
      method: 'distill',
      name: 'b',
      tokenKeep: '0.5',
      blockKeep: 0.6,
    });
    const distilled = trainer.setups[1];
    assert.deepEqual([distilled?.parent, distilled?.teacher], [everyday10, everyday10]);
    assert.deepEqual(
      [distilled?.losses.distillClass, distilled?.losses.distillToken, distilled?.losses.blockKeep],
      [0.5, 0.5, 0.6],
    );
    assert.deepEqual(distilled?.losses.tokenKeep, [0.5, 0.25, 0.125]);
    assert.deepEqual(trainer.predicted.at(-1)?.dial.blockThreshold, 0.5);

    // Its own classes: its unpruned self is the teacher, so that nothing is forgotten.
    await train(app, { ...fineTune, folder: ten, name: 'c' });
    const known = trainer.setups[2];
    assert.deepEqual([known?.parent, known?.teacher], [everyday10, everyday10]);
    assert.ok((known?.losses.distillClass ?? 0) > (known?.losses.classification ?? 1));

    // Where the parent knew the classes, it is tested on the same pictures.
    const results = await Promise.all([1, 2, 3].map((trainingId) => app.showTraining({ trainingId })));
    assert.deepEqual(
      results.map(({ result }) => result?.parentTop1),
      [undefined, 1, 1],
    );
  });

  test('keeps the best epoch, and ends when none has been better for long', async (t) => {
    const folder = classFolders(t, { cat: 200, dog: 200 });
    const { app, trainer, data } = trainingApp(t);
    // Of 60 pictures 50, 58, then 40 are right.
    trainer.isRight = (path, test) => Number.parseInt(basename(path)) % 20 < ([10, 19][test] ?? 6);
    const request = { folder, ...smallest, batch: 64, epochs: 60, name: 'animals' };
    const training = await train(app, request);
    assert.deepEqual([training.state, training.best?.epoch], ['done', 2]);
    assert.equal(
      training.reason,
      'None of the 20 epochs after epoch 2 was better, so training ended with epoch 22',
    );
    const { training: record } = (await readManifest(
      join(data, 'models/animals.safetensors'),
    )) as ClassificationManifest;
    assert.deepEqual([record?.best, record?.epochs.length, record?.recipe.epochs], [2, 22, 60]);
    const { epochs, result } = await app.showTraining({ trainingId: 1 });
    assert.equal(epochs.length, 22);
    // The kept epoch is tested once more, at the end: the same package, the same accuracy.
    assert.equal(result?.top1, training.best?.score);
  });

  test('plans its epochs for the time that there is', async (t) => {
    const folder = classFolders(t, { cat: 20, dog: 20 });
    const { app, trainer, clock } = trainingApp(t);
    trainer.beforeStep = () => void (clock.now += 5500); // 5 steps an epoch, and 6 pictures that are tested
    const request = { folder, ...smallest, batch: 8, epochs: 20, name: 'animals', minutes: 2 };
    const plan = await app.prepareTraining(request);
    assert.equal(plan.recipe.epochs, 4);
    const training = await train(app, request);
    assert.deepEqual([training.state, training.reason, training.progress.epochs], ['done', undefined, 4]);
    const rates = trainer.steps.slice(3).map(({ learningRate }) => learningRate);
    assert.ok((rates.at(-1) ?? 1) < 0.1 * Math.max(...rates)); // the cosine has ended
  });

  test('ends in the middle of an epoch when the machine is slower than it was', async (t) => {
    const folder = classFolders(t, { cat: 20, dog: 20 });
    const { app, trainer, clock } = trainingApp(t);
    trainer.beforeStep = () => {
      // While it is measured steps take next to no time.
      clock.now += trainer.setups.length > 1 ? 20_000 : 1;
    };
    const request = { folder, ...smallest, batch: 8, epochs: 20, name: 'animals', minutes: 2 };
    const training = await train(app, request);
    assert.equal(training.state, 'done');
    assert.match(training.reason ?? '', /The time of 2 minutes was over in epoch 2 of 20/);
    assert.equal((await app.showTraining({ trainingId: 1 })).epochs.length, 2);
  });
});
