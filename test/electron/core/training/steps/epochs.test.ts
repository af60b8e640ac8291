import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readManifest } from '../../../../../electron/core/packages/read-package.ts';
import { chooseBest, endedEarly } from '../../../../../electron/core/training/steps/epochs.ts';
import { START } from '../../../../../electron/core/training/journal/journal.ts';
import type { BestEpoch, Journal, Plan } from '../../../../../electron/core/training/journal/journal.ts';
import {
  addReport,
  emptyCurve,
  extendCurve,
  meanReport,
} from '../../../../../electron/core/training/journal/report-means.ts';
import { recipeBase } from '../../../../../electron/core/training/recipes.ts';
import type { ClassificationManifest } from '../../../../../electron/shared/model-package.ts';
import { NO_LOSSES } from '../../../../../electron/shared/training.ts';
import type { EpochReport, StepReport } from '../../../../../electron/shared/training.ts';
import { everyday10 } from '../../../support/models.ts';

function step(value: number): StepReport {
  return {
    losses: { ...NO_LOSSES, total: value, classification: value },
    gradientNorm: value,
    accuracy: 0.5,
    tokensKept: 0.5,
    directionsKept: 0.75,
  };
}

function epoch(number: number, top1: number, loss: number, directionsKept = 0.8): EpochReport {
  const rest = { learningRate: 0.1, seconds: 1, holdout: { score: top1, loss } };
  return { ...step(1), directionsKept, epoch: number, ...rest };
}

/** A plan of everyday10's kind with so many pictures held out. */
async function plan(holdout: number): Promise<Plan> {
  const manifest = (await readManifest(everyday10)) as ClassificationManifest;
  const base = recipeBase('winnow', { method: 'distill', images: 100, imageSize: 32, embedDim: 96 });
  const losses = {
    classification: 1,
    tokenRatio: 10,
    blockRatio: 10,
    distillClass: 0,
    distillToken: 0,
    tokenKeep: [0.7, 0.49, 0.343],
    blockKeep: 0.8,
  };
  const classes = [{ name: 'cat', images: 100, holdout }];
  return { manifest, recipe: { ...base, losses }, classes, warnings: [], steps: 100 };
}

/** The epoch that is kept after each of some. */
function kept(epochs: EpochReport[], of: Plan): number[] {
  let best: BestEpoch | undefined;
  return epochs.map((_, index) => {
    best = chooseBest(epochs.slice(0, index + 1), best, of, `epoch-${index + 1}.safetensors`);
    return best?.epoch ?? 0;
  });
}

suite('the kept epoch', () => {
  test('is the most accurate where the hold-out tells epochs apart', async () => {
    const epochs = [epoch(1, 0.6, 1), epoch(2, 0.7, 2), epoch(3, 0.65, 0.5), epoch(4, 0.8, 3)];
    assert.deepEqual(kept(epochs, await plan(10_000)), [1, 2, 2, 4]);
  });

  test('is the one with the smallest loss where it does not', async () => {
    // A standard error of 25 pictures at 0.8 is 0.08.
    const epochs = [
      epoch(1, 0.8, 1.2),
      epoch(2, 0.76, 0.9),
      epoch(3, 0.73, 0.7),
      epoch(4, 0.6, 0.1),
      epoch(5, 0.8, 0.8),
    ];
    assert.deepEqual(kept(epochs, await plan(25)), [1, 2, 3, 3, 3]);
  });

  test('runs its blocks as seldom as it should, as soon as one does', async () => {
    const epochs = [
      epoch(1, 0.9, 1, 1),
      epoch(2, 0.95, 1, 0.9),
      epoch(3, 0.7, 2, 0.84),
      epoch(4, 0.9, 1, 0.86),
    ];
    assert.deepEqual(kept(epochs, await plan(1000)), [1, 2, 3, 3]);
  });

  test('is the last where the recipe says so', async () => {
    const of = await plan(10_000);
    const epochs = [epoch(1, 0.8, 1), epoch(2, 0.7, 2)];
    assert.deepEqual(kept(epochs, { ...of, recipe: { ...of.recipe, keeps: 'last' } }), [1, 2]);
  });
});

suite('an early end', () => {
  async function journal(best: number, epochs: number): Promise<Journal> {
    const reports = Array.from({ length: epochs }, (_, index) => epoch(index + 1, 0.5, 1));
    const kept = { epoch: best, score: 0.5, loss: 1, onAim: true, file: 'x' };
    const of = await plan(10);
    return {
      format: 1,
      request: { method: 'fine-tune' },
      name: 'x',
      method: 'fine-tune',
      source: '/x',
      device: 'cpu',
      seed: 0,
      createdAt: '',
      state: 'running',
      outline: of.recipe,
      plan: of,
      position: START,
      epochs: reports,
      best: kept,
      trained: false,
    };
  }

  test('comes when no epoch was better for as long as the patience lasts', async () => {
    assert.equal(endedEarly(await journal(3, 7), 5), undefined);
    assert.match(
      endedEarly(await journal(3, 8), 5) ?? '',
      /None of the 5 epochs after epoch 3 was better, so training ended with epoch 8/,
    );
  });

  test('does not come without patience, nor at the end', async () => {
    assert.equal(endedEarly(await journal(1, 19), 0), undefined);
    assert.equal(endedEarly(await journal(1, 20), 5), undefined); // of 20
  });
});

suite('reports of many steps', () => {
  test('are averaged', () => {
    const sum = [1, 2, 6].reduce<ReturnType<typeof addReport> | undefined>(
      (to, value) => addReport(to, step(value)),
      undefined,
    );
    assert.deepEqual(meanReport(sum), step(3));
    assert.equal(meanReport(undefined), undefined);
  });

  test('become a curve of some hundred points, each the mean of as many steps', () => {
    let curve = emptyCurve();
    for (let number = 1; number <= 10_000; number++) curve = extendCurve(curve, number, step(number));
    assert.equal(curve.stride, 32);
    assert.ok(curve.points.length >= 200 && curve.points.length < 400);
    for (const { step: last, report } of curve.points) {
      assert.equal(last % curve.stride, 0);
      assert.ok(Math.abs(report.losses.total - (last - (curve.stride - 1) / 2)) < 1e-6);
    }
  });
});
