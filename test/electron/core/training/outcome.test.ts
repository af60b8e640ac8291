import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { readManifest } from '../../../../electron/core/packages/read-package.ts';
import {
  calibrationError,
  curvePoint,
  outcomeOf,
  testedKeeps,
} from '../../../../electron/core/training/outcome.ts';
import { accuracyOf, lossOf, testHoldout } from '../../../../electron/core/training/steps/test-holdout.ts';
import type { TestedPicture } from '../../../../electron/core/training/steps/test-holdout.ts';
import type { ClassificationManifest } from '../../../../electron/shared/model-package.ts';
import { everyday10 } from '../../support/models.ts';
import { TrainerDouble } from '../../support/trainer-double.ts';
import { appError } from '../app-error.ts';

function tested(
  index: number,
  classIndex: number,
  predicted: number,
  confidence: number,
  right = confidence,
): TestedPicture {
  const picture = { index, classIndex, path: `/${index}.jpg`, relativePath: `${index}.jpg`, held: true };
  return { picture, predicted, confidence, rightConfidence: right, blockKeep: index % 2 };
}

const pictures = [
  tested(0, 0, 0, 0.95),
  tested(1, 0, 0, 0.55),
  tested(2, 0, 1, 0.9, 0.05),
  tested(3, 1, 1, 0.95),
  tested(4, 1, 2, 0.5, 0.3),
];

suite('the outcome of a training', () => {
  test('counts what is taken for what', () => {
    const { images, top1, confusion } = outcomeOf(pictures, ['cat', 'dog', 'fox'], []);
    assert.deepEqual([images, top1], [5, 0.6]);
    assert.deepEqual(confusion, [
      [2, 1, 0],
      [0, 1, 1],
      [0, 0, 0],
    ]);
  });

  test('shows wrong ones first, then those of little confidence in what they are', () => {
    const { worst } = outcomeOf(pictures, ['cat', 'dog', 'fox'], []);
    assert.deepEqual(
      worst.map(({ index }) => index),
      [2, 4, 1, 0, 3],
    );
    assert.deepEqual(worst[0], { index: 2, path: '2.jpg', label: 'cat', predicted: 'dog', confidence: 0.9 });
    const many = Array.from({ length: 100 }, (_, index) => tested(index, 0, 1, 0.5));
    assert.equal(outcomeOf(many, ['cat', 'dog'], []).worst.length, 60);
  });

  test('says how far confidence is from accuracy, bin by bin', () => {
    // Of 0.9 to 1: two of three right at a mean of 0.9333; of 0.5 to 0.6: one of two at 0.525.
    const expected = (3 / 5) * Math.abs(2 / 3 - 2.8 / 3) + (2 / 5) * Math.abs(1 / 2 - 0.525);
    assert.ok(Math.abs(calibrationError(pictures) - expected) < 1e-9);
    assert.equal(calibrationError([tested(0, 0, 0, 1)]), 0);
    assert.equal(calibrationError([]), 0);
  });

  test('has accuracy, loss, and work by the scans that ran', async () => {
    const manifest = (await readManifest(everyday10)) as ClassificationManifest;
    const all = curvePoint(manifest, [1, 1, 1], pictures);
    const few = curvePoint(manifest, [0.5, 0.25, 0.125], pictures);
    assert.deepEqual([all.tokenKeep, all.top1, all.blockKeep], [1, 0.6, 0.4]);
    assert.ok(few.workShare < all.workShare && all.workShare < 1);
    assert.equal(accuracyOf(pictures), 0.6);
    const expected = -[0.95, 0.55, 0.05, 0.95, 0.3].reduce((sum, p) => sum + Math.log(p), 0) / 5;
    assert.ok(Math.abs(lossOf(pictures) - expected) < 1e-9);
    assert.ok(Number.isFinite(lossOf([tested(0, 0, 1, 1, 0)])));
  });

  test('is tested at some positions of the dial, the trained one among them', () => {
    const trained = [0.7, 0.7 ** 2, 0.7 ** 3];
    const first = (tokenKeep: number[]) => testedKeeps({ tokenKeep }).map(([ratio]) => ratio);
    assert.deepEqual(first(trained), [1, 0.9, 0.8, 0.7, 0.6, 0.5]);
    assert.ok(testedKeeps({ tokenKeep: trained }).includes(trained));
    assert.deepEqual(first([0.75, 0.5, 0.3]), [1, 0.9, 0.8, 0.75, 0.7, 0.6, 0.5]);
    assert.deepEqual(first([0.7, 0.6, 0.5]), [1, 0.9, 0.8, 0.7, 0.7, 0.6, 0.5]);
    assert.deepEqual(testedKeeps({ tokenKeep: [] }), [[]]);
  });
});

suite('the hold-out', () => {
  const held = Array.from({ length: 3 }, (_, index) => tested(index, 0, 0, 1).picture);
  const options = { packagePath: '/x', held, tokenKeep: [], signal: new AbortController().signal };

  test('leaves out what cannot be read, and is refused without any that can', async () => {
    const trainer = new TrainerDouble();
    trainer.predict = (_, paths) =>
      Promise.resolve(
        paths.map((path) =>
          path === '/1.jpg'
            ? {
                probabilities: Float32Array.of(0.75, 0.25),
                top: [{ classIndex: 0, confidence: 0.75 }],
                blockKeep: 1,
              }
            : { error: 'a bad file.' },
        ),
      );
    const [only, ...others] = await testHoldout({ trainer, ...options });
    assert.deepEqual([only?.picture.index, only?.rightConfidence, others], [1, 0.75, []]);
    trainer.predict = (_, paths) => Promise.resolve(paths.map(() => ({ error: 'a bad file.' })));
    await assert.rejects(
      testHoldout({ trainer, ...options }),
      appError('NOT_FOUND', /None of the 3 pictures that are held out can be read any more: a bad file$/),
    );
  });

  test('is asked for 64 pictures at a time, and not for more when it is cancelled', async () => {
    const many = Array.from({ length: 130 }, (_, index) => tested(index, 0, 0, 1).picture);
    const trainer = new TrainerDouble();
    const asked: number[] = [];
    trainer.predict = (_, paths) => {
      asked.push(paths.length);
      const outcome = {
        probabilities: Float32Array.of(1),
        top: [{ classIndex: 0, confidence: 1 }],
        blockKeep: 1,
      };
      return Promise.resolve(paths.map(() => outcome));
    };
    const told: number[] = [];
    const all = await testHoldout({ trainer, ...options, held: many, onTested: (count) => told.push(count) });
    assert.deepEqual([all.length, asked, told], [130, [64, 64, 2], [64, 64, 2]]);
    const control = new AbortController();
    asked.length = 0;
    await assert.rejects(
      testHoldout({
        trainer,
        ...options,
        held: many,
        signal: control.signal,
        onTested: () => control.abort(),
      }),
      appError('CANCELLED', /^The test on the hold-out was not done to the end$/),
    );
    assert.deepEqual(asked, [64]);
  });
});
