import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { trainingCard } from '../../../../electron/core/registry/training-card.ts';
import type { Trained } from '../../../../electron/shared/model-package.ts';
import { CHOICE } from '../../support/trainer-double.ts';

const trained: Trained = {
  method: 'distill',
  parent: { name: 'vim-micro', sha256: 'a'.repeat(64), dataSha256: 'b'.repeat(64) },
  recipe: { name: 'winnow', epochs: 20, batch: 64, learningRate: 0.0003 },
  seed: 3,
  classes: [
    { name: 'cat', images: 85, holdout: 15 },
    { name: 'dog', images: 170, holdout: 30 },
  ],
  epochs: Array.from({ length: 20 }, (_, index) => ({
    epoch: index + 1,
    loss: 1 / (index + 1),
    accuracy: 0.5,
    top1: 0.6,
  })),
  best: 18,
  holdout: {
    images: 45,
    top1: 0.8,
    calibrationError: 0.0312,
    curve: [
      { tokenKeep: 1, top1: 0.84, blockKeep: 0.81, workShare: 0.86 },
      { tokenKeep: 0.7, top1: 0.8, blockKeep: 0.8, workShare: 0.54 },
    ],
    confusion: [
      [12, 3],
      [6, 24],
    ],
  },
};

suite('the card of a trained model', () => {
  test('says what it learned from, how, and what it can do', () => {
    const lines = trainingCard(trained).split('\n');
    assert.deepEqual(lines.slice(0, 7), [
      'Trained          distilled from vim-micro',
      `SHA-256 of it    ${'a'.repeat(64)}`,
      'Recipe           winnow: 20 epochs, batch 64, learning rate 0.0003, epoch 18 kept',
      'Seed             3',
      'Pictures         255 learned from, 45 held out, 2 classes',
      'Hold-out         80.0 % of 45 right at Balanced',
      'Confidence       off by 3.1 % on average',
    ]);
    const has = (line: string) => assert.ok(lines.includes(line), line);
    has('Keep  Top-1   Blocks  Work');
    has('0.7   80.0 %  0.800   54.0 %');
    has('dog    170      30        80.0 %');
    has('dog  cat        6');
    has('20     0.050  50.0 %    60.0 %');
    assert.equal(lines.filter((line) => /^\d+ +\d\.\d{3} /.test(line) && line.includes('50.0 %')).length, 10); // epochs
  });

  test('says what its parent was right for, where that is known', () => {
    const compared: typeof trained = structuredClone(trained);
    compared.holdout.parentTop1 = 0.8444;
    assert.match(trainingCard(compared), /^Hold-out +80\.0 % of 45 right at Balanced; its parent 84\.4 %$/m);
  });

  test('of a head from few pictures names its kind and what the others reached', () => {
    const few: typeof trained = structuredClone({ ...trained, method: 'head', epochs: [], head: CHOICE });
    delete few.best;
    const card = trainingCard(few);
    assert.match(
      card,
      /^Head {13}nearest class mean; right of pictures left out, in 5 folds: logistic regression 75\.0 %, nearest class mean 81\.3 %, smallest angle 81\.3 %$/m,
    );
    assert.match(card, /^Recipe {11}computed from the means of the classes$/m);
  });

  test('of a head from scratch has no epochs, and of very many classes no matrix', () => {
    const headOnly: typeof trained = structuredClone({ ...trained, method: 'head', epochs: [] });
    delete headOnly.parent;
    delete headOnly.best;
    delete headOnly.holdout.confusion;
    const card = trainingCard(headOnly);
    assert.match(card, /^Recipe {11}solved to its optimum$/m);
    assert.doesNotMatch(card, /Epoch|Taken for|SHA-256/);
  });
});
