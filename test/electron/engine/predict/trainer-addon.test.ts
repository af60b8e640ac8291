import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { readManifest } from '../../../../electron/core/packages/read-package.ts';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import type { NativeExample, NativePicture, NativeTrainer } from '../../../../electron/engine/addon.ts';
import { HEAD_KINDS } from '../../../../electron/shared/training.ts';
import type { Augmentation } from '../../../../electron/shared/training.ts';
import { seededRandom } from '../../core/random.ts';
import { everyday10 } from '../../support/models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { expectedTensors } from '../../support/tensors.ts';
import { setupOf } from '../../support/training-setup.ts';
import { everydayDial as dial } from '../../support/engine-client.ts';

const addon = loadAddon();
const CLASSES = 2;

const tiny = {
  format: 1,
  name: 'tiny',
  task: 'classification',
  architecture: 'vim',
  imageSize: 16,
  patchSize: 4,
  stride: 4,
  embedDim: 24,
  depth: 2,
  stateDim: 4,
  convWidth: 4,
  dtRank: 2,
  classes: CLASSES,
  blockSelection: true,
  pruningLayers: [1],
  tokenKeep: [0.7],
  preprocessing: { resize: 18, crop: 16, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
};

const varied: Augmentation = {
  crop: { kind: 'resized', leastArea: 0.5 },
  flip: true,
  colourJitter: 0.2,
  erasing: 0.2,
  randAugment: { operations: 2, magnitude: 9 },
  mixup: 0.2,
  cutMix: 1,
  smoothing: 0.1,
};

/** What createTrainer is asked for; `change` replaces parts of its settings. */
function options(change: object = {}) {
  const { losses, optimiser, augmentation } = setupOf();
  const settings = {
    manifest: JSON.stringify(tiny),
    losses: { ...losses, tokenRatio: 2, blockRatio: 2, tokenKeep: [0.7], blockKeep: 0.8 },
    optimiser: { ...optimiser, averageDecay: 0.9, largestNorm: 5 },
    augmentation,
    ...change,
  };
  return { settings: JSON.stringify(settings), seed: 1, device: 'cpu', threads: 2 };
}

/** Pictures of different sizes: of class 0 with lines that lie, of class 1 with lines that stand. */
function linesOf(count: number, seed: number): (NativePicture & { label: number })[] {
  const random = seededRandom(seed);
  return Array.from({ length: count }, (_, index) => {
    const label = index % CLASSES;
    const width = 16 + random(12);
    const height = 16 + random(12);
    const pixels = new Uint8Array(width * height * 3);
    const shift = random(8);
    for (let y = 0; y < height; y++)
      for (let x = 0; x < width; x++) {
        const along = (label === 0 ? y : x) + shift;
        pixels.fill((along % 8 < 4 ? 40 : 180) + random(40), (y * width + x) * 3, (y * width + x + 1) * 3);
      }
    return { pixels, width, height, label };
  });
}

/** Takes the steps `from` to before `to`; their losses. */
async function learn(
  trainer: NativeTrainer,
  from: number,
  to: number,
  learningRate = 3e-3,
): Promise<number[]> {
  const losses: number[] = [];
  for (let seed = from; seed < to; seed++) {
    const step = await trainer.step(linesOf(16, 1000 + seed), { seed, learningRate });
    losses.push(step.losses.classification);
  }
  return losses;
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const refused = (code: string, message: RegExp) => (error: Error & { code?: string }) => {
  assert.match(error.message, message);
  return error.code === code;
};

suite('a training in the addon', () => {
  test('learns what tells pictures of any size apart, and says what it did', async () => {
    const trainer = await addon.createTrainer(options());
    const losses = await learn(trainer, 0, 80);
    assert.ok(mean(losses.slice(-10)) < 0.5 * mean(losses.slice(0, 10)), losses.join(' '));
    const pictures = linesOf(32, 5);
    const step = await trainer.step(pictures, { seed: 80, learningRate: 0 });
    assert.ok(step.accuracy > 0.9, String(step.accuracy));
    assert.ok(step.gradientNorm > 0 && step.tokensKept > 0 && step.tokensKept <= 1);
    assert.ok(step.directionsKept > 0 && step.directionsKept <= 1);
    const { total, classification, tokenRatio, blockRatio, distillClass, distillToken } = step.losses;
    assert.ok(Math.abs(classification + tokenRatio + blockRatio - total) < 1e-5 * total);
    assert.deepEqual([distillClass, distillToken], [0, 0]);
  });

  test('goes on from its file to the same bytes, whatever the threads', async (t) => {
    const folder = temporaryFolder(t);
    const file = (name: string) => join(folder, name);
    const whole = await addon.createTrainer(options({ augmentation: varied }));
    await learn(whole, 0, 3);
    await whole.saveState(file('half'));
    await learn(whole, 3, 6);
    await whole.saveState(file('whole'));
    await whole.saveWeights(file('averaged'), true);
    await whole.saveWeights(file('last'), false);

    const from = { state: file('half'), seed: 7, threads: 1 };
    const resumed = await addon.createTrainer({ ...options({ augmentation: varied }), ...from });
    await learn(resumed, 3, 6);
    await resumed.saveState(file('resumed'));
    await resumed.saveWeights(file('averaged-again'), true);
    assert.ok(readFileSync(file('resumed')).equals(readFileSync(file('whole'))));
    assert.ok(readFileSync(file('averaged-again')).equals(readFileSync(file('averaged'))));
    assert.ok(!readFileSync(file('averaged')).equals(readFileSync(file('last'))));
    assert.equal(expectedTensors(file('last'))('head.weight').length, CLASSES * tiny.embedDim);
    assert.deepEqual(
      readdirSync(folder).filter((name) => name.endsWith('.part')),
      [],
    );
  });

  test('starts from a package, with a head for other classes, and learns from a teacher', async (t) => {
    const folder = temporaryFolder(t);
    const parent = await readManifest(everyday10);
    const losses = { ...setupOf().losses, distillClass: 0.5, distillToken: 0.5, tokenKeep: parent.tokenKeep };
    const start = { ...options({ manifest: parent, losses }), parent: everyday10 };
    const same = await addon.createTrainer({ ...start, teacher: everyday10 });
    await same.saveWeights(join(folder, 'same'), false);
    const original = expectedTensors(everyday10);
    const kept = expectedTensors(join(folder, 'same'));
    for (const name of ['head.weight', 'layers.0.mixer.A_log', 'pos_embed'])
      assert.deepEqual(kept(name), original(name), name);
    const pictures = linesOf(4, 1);
    const taught = await same.step(pictures, { seed: 1, learningRate: 1e-4 });
    assert.ok(taught.losses.distillToken > 0 && taught.losses.distillClass > 0);

    const manifest = { ...parent, classes: CLASSES };
    const other = await addon.createTrainer({ ...start, ...options({ manifest, losses }) });
    await other.saveWeights(join(folder, 'other'), false);
    const taken = expectedTensors(join(folder, 'other'));
    assert.equal(taken('head.weight').length, CLASSES * parent.embedDim);
    assert.deepEqual(taken('norm_f.weight'), original('norm_f.weight'));
  });

  test('is as before when a step fails, and refuses in a sentence what it cannot do', async (t) => {
    const folder = temporaryFolder(t);
    const file = (name: string) => join(folder, name);
    const trainer = await addon.createTrainer(options());
    await trainer.saveState(file('before'));
    const pictures = linesOf(2, 1);
    const rate = { seed: 1, learningRate: 1e-3 };
    await assert.rejects(
      trainer.step([...pictures, { ...pictures[0], label: CLASSES } as NativeExample], rate),
      refused('BAD_ARGUMENT', /labels below 2, but one is 2/),
    );
    assert.throws(() => trainer.step([{ ...pictures[0], height: 999 } as NativeExample], rate), /bytes/);
    const running = trainer.step(pictures, { ...rate, learningRate: 0 });
    assert.throws(
      () => trainer.saveState(file('early')),
      refused('BAD_ARGUMENT', /one call of a training at a time/),
    );
    await running;
    await assert.rejects(
      trainer.saveState(join(folder, 'none', 'state')),
      refused('FILE_SYSTEM', /No such file/),
    );
    mkdirSync(file('taken'));
    await assert.rejects(trainer.saveWeights(file('taken'), true), refused('FILE_SYSTEM', /directory/));
    assert.deepEqual(readdirSync(folder).sort(), ['before', 'taken']);

    const wider = { manifest: { ...tiny, embedDim: 32 } };
    await assert.rejects(
      addon.createTrainer({ ...options(wider), state: file('before') }),
      refused('BAD_ARGUMENT', /belongs to another: its embedDim is 24 and not 32/),
    );
    await assert.rejects(
      addon.createTrainer(options({ optimiser: { weightDecay: -1, largestNorm: 0, averageDecay: 0 } })),
      refused('BAD_ARGUMENT', /optimiser\.weightDecay/),
    );
    await assert.rejects(
      addon.createTrainer({ ...options(), parent: file('nothing') }),
      refused('BAD_MODEL', /nothing/),
    );
  });

  test('whose loss is not finite says so and has changed nothing', async (t) => {
    const folder = temporaryFolder(t);
    const trainer = await addon.createTrainer(options({ optimiser: setupOf().optimiser }));
    const pictures = linesOf(4, 1);
    await trainer.step(pictures, { seed: 1, learningRate: 1e30 });
    await trainer.saveState(join(folder, 'before'));
    await assert.rejects(
      trainer.step(pictures, { seed: 2, learningRate: 1e-3 }),
      refused('DIVERGED', /Expected a finite loss/),
    );
    await trainer.saveState(join(folder, 'behind'));
    assert.ok(readFileSync(join(folder, 'behind')).equals(readFileSync(join(folder, 'before'))));
  });
});

suite('a head in the addon', () => {
  test('separates clusters, and its loss grows with the decay', async () => {
    const random = seededRandom(3);
    const centres = [
      [3, 0, 0],
      [0, 3, 0],
      [0, 0, 3],
    ];
    const labels = Int32Array.from({ length: 60 }, (_, index) => index % 3);
    const features = Float32Array.from(
      [...labels].flatMap((label) => (centres[label] ?? []).map((value) => value + random(1000) / 1000)),
    );
    const settings = { classes: 3, smoothing: 0, decay: 1e-3, compare: false, device: 'cpu', threads: 1 };
    const { weight, bias, loss, iterations } = await addon.solveHead(features, labels, settings);
    assert.deepEqual([weight.length, bias.length], [9, 3]);
    assert.ok(iterations > 0 && loss < 0.1, String(loss));
    const score = (example: number, label: number) =>
      [0, 1, 2].reduce(
        (sum, d) => sum + (weight[label * 3 + d] ?? NaN) * (features[example * 3 + d] ?? NaN),
        bias[label] ?? NaN,
      );
    labels.forEach((label, example) => {
      const scores = [0, 1, 2].map((other) => score(example, other));
      assert.equal(scores.indexOf(Math.max(...scores)), label);
    });
    assert.ok((await addon.solveHead(features, labels, { ...settings, decay: 0.1 })).loss > loss);
    const broken = addon.solveHead(
      features.map(() => NaN),
      labels,
      settings,
    );
    await assert.rejects(broken, refused('BAD_ARGUMENT', /finite/));
    assert.throws(() => addon.solveHead(features, labels.subarray(1), settings), /as many features/);

    const compared = await addon.solveHead(features, labels, { ...settings, compare: true });
    const { kind, folds, trials } = compared.choice ?? assert.fail('nothing was compared');
    assert.deepEqual([folds, trials.map((trial) => trial.kind)], [5, [...HEAD_KINDS]]);
    const best = trials.toSorted((a, b) => b.accuracy - a.accuracy || a.loss - b.loss)[0];
    assert.equal(kind, best?.kind);
    assert.deepEqual([compared.weight.length, compared.bias.length], [9, 3]);
    const lone = addon.solveHead(
      features,
      labels.map(() => 1),
      { ...settings, compare: true },
    );
    await assert.rejects(lone, refused('BAD_ARGUMENT', /two classes with two examples/));
  });

  test('on the features of a model gives its logits', async () => {
    const { depth, classes, embedDim, preprocessing } = await readManifest(everyday10);
    const load = { device: 'cpu', threads: 1, precision: 'fp32' } as const;
    const model = await addon.loadModel(everyday10, load);
    const extractor = await addon.loadModel(everyday10, { ...load, features: true });
    assert.ok('crop' in preprocessing);
    const random = seededRandom(4);
    const pixels = Uint8Array.from({ length: 2 * preprocessing.crop ** 2 * 3 }, () => random(256));
    const { logits, directions } = await model.predict(pixels, 2, dial);
    const found = await extractor.predict(pixels, 2, dial);
    assert.deepEqual(found.directions, directions);
    assert.equal(directions.length, 2 * depth);
    assert.equal(found.logits.length, 2 * embedDim);
    const tensor = expectedTensors(everyday10);
    const [weight, bias] = [tensor('head.weight'), tensor('head.bias')];
    logits.forEach((logit, index) => {
      const [picture, label] = [Math.floor(index / classes), index % classes];
      let sum = bias[label] ?? NaN;
      for (let d = 0; d < embedDim; d++)
        sum += (weight[label * embedDim + d] ?? NaN) * (found.logits[picture * embedDim + d] ?? NaN);
      assert.ok(Math.abs(sum - logit) < 1e-3, `${sum} and ${logit}`);
    });
  });
});
