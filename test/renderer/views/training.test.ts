import { NO_LOSSES } from '../../../electron/shared/training.ts';
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { EpochReport, StepReport, TrainingRecipe } from '../../../electron/shared/training.ts';
import type { ReviewedRun, TrainingParent } from '../../../electron/shared/api/training.ts';
import { trainingArguments } from '../../../electron/shared/api/training.ts';
import { confusionCells, sharesOfRows } from '../../../renderer/views/teach/confusion-cells.ts';
import { curvesOf } from '../../../renderer/views/teach/curves.ts';
import { withEpoch, withStep } from '../../../renderer/views/teach/live-points.ts';
import { emptyForm, requestOf, samePictures, varies } from '../../../renderer/views/teach/training-form.ts';
import { likelyTask, parentsFor, runsFor } from '../../../renderer/views/teach/training-sources.ts';
import type { TrainingForm } from '../../../renderer/views/teach/training-form.ts';

const form = (changes: Partial<TrainingForm>): TrainingForm => ({
  ...emptyForm,
  folder: '/pictures',
  from: 'everyday10',
  ...changes,
});

const report = (accuracy: number): StepReport => ({
  losses: {
    ...NO_LOSSES,
    total: 3,
    classification: 1 - accuracy,
  },
  gradientNorm: 1,
  accuracy,
  tokensKept: 1,
  directionsKept: 1,
});

suite('what the set-up of a training asks for', () => {
  test('nothing without pictures or without a model', () => {
    assert.equal(requestOf(form({ folder: '  ' })), undefined);
    assert.equal(requestOf(form({ source: 'run' })), undefined);
    assert.equal(requestOf(form({ from: undefined })), undefined);
  });

  test('no more than what was chosen', () => {
    assert.deepEqual(requestOf(form({})), { folder: '/pictures', method: 'head', from: 'everyday10' });
    assert.deepEqual(requestOf(form({ source: 'run', runId: 3 })), {
      runId: 3,
      method: 'head',
      from: 'everyday10',
    });
    assert.deepEqual(requestOf(form({ method: 'scratch', size: 'tiny' })), {
      folder: '/pictures',
      method: 'scratch',
      size: 'tiny',
    });
  });

  test('only what the method has use for', () => {
    const filled = form({
      name: ' mine ',
      epochs: 12,
      minutes: 30,
      holdout: 20,
      tokenKeep: 0.6,
      blockKeep: 0.9,
      seed: 7,
      batch: 16,
      learningRate: 0.001,
      augment: { mixup: true },
    });
    const everywhere = {
      folder: '/pictures',
      from: 'everyday10',
      name: 'mine',
      holdout: 0.2,
      seed: 7,
      batch: 16,
    };
    const steps = { epochs: 12, learningRate: 0.001, augment: { mixup: true } };
    assert.deepEqual(requestOf(filled), { ...everywhere, method: 'head' });
    assert.deepEqual(requestOf({ ...filled, method: 'fine-tune' }), {
      ...everywhere,
      ...steps,
      method: 'fine-tune',
    });
    assert.deepEqual(requestOf({ ...filled, method: 'distill', limit: 'time' }), {
      ...everywhere,
      method: 'distill',
      minutes: 30,
      learningRate: 0.001,
      augment: { mixup: true },
      tokenKeep: '0.6',
      blockKeep: 0.9,
    });
  });

  test('of areas a run, a method and a window that their training has', () => {
    const areas = form({ task: 'segmentation', source: 'folder', runId: 3, method: 'head', window: 128 });
    assert.deepEqual(requestOf(areas), {
      task: 'segmentation',
      runId: 3,
      method: 'fine-tune',
      from: 'everyday10',
      imageSize: 128,
    });
    assert.equal(requestOf({ ...areas, runId: undefined }), undefined);
    const augment = { mixup: true, flip: false };
    assert.deepEqual(requestOf({ ...areas, method: 'scratch', augment })?.augment, { flip: false });
    // Labels are taught as before, whatever was chosen for areas.
    assert.deepEqual(requestOf({ ...areas, task: 'classification' }), {
      folder: '/pictures',
      method: 'head',
      from: 'everyday10',
    });
  });

  test('what the call takes', () => {
    for (const method of ['head', 'fine-tune', 'distill', 'scratch'] as const) {
      const request = requestOf(form({ method, holdout: 15, tokenKeep: 0.7, epochs: 3, seed: 1 }));
      assert.ok(trainingArguments.startTraining.safeParse(request).success, method);
    }
  });

  test('the same pictures stay known while settings change', () => {
    const one = { folder: '/a', method: 'head' } as const;
    assert.ok(samePictures(one, { folder: '/a', method: 'distill' }));
    assert.ok(!samePictures(one, { runId: 1, method: 'head' }));
  });
});

suite('what a training can start from', () => {
  const run = (id: number, imported: boolean) => {
    return { id, spec: imported ? { imported: {} } : {} } as ReviewedRun['run'];
  };
  const runs: ReviewedRun[] = [
    { run: run(1, false), reviewed: 4, teaches: [{ task: 'classification', images: 4 }] },
    { run: run(2, true), reviewed: 0, teaches: [{ task: 'segmentation', images: 9, objects: 12 }] },
    {
      run: run(3, false),
      reviewed: 2,
      teaches: [
        { task: 'segmentation', images: 2, objects: 5 },
        { task: 'classification', images: 2, objects: 5 },
      ],
    },
  ];
  const parents = [
    { model: { name: 'animals', manifest: { task: 'classification' } }, problems: {} },
    // A detector could be taught from its backbone, too.
    { model: { name: 'ground', manifest: { task: 'segmentation' } }, problems: { classification: 'no' } },
    {
      model: { name: 'boxes', manifest: { task: 'detection' } },
      problems: { classification: 'no', segmentation: 'neither', detection: 'no' },
    },
  ] as TrainingParent[];

  test('are the runs and the models that the task can use', () => {
    const ids = (task: 'classification' | 'segmentation') =>
      runsFor(task, runs).map(({ run: { id }, lesson, isReviewed }) => [id, lesson.images, isReviewed]);
    assert.deepEqual(ids('classification'), [[1, 4, true], [3, 2, true]]); // prettier-ignore
    assert.deepEqual(ids('segmentation'), [[2, 9, false], [3, 2, true]]); // prettier-ignore
    const { models, others } = parentsFor('segmentation', parents);
    assert.deepEqual(
      models.map(({ name }) => name),
      ['animals', 'ground'],
    );
    assert.deepEqual(others, [{ name: 'boxes', reason: 'neither' }]);
  });

  test('say what a person who comes from one of them wants to teach', () => {
    const likely = (runId: number | undefined, from?: string) => likelyTask({ runId, from }, runs, parents);
    assert.deepEqual([likely(1), likely(2), likely(3)], ['classification', 'segmentation', 'segmentation']);
    assert.deepEqual(
      [likely(undefined, 'animals'), likely(undefined, 'ground'), likely(undefined, 'boxes')],
      ['classification', 'segmentation', undefined],
    );
    assert.equal(likely(9, 'gone'), undefined);
  });
});

suite('the curves of a training', () => {
  const recipe = { epochs: 4, batch: 10 } as TrainingRecipe;
  const pictures = { learned: 21, held: 4 };

  test('count epochs, of which the hold-out has a point each', () => {
    const epochs = [{ ...report(0.5), epoch: 1, holdout: { score: 0.4, loss: 2 } } as EpochReport];
    const steps = [1, 2, 3].map((step) => ({ step, report: report(step / 10) }));
    const { loss, accuracy, end } = curvesOf({ recipe, pictures, epochs, steps });
    assert.equal(end, 4);
    assert.deepEqual(
      accuracy.raw.map(({ x }) => x),
      [1 / 3, 2 / 3, 1],
    );
    assert.deepEqual(accuracy.heldOut, [{ x: 1, y: 0.4 }]);
    assert.deepEqual(loss.heldOut, [{ x: 1, y: 2 }]);
    assert.deepEqual(loss.raw[0], { x: 1 / 3, y: 0.9 });
    // Of a detector that of boxes, their quality and masks as well.
    const detection = {
      ...report(0.1),
      losses: { ...report(0.1).losses, boxes: 0.5, quality: 0.25, masks: 1 },
    };
    const ofDetector = curvesOf({ recipe, pictures, epochs, steps: [{ step: 1, report: detection }] });
    assert.equal(ofDetector.loss.raw[0]?.y, 0.9 + 1.75);
  });

  test('go back to where a training goes on that was resumed', () => {
    const steps = [2, 4, 6].map((step) => ({ step, report: report(0.1) }));
    const after = withStep(steps, { step: 3, report: report(0.2) });
    assert.deepEqual(
      after.map(({ step }) => step),
      [2, 3],
    );
    const epochs = [1, 2, 3].map((epoch) => ({ epoch })) as EpochReport[];
    assert.deepEqual(
      withEpoch(epochs, { epoch: 2 } as EpochReport).map(({ epoch }) => epoch),
      [1, 2],
    );
  });

  test('has shares of what is marked as a class, and none where nothing is', () => {
    assert.deepEqual(sharesOfRows([[3, 1], [0, 0]]), [[0.75, 0.25], [0, 0]]); // prettier-ignore
  });

  test('a confusion matrix becomes cells in the order of the classes', () => {
    const { classes: rows, confusion } = confusionCells(
      [
        [3, 1],
        [0, 2],
      ],
      ['cat', 'dog'],
    );
    assert.deepEqual(
      rows.map(({ folder }) => folder),
      ['cat', 'dog'],
    );
    assert.deepEqual(confusion, [
      { folder: 'cat', label: 'cat', count: 3, right: true },
      { folder: 'cat', label: 'dog', count: 1, right: false },
      { folder: 'dog', label: 'dog', count: 2, right: true },
    ]);
  });
});

test('parts of an augmentation are on or off', () => {
  const none = {
    crop: { kind: 'centre' },
    flip: false,
    colourJitter: 0,
    randAugment: { operations: 0, magnitude: 0 },
    erasing: 0,
    mixup: 0,
    cutMix: 0,
    smoothing: 0,
  } as const;
  assert.ok(!varies(none, 'crop') && !varies(none, 'flip') && !varies(none, 'randAugment'));
  assert.ok(varies({ ...none, crop: { kind: 'shifted', pixels: 4 } }, 'crop'));
  assert.ok(varies({ ...none, randAugment: { operations: 2, magnitude: 9 } }, 'randAugment'));
  assert.ok(varies({ ...none, flip: true }, 'flip') && varies({ ...none, mixup: 0.8 }, 'mixup'));
});
