import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  averageDecay,
  recipeAims,
  recipeBase,
  RECIPE_NAMES,
  switchAugmentation,
} from '../../../../electron/core/training/recipes.ts';
import type { RecipeConditions } from '../../../../electron/core/training/recipes.ts';

const conditions: RecipeConditions = { method: 'distill', images: 10_000, imageSize: 224, embedDim: 192 };

suite('recipes', () => {
  test('are the published ones, with the rate in proportion to the batch', () => {
    const tiny = recipeBase('vim-t', conditions);
    assert.deepEqual(tiny.learningRate, { rate: 3e-5, warmUpRate: 1e-5, leastRate: 1e-6, warmUpEpochs: 5 });
    assert.deepEqual([tiny.epochs, tiny.batch, tiny.optimiser.weightDecay], [30, 512, 1e-8]);
    assert.deepEqual(tiny.augmentation, {
      crop: { kind: 'resized', leastArea: 0.08 },
      flip: true,
      colourJitter: 0.3,
      randAugment: { operations: 2, magnitude: 9 },
      erasing: 0.25,
      mixup: 0.8,
      cutMix: 1,
      smoothing: 0.1,
    });
    assert.equal(recipeBase('vim-s', conditions).learningRate.rate, 2.5e-5);
    assert.equal(recipeBase('vim-b', { ...conditions, batch: 64 }).learningRate.rate, 6.25e-6);
    const aims = RECIPE_NAMES.map((name) => [name, recipeAims(name).keep, recipeAims(name).blocks]);
    assert.deepEqual(aims, [
      ['winnow', 0.7, 0.8],
      ['vim-t', 0.9, 0.8],
      ['vim-s', 0.7, 0.8],
      ['vim-b', 0.7, 0.7],
      ['videomamba-t', 0.9, 0.8],
      ['videomamba-s', 0.7, 0.8],
    ]);
  });

  test('of few epochs warm up for as large a part of them, and never begin above their rate', () => {
    const { learningRate } = recipeBase('vim-t', { ...conditions, epochs: 6, batch: 16 });
    assert.equal(learningRate.warmUpEpochs, 1);
    assert.ok(learningRate.warmUpRate <= learningRate.rate && learningRate.leastRate <= learningRate.rate);
  });

  test('of Winnow take small batches of few pictures, and a rate by batch and width', () => {
    const of = (images: number, embedDim = 96) => recipeBase('winnow', { ...conditions, images, embedDim });
    assert.deepEqual(
      [60, 100, 300, 512, 50_000].map((images) => of(images).batch),
      [8, 8, 32, 64, 64],
    );
    assert.equal(of(50_000).learningRate.rate, 3e-4);
    assert.equal(of(50_000, 384).learningRate.rate, 1.5e-4);
    assert.ok(Math.abs(of(250).learningRate.rate - 3e-4 * Math.sqrt(16 / 64)) < 1e-12);
  });

  test('average the weights over a part of the steps', () => {
    assert.equal(averageDecay(10), 0);
    assert.equal(averageDecay(400), 0.95);
    assert.equal(averageDecay(1e6), 0.999);
  });

  test('go on carefully with a model that knows its classes', () => {
    const tuned = { ...conditions, method: 'fine-tune' } as const;
    const [other, known] = [recipeBase('winnow', tuned), recipeBase('winnow', { ...tuned, goesOn: true })];
    assert.deepEqual([other.keeps, known.keeps], ['best', 'last']);
    assert.deepEqual([other.patience, known.patience], [8, 0]);
    assert.deepEqual(known.augmentation, other.augmentation);
  });

  test('take what was asked for', () => {
    const own = recipeBase('winnow', { ...conditions, epochs: 7, batch: 24, rate: 0.002 });
    assert.deepEqual([own.epochs, own.batch, own.learningRate.rate], [7, 24, 0.002]);
  });

  test('shift small pictures in place of cropping them', () => {
    const small = recipeBase('winnow', { ...conditions, imageSize: 64 }).augmentation;
    assert.deepEqual(small.crop, { kind: 'shifted', pixels: 8 });
    assert.deepEqual(recipeBase('vim-t', { ...conditions, imageSize: 32 }).augmentation.crop, {
      kind: 'shifted',
      pixels: 4,
    });
  });
});

suite('parts of the augmentation', () => {
  const full = recipeBase('vim-t', conditions).augmentation;
  const plain = recipeBase('winnow', { ...conditions, method: 'head' }).augmentation;

  test('stay as the recipe has them, and go when they are switched off', () => {
    assert.deepEqual(switchAugmentation(full, {}, 224), full);
    const off = { crop: false, flip: false, colourJitter: false, randAugment: false };
    const none = switchAugmentation(full, { ...off, erasing: false, mixup: false, cutMix: false }, 224);
    assert.deepEqual({ ...none, smoothing: 0 }, plain);
  });

  test('have their usual strength where the recipe has none, and its own where it has', () => {
    const on = { crop: true, flip: true, colourJitter: true, randAugment: true };
    const all = { ...on, erasing: true, mixup: true, cutMix: true };
    assert.deepEqual(switchAugmentation(plain, all, 224), {
      ...full,
      crop: { kind: 'resized', leastArea: 0.5 },
      smoothing: 0,
    });
    assert.deepEqual(switchAugmentation(full, all, 224), full);
  });
});
