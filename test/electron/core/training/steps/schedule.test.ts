import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  batchBounds,
  epochsWithin,
  learningRateAt,
  stepsPerEpoch,
  trainingSeconds,
} from '../../../../../electron/core/training/steps/schedule.ts';
import { mixSeed, shuffledIndices } from '../../../../../electron/core/training/steps/seeds.ts';
import { StepSequence } from '../../../../../electron/core/training/steps/step-sequence.ts';
import { recipeBase } from '../../../../../electron/core/training/recipes.ts';

const rate = { rate: 1, warmUpRate: 0.1, leastRate: 0.2, warmUpEpochs: 2 };

suite('the schedule', () => {
  test('warms up straight, then follows half a cosine', () => {
    const at = (step: number) => learningRateAt(rate, { step, steps: 100, epochs: 10 });
    assert.equal(at(0), 0.1);
    assert.ok(Math.abs(at(10) - 0.55) < 1e-12);
    assert.equal(at(20), 1);
    assert.ok(Math.abs(at(60) - 0.6) < 1e-12);
    assert.ok(at(99) > 0.2 && at(99) < 0.2005);
  });

  test('starts at the full rate where nothing warms up', () => {
    assert.equal(learningRateAt({ ...rate, warmUpEpochs: 0 }, { step: 0, steps: 1, epochs: 1 }), 1);
  });

  test('cuts an epoch into batches that differ by one picture at most', () => {
    assert.equal(stepsPerEpoch(65, 64), 2);
    assert.equal(stepsPerEpoch(64, 64), 1);
    const sizes = Array.from({ length: 7 }, (_, step) => {
      const [begin, end] = batchBounds(51, 7, step);
      return end - begin;
    });
    assert.equal(
      sizes.reduce((sum, size) => sum + size),
      51,
    );
    assert.ok(sizes.every((size) => size === 7 || size === 8));
  });

  test('plans as many epochs as the time allows, and the time that they take', () => {
    const work = { images: 900, holdout: 300, secondsPerImage: 0.01 }; // 10 seconds an epoch
    assert.equal(epochsWithin(65, 20, work), 6);
    assert.equal(epochsWithin(3600, 20, work), 20);
    assert.equal(epochsWithin(1, 20, work), 1);
    assert.equal(trainingSeconds('fine-tune', { ...work, epochs: 20, dials: 7 }), 207);
    assert.equal(trainingSeconds('head', { ...work, epochs: 1, dials: 7 }), 30);
  });
});

suite('seeds', () => {
  test('give every index once, in another order for another seed', () => {
    const indices = shuffledIndices(1000, 7);
    assert.equal(new Set(indices).size, 1000);
    assert.deepEqual(shuffledIndices(1000, 7), indices);
    assert.notDeepEqual(shuffledIndices(1000, 8), indices);
  });

  test('depend on every value, on their order, and on what is beyond 32 bits', () => {
    const seeds = [
      mixSeed(),
      mixSeed(0),
      mixSeed(1),
      mixSeed(0, 1),
      mixSeed(1, 0),
      mixSeed(2 ** 40),
      mixSeed(2 ** 41),
    ];
    assert.equal(new Set(seeds).size, seeds.length);
    assert.ok(seeds.every((seed) => Number.isInteger(seed) && seed >= 0 && seed < 2 ** 32));
  });

  test('spread evenly', () => {
    const counts = new Array<number>(16).fill(0);
    for (let step = 0; step < 16_000; step++) {
      const bin = mixSeed(3, step) >>> 28;
      counts[bin] = (counts[bin] ?? 0) + 1;
    }
    assert.ok(counts.every((count) => count > 850 && count < 1150));
  });
});

suite('steps', () => {
  const learned = Array.from({ length: 20 }, (_, index) => ({
    index,
    path: `/${index}.jpg`,
    relativePath: `${index}.jpg`,
    held: false,
    classIndex: index % 2,
  }));
  const recipe = {
    ...recipeBase('winnow', {
      method: 'fine-tune',
      images: 20,
      imageSize: 32,
      embedDim: 96,
      epochs: 3,
      batch: 6,
    }),
    losses: {
      classification: 1,
      tokenRatio: 0,
      blockRatio: 0,
      distillClass: 0,
      distillToken: 0,
      tokenKeep: [],
      blockKeep: 1,
    },
  };

  test('can be asked for in any order', () => {
    const [one, other] = [new StepSequence(learned, recipe, 5), new StepSequence(learned, recipe, 5)];
    assert.equal(one.steps, 12);
    const forwards = Array.from({ length: 12 }, (_, step) => one.request(step, one.pictures(step)));
    const backwards = Array.from({ length: 12 }, (_, index) =>
      other.request(11 - index, other.pictures(11 - index)),
    );
    assert.deepEqual(forwards, backwards.toReversed());
    assert.equal(new Set(forwards.map(({ seed }) => seed)).size, 12);
  });

  test('show each picture once an epoch, in another order each time', () => {
    const sequence = new StepSequence(learned, recipe, 5);
    const epochs = [0, 4, 8].map((first) =>
      [0, 1, 2, 3].flatMap((step) => sequence.pictures(first + step).map(({ index }) => index)),
    );
    for (const epoch of epochs) assert.deepEqual(new Set(epoch).size, 20);
    assert.notDeepEqual(epochs[0], epochs[1]);
    assert.notDeepEqual(epochs[1], epochs[2]);
  });
});
