import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { describeTraining } from '../../../../electron/cli/describe-training.ts';
import { readManifest } from '../../../../electron/core/packages/read-package.ts';
import { modelCard } from '../../../../electron/core/registry/model-card.ts';
import { picturesSchema } from '../../../../electron/core/training/journal/journal.ts';
import type { AppArguments } from '../../../../electron/shared/app-api.ts';
import { boxRuns, encodeRuns } from '../../../../electron/shared/mask.ts';
import { manifestSchema } from '../../../../electron/shared/model-package.ts';
import type { MarkedExample } from '../../../../electron/shared/trainer-api.ts';
import { areOfDetection } from '../../../../electron/shared/training.ts';
import { writeFiles } from '../../support/files.ts';
import { saveImported } from '../../support/imported-run.ts';
import { everyday10 } from '../../support/models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { smallest, train, trainingApp } from '../../support/training-app.ts';
import { appError } from '../app-error.ts';

const SIZE = [48, 40] as const; // as the double says of every picture
const CAT = [0, 0.9, 4, 4, 20, 16] as [number, number, number, number, number, number];
const DOG = [1, 0.9, 26, 10, 18, 24] as [number, number, number, number, number, number];

/** An app with a run of boxes: of 20 pictures a cat in every one but the last two, a dog in every other. */
function marked(t: TestContext, { isBoxed = false, folder = temporaryFolder(t) } = {}) {
  const names = Array.from({ length: 20 }, (_, index) => `${String(index).padStart(3, '0')}.jpg`);
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, name])));
  const made = trainingApp(t);
  const found = Object.fromEntries(
    names.map((name, index) => {
      const dogs = index % 2 === 0 && index < 18 ? [DOG] : [];
      return [name, { detections: index < 18 ? [CAT, ...dogs] : [], isBoxed }];
    }),
  );
  const tool = { task: 'detection' as const, labels: [{ name: 'cat' }, { name: 'dog' }], size: SIZE };
  const runId = saveImported(join(made.data, 'library.db'), folder, tool, found);
  return { ...made, folder, names, runId };
}

const request = (runId: number): AppArguments<'startTraining'> => ({
  runId,
  task: 'detection',
  ...smallest,
  imageSize: 32,
  epochs: 2,
  batch: 4,
  holdout: 0.2,
});

const asBox = ([, , x, y, width, height]: typeof CAT) => ({ x, y, width, height });

suite('a training for detection', () => {
  test('learns the boxes and masks of an imported run, is scored by AP50, and makes a model with a card', async (t) => {
    const { app, trainer, data, runId } = marked(t);
    const plan = await app.prepareTraining(request(runId));
    assert.deepEqual([plan.task, plan.pictures], ['detection', { learned: 15, held: 5 }]);
    assert.ok(plan.warnings.some(({ kind, count }) => kind === 'background' && count === 2));
    trainer.steps.length = 0;
    // Cats are found where they are, dogs are taken for cats, and there is one that nobody marked.
    const size = { width: SIZE[0], height: SIZE[1] };
    const find = (classIndex: number, score: number, box: ReturnType<typeof asBox>) => {
      return { classIndex, score, box, counts: encodeRuns(boxRuns(box, size)) };
    };
    const beside = { x: 40, y: 0, width: 6, height: 6 };
    trainer.finds = () => [find(0, 0.9, asBox(CAT)), find(0, 0.6, asBox(DOG)), find(1, 0.55, beside)];
    const training = await train(app, request(runId));
    assert.equal(training.state, 'done', training.reason);
    const examples = trainer.steps.flatMap((step) => step.examples) as MarkedExample[];
    assert.equal(examples.length, 2 * 15);
    for (const example of examples) {
      assert.deepEqual(example.size, size);
      for (const { classIndex, box, counts } of example.objects) {
        assert.deepEqual(box, asBox(classIndex === 0 ? CAT : DOG));
        assert.equal(counts, encodeRuns(boxRuns(box, size)));
      }
    }
    const details = await app.showTraining({ trainingId: training.id });
    const { found } = details;
    assert.ok(found !== undefined && areOfDetection(found));
    const kept = picturesSchema.parse(
      JSON.parse(readFileSync(join(data, 'trainings', String(training.id), 'pictures.json'), 'utf8')),
    );
    const held = kept.pictures.filter((picture) => picture.held);
    const shown = held.map((picture) =>
      'objects' in picture ? picture.objects.map((one) => one.classIndex) : [],
    );
    const [cats, dogs] = [0, 1].map((index) => shown.filter((classes) => classes.includes(index)).length);
    assert.ok(cats !== undefined && dogs !== undefined && cats > 0 && dogs > 0 && held.length === 5);
    assert.deepEqual(
      found.perClass.map(({ ap50, objects }) => [ap50, objects]),
      [
        [1, cats], // the dogs come behind all cats
        [0, dogs],
      ],
    );
    assert.equal(found.score, 0.5);
    assert.equal(found.maskAp50, 0.5);
    assert.equal(training.best?.score, 0.5);
    // In the last row what was found where nothing is: the cats and dogs of other pictures, and the one beside.
    assert.deepEqual(found.confusion, [
      [cats, 0, 0],
      [dogs, 0, 0],
      [5 - cats + (5 - dogs), 5, 0],
    ]);
    assert.equal(found.worst.length, 5);
    const text = describeTraining(details);
    assert.match(text, /AP50 50\.0 % on 5 pictures of the hold-out, AP 50\.0 %; of masks AP50 50\.0 %/);
    assert.match(text, new RegExp(`dog +cat +${dogs}\n`));

    const { packages } = await app.listModels({});
    const model = packages.find(({ name }) => name === training.model);
    assert.ok(model !== undefined);
    const manifest = await readManifest(model.path);
    assert.ok(manifest.task === 'detection' && manifest.head.kind === 'one-stage');
    assert.deepEqual([manifest.imageSize, manifest.stride, manifest.head.prototypes], [32, 4, 16]);
    assert.match(modelCard(model), /AP50 50\.0 % on 5 pictures at Balanced/);
    assert.match(modelCard(model), /Masks +AP50 50\.0 %, AP 50\.0 %/);
    assert.match(modelCard(model), /cat +\d+ +\d+ +100\.0 %/);
  });

  test('teaches no masks where boxes have none, and a single class', async (t) => {
    const { app, trainer, runId } = marked(t, { isBoxed: true });
    await app.prepareTraining(request(runId));
    const opened = manifestSchema.parse(JSON.parse(trainer.setups[0]?.manifest ?? ''));
    assert.ok(opened.task === 'detection' && opened.head.kind === 'one-stage');
    assert.equal(opened.head.prototypes, undefined);
    const folder = temporaryFolder(t);
    const names = Array.from({ length: 8 }, (_, index) => `${index}.jpg`);
    writeFiles(folder, Object.fromEntries(names.map((name) => [name, name])));
    const single = trainingApp(t);
    const tool = { task: 'detection' as const, labels: [{ name: 'cat' }], size: SIZE };
    const found = Object.fromEntries(names.map((name) => [name, { detections: [CAT] }]));
    const id = saveImported(join(single.data, 'library.db'), folder, tool, found);
    const plan = await single.app.prepareTraining(request(id));
    assert.deepEqual(
      plan.classes.map(({ name }) => name),
      ['cat'],
    );
  });

  test('starts from a classifier, and goes on from a detector with its head', async (t) => {
    const { app, trainer, runId } = marked(t);
    const plan = await app.prepareTraining({
      runId,
      task: 'detection',
      method: 'fine-tune',
      from: everyday10,
    });
    assert.equal(plan.from?.name, 'everyday10');
    const first = await train(app, { ...request(runId), name: 'first' });
    assert.equal(first.state, 'done', first.reason);
    trainer.setups.length = 0;
    await app.prepareTraining({ runId, task: 'detection', method: 'fine-tune', from: 'first' });
    const opened = manifestSchema.parse(JSON.parse(trainer.setups[0]?.manifest ?? ''));
    const known = (await app.listModels({})).packages.find(({ name }) => name === 'first')?.manifest;
    assert.ok(opened.task === 'detection' && known?.task === 'detection');
    assert.deepEqual([opened.head, opened.imageSize], [known.head, known.imageSize]);
    // For areas its backbone goes on alone.
    await app.prepareTraining({ runId, task: 'segmentation', method: 'fine-tune', from: 'first' });
    const areas = manifestSchema.parse(JSON.parse(trainer.setups.at(-1)?.manifest ?? ''));
    assert.deepEqual([areas.task, areas.embedDim], ['segmentation', known.embedDim]);
  });

  test('refuses areas of classes, and what is of classifiers', async (t) => {
    const { app, folder, runId } = marked(t);
    const refusal = (change: Partial<AppArguments<'startTraining'>>, message: RegExp) =>
      assert.rejects(
        app.prepareTraining({ ...request(runId), ...change }),
        appError('BAD_ARGUMENT', message),
      );
    await refusal({ folder, runId: undefined }, /detection model is taught from a run, but a folder came/);
    await refusal({ imageSize: 40 }, /detection model must be a multiple of 32 pixels, but it is 40/);
    await refusal({ augment: { cutMix: true } }, /augmentation cutMix is of classifiers/);
    await refusal(
      { method: 'head', size: undefined },
      /method head teaches classifiers, and no detection models/,
    );
  });
});
