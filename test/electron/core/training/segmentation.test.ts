import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { picturesSchema } from '../../../../electron/core/training/journal/journal.ts';
import { modelCard } from '../../../../electron/core/registry/model-card.ts';
import { readManifest } from '../../../../electron/core/packages/read-package.ts';
import { describeTraining } from '../../../../electron/cli/describe-training.ts';
import type { AppArguments } from '../../../../electron/shared/app-api.ts';
import type { MarkedExample } from '../../../../electron/shared/trainer-api.ts';
import { decodeRuns, encodeRuns, runsArea } from '../../../../electron/shared/mask.ts';
import { isDense } from '../../../../electron/shared/tasks.ts';
import { areOfDetection } from '../../../../electron/shared/training.ts';
import { manifestSchema } from '../../../../electron/shared/model-package.ts';
import { root } from '../../../../build/setup.mjs';
import { writeFiles } from '../../support/files.ts';
import { saveImported } from '../../support/imported-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { smallest, train, trainingApp } from '../../support/training-app.ts';
import { appError } from '../app-error.ts';

const SIZE = [48, 40] as const; // as the double says of every picture

/** An app with a run of hand-drawn areas: grass in the lower half, above it sky in half of 20 pictures. */
function drawn(t: TestContext, labels = [{ name: 'grass' }, { name: 'sky' }], folder = temporaryFolder(t)) {
  const names = Array.from({ length: 20 }, (_, index) => `${String(index).padStart(3, '0')}.jpg`);
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, name])));
  const made = trainingApp(t);
  const grass = [0, 0, 20, 48, 20] as [number, number, number, number, number];
  const sky = [1, 0, 0, 48, 20] as [number, number, number, number, number];
  const regions = Object.fromEntries(
    names.map((name, index) => [
      name,
      { regions: index % 2 === 0 && labels.length > 1 ? [grass, sky] : [grass] },
    ]),
  );
  const tool = { task: 'segmentation' as const, labels, size: SIZE };
  const runId = saveImported(join(made.data, 'library.db'), folder, tool, regions);
  return { ...made, folder, names, runId };
}

const request = (runId: number): AppArguments<'startTraining'> => ({
  runId,
  task: 'segmentation',
  ...smallest,
  imageSize: 32,
  epochs: 2,
  batch: 4,
  holdout: 0.2,
});

const opened = (manifest = '') => manifestSchema.parse(JSON.parse(manifest));

suite('a training for segmentation', () => {
  test('learns the areas of an imported run, is scored by mIoU, and makes a model with a card', async (t) => {
    const { app, trainer, data, runId } = drawn(t);
    const plan = await app.prepareTraining(request(runId));
    assert.deepEqual([plan.task, plan.pictures], ['segmentation', { learned: 16, held: 4 }]);
    assert.deepEqual(plan.classes, [
      { name: 'grass', images: 16, holdout: 4 },
      { name: 'sky', images: 8, holdout: 2 },
    ]);
    trainer.steps.length = 0;
    // Everything is grass: of the sky nothing is found.
    trainer.finds = () => [{ classIndex: 0, counts: encodeRuns([0, 48 * 40]) }];
    const training = await train(app, request(runId));
    assert.equal(training.state, 'done', training.reason);
    const examples = trainer.steps.flatMap((step) => step.examples) as MarkedExample[];
    assert.equal(examples.length, 2 * 16);
    for (const { size, objects } of examples) {
      assert.deepEqual(size, { width: 48, height: 40 });
      for (const { counts = '' } of objects) assert.equal(runsArea(decodeRuns(counts)), 48 * 20);
    }
    const details = await app.showTraining({ trainingId: training.id });
    assert.equal(details.result, undefined);
    const { found } = details;
    assert.ok(found !== undefined && !areOfDetection(found));
    // Of four pictures' 1,920 pixels grass is all lower halves; the sky of two is taken for grass.
    const iou = (4 * 960) / (4 * 960 + 2 * 960);
    assert.equal(found.images, 4);
    assert.ok(Math.abs(found.score - iou / 2) < 1e-9, String(found.score));
    assert.ok(Math.abs(found.pixelAccuracy - iou) < 1e-9);
    assert.deepEqual(found.confusion, [
      [4 * 960, 0],
      [2 * 960, 0],
    ]);
    assert.deepEqual(training.best?.score, found.score);
    const text = describeTraining(details);
    assert.match(text, /mIoU 33\.3 % on 4 pictures of the hold-out; 66\.7 % of the marked pixels right/);
    assert.match(text, /16 pictures to learn from, 4 held out/);

    const { packages } = await app.listModels({});
    const model = packages.find(({ name }) => name === training.model);
    assert.ok(model !== undefined);
    const manifest = await readManifest(model.path);
    assert.deepEqual([manifest.task, manifest.imageSize, manifest.stride], ['segmentation', 32, 4]);
    assert.match(modelCard(model), /mIoU 33\.3 % on 4 pictures at Balanced/);
    assert.match(modelCard(model), /sky +8 +2 +0\.0 %/);
    const kept = picturesSchema.parse(
      JSON.parse(readFileSync(join(data, 'trainings', String(training.id), 'pictures.json'), 'utf8')),
    );
    assert.equal(kept.pictures.filter(({ held }) => held).length, 4);
  });

  test('goes on after a crash with the steps that are left, to the same model', async (t) => {
    const whole = drawn(t);
    const first = await train(whole.app, request(whole.runId));
    const other = drawn(t, undefined, whole.folder);
    let crashes = 0;
    other.trainer.beforeStep = (number) => {
      if (number !== 6 || crashes++ > 0) return;
      other.trainer.die();
      throw Object.assign(new Error('the host died'), { code: 'ENGINE' });
    };
    const second = await train(other.app, request(other.runId));
    assert.deepEqual([first.state, second.state, crashes], ['done', 'done', 2]);
    const weights = async ({ app }: typeof whole, name = '') => {
      const { packages } = await app.listModels({});
      return packages.find((one) => one.name === name)?.manifest.dataSha256;
    };
    assert.ok((await weights(whole, first.model)) !== undefined);
    assert.equal(await weights(whole, first.model), await weights(other, second.model));
  });

  test('keeps what each epoch made of some pictures beside the truth, through a crash and to the end', async (t) => {
    const { app, trainer, data, runId, folder } = drawn(t);
    const half = encodeRuns([0, 24 * 40, 24 * 40]);
    trainer.finds = () => [{ classIndex: 1, counts: half }];
    let crashes = 0;
    trainer.beforeStep = (number) => {
      if (number !== 6 || crashes++ > 0) return;
      trainer.die();
      throw Object.assign(new Error('the host died'), { code: 'ENGINE' });
    };
    const { id, state } = await train(app, request(runId));
    assert.deepEqual([state, crashes], ['done', 2]);
    const samples = await app.showSamples({ trainingId: id });
    assert.equal(samples?.pictures.length, 4);
    assert.deepEqual(
      samples.epochs.map(({ epoch }) => epoch),
      [1, 2],
    );
    for (const { found } of samples.epochs)
      for (const objects of found) assert.deepEqual(objects, [{ classIndex: 1, counts: half }]);
    for (const { size, map, path, truth } of samples.pictures) {
      assert.deepEqual(
        [size, map],
        [
          { width: 48, height: 40 },
          { width: 48, height: 40 },
        ],
      );
      assert.ok(path.startsWith(folder));
      for (const { counts = '', box } of truth)
        assert.deepEqual([runsArea(decodeRuns(counts)), box], [48 * 20, undefined]);
    }
    // A journal of an earlier version has none.
    const file = join(data, 'trainings', String(id), 'training.json');
    const { samples: kept, ...earlier } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    assert.ok(kept !== undefined);
    writeFileSync(file, JSON.stringify(earlier));
    await app.close();
    const later = trainingApp(t, data).app;
    assert.equal(await later.showSamples({ trainingId: id }), undefined);
    assert.equal((await later.showTraining({ trainingId: id })).epochs.length, 2);
  });

  test('starts from a classifier, whose overlapping patches then lie side by side', async (t) => {
    const { app, trainer, runId } = drawn(t);
    const from = join(root, 'resources/models/everyday10.safetensors');
    const parent = await readManifest(from);
    assert.ok(parent.stride < parent.patchSize);
    const plan = await app.prepareTraining({ runId, task: 'segmentation', method: 'fine-tune', from });
    assert.equal(plan.from?.name, 'everyday10');
    const [setup] = trainer.setups;
    const { patchSize, stride, imageSize, pruningLayers } = opened(setup?.manifest);
    assert.deepEqual([patchSize, stride, imageSize], [8, 8, 192]);
    assert.deepEqual([pruningLayers, setup?.parent], [parent.pruningLayers, from]);
  });

  test('starts from a detector, whose backbone goes on under a head of its own', async (t) => {
    const { app, trainer, runId } = drawn(t);
    const from = join(root, 'resources/models/parts-boxes.safetensors');
    await app.prepareTraining({ runId, task: 'segmentation', method: 'fine-tune', from });
    const taught = opened(trainer.setups[0]?.manifest);
    assert.ok(isDense(taught));
    const { patchSize, imageSize, pruningLayers, head } = taught;
    const parent = await readManifest(from);
    assert.deepEqual(
      [patchSize, imageSize, pruningLayers],
      [parent.patchSize, parent.imageSize, parent.pruningLayers],
    );
    assert.deepEqual(head, { kind: 'convolutions', width: 128, slideStride: 128 });
  });

  test('has patches of the next size that a head fits, or of the size that is asked for', async (t) => {
    const { app, trainer, runId } = drawn(t);
    const from = join(root, 'resources/models/parts.safetensors'); // patches of 14 pixels
    const request = { runId, task: 'segmentation', method: 'fine-tune', from } as const;
    await app.prepareTraining(request);
    await app.prepareTraining({ ...request, patchSize: 8 });
    const sizes = trainer.setups.map(({ manifest }) => {
      const { patchSize, stride, imageSize } = opened(manifest);
      return [patchSize, stride, imageSize];
    });
    assert.deepEqual(sizes, [
      [16, 16, 384],
      [8, 8, 192],
    ]);
    await assert.rejects(
      app.prepareTraining({ ...request, patchSize: 10 }),
      appError('BAD_ARGUMENT', /patches of 4, 8, 16 pixels side by side, but has 10/),
    );
  });

  test('learns its head alone over a frozen backbone, from pictures that come again', async (t) => {
    const { app, trainer, runId } = drawn(t);
    const from = join(root, 'resources/models/parts.safetensors');
    const request = { runId, task: 'segmentation', method: 'fine-tune', from } as const;
    await app.prepareTraining({ ...request, freeze: 'backbone' });
    await app.prepareTraining({ ...request, freeze: 'backbone', augment: { colourJitter: true } });
    await app.prepareTraining(request);
    const told = trainer.setups.map(({ optimiser, augmentation }) => {
      assert.ok(augmentation.crop.kind === 'window');
      const { leastScale, largestScale } = augmentation.crop;
      return [optimiser.freezesBackbone, leastScale === largestScale, augmentation.colourJitter > 0];
    });
    assert.deepEqual(told, [
      [true, true, false],
      [true, true, true],
      [undefined, false, true],
    ]);
  });

  test('refuses in a sentence what it cannot be', async (t) => {
    const { app, folder, runId } = drawn(t);
    const refusal = (change: Partial<AppArguments<'startTraining'>>, message: RegExp) =>
      assert.rejects(
        app.prepareTraining({ ...request(runId), ...change }),
        appError('BAD_ARGUMENT', message),
      );
    await refusal({ folder, runId: undefined }, /taught from a run, but a folder came/);
    await refusal({ imageSize: 40 }, /multiple of 32 pixels, but it is 40/);
    await refusal({ augment: { mixup: true } }, /augmentation mixup is of classifiers/);
    await refusal({ recipe: 'vim-t' }, /recipe vim-t is of classifiers/);
    await refusal({ method: 'head', size: undefined }, /method head teaches classifiers/);
    await refusal({ freeze: 'backbone' }, /starts from chance has to learn, so it cannot be frozen/);
    const single = drawn(t, [{ name: 'grass' }]);
    await assert.rejects(
      single.app.prepareTraining(request(single.runId)),
      appError('BAD_ARGUMENT', /at least two classes, but run 1 has one: grass/),
    );
  });
});
