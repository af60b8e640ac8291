import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { connectTrainer } from '../../../../electron/engine/hosts/trainer-client.ts';
import type { StepRequest, TrainerApi, TrainerSetup } from '../../../../electron/shared/trainer-api.ts';
import { everyday10, everydayLabels } from '../../support/models.ts';
import { drawFolder } from '../../support/pictures.ts';
import { smallDisk } from '../../support/small-disk.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { TrainerDouble } from '../../support/trainer-double.ts';
import { setupOf } from '../../support/training-setup.ts';
import { fails } from '../../core/app-error.ts';
import { everydayDial as dial } from '../../support/engine-client.ts';

/** A whole manifest of a small model. */
const manifest = {
  format: 1,
  name: 'small',
  task: 'classification',
  architecture: 'vim',
  imageSize: 16,
  patchSize: 4,
  stride: 4,
  embedDim: 8,
  depth: 2,
  stateDim: 2,
  convWidth: 4,
  dtRank: 1,
  classes: 2,
  blockSelection: true,
  pruningLayers: [1],
  tokenKeep: [0.7],
  labels: [{ name: 'one' }, { name: 'two' }],
  preprocessing: { resize: 18, crop: 16, mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25] },
  provenance: { file: 'none', sha256: '0'.repeat(64), weights: 'model' },
  licence: 'none',
  dataSha256: '0'.repeat(64),
};

function setup(change: Partial<TrainerSetup> = {}): TrainerSetup {
  const { losses, optimiser, ...rest } = setupOf();
  return {
    ...rest,
    manifest: JSON.stringify(manifest),
    losses: { ...losses, tokenKeep: [0.7], blockKeep: 0.8 },
    optimiser: { ...optimiser, averageDecay: 0.9 },
    ...change,
  };
}

function stepOn(paths: readonly string[], learningRate = 1e-3, seed = 1): StepRequest {
  return { examples: paths.map((path, index) => ({ path, classIndex: index % 2 })), learningRate, seed };
}

const trainers: [string, () => TrainerApi][] = [
  ['the training host', () => connectTrainer()],
  ['its stand-in in tests', () => new TrainerDouble()],
];

for (const [name, make] of trainers) {
  const opened = async (t: TestContext) => {
    const trainer = make();
    t.after(() => trainer.close());
    const folder = temporaryFolder(t);
    await drawFolder(folder, 4);
    const paths = readdirSync(folder).map((file) => join(folder, file));
    const bad = join(folder, 'bad.jpg');
    writeFileSync(bad, 'no picture');
    await trainer.open(setup());
    return { trainer, folder, paths, bad, gone: join(folder, 'gone.jpg') };
  };

  suite(`what core relies on, asked of ${name}`, () => {
    test('pictures are told by what is in them, or why they cannot be read', async (t) => {
      const { trainer, paths, bad, gone } = await opened(t);
      const [first = ''] = paths;
      const found = await trainer.inspect([first, bad, gone], { resize: 18, keep: false });
      assert.deepEqual(
        found.map((one) => 'error' in one),
        [false, true, true],
      );
    });

    test('a state goes on to the same state, and is written whole', async (t) => {
      const { trainer, folder, paths } = await opened(t);
      const [half, whole, again] = ['half', 'whole', 'again'].map((file) => join(folder, file));
      assert.ok(half !== undefined && whole !== undefined && again !== undefined);
      await trainer.step(stepOn(paths));
      await trainer.saveState(half);
      await trainer.step(stepOn(paths, 1e-3, 2));
      await trainer.saveState(whole);
      await trainer.open(setup({ state: half }));
      await trainer.step(stepOn(paths, 1e-3, 2));
      await trainer.saveState(again);
      assert.ok(readFileSync(again).equals(readFileSync(whole)));
      assert.ok(!readFileSync(again).equals(readFileSync(half)));
    });

    test('a picture that is gone is BAD_IMAGE, and nothing has changed', async (t) => {
      const { trainer, folder, paths, gone } = await opened(t);
      await trainer.saveState(join(folder, 'before'));
      await fails(trainer.step(stepOn([...paths, gone])), 'BAD_IMAGE');
      await trainer.saveState(join(folder, 'behind'));
      assert.ok(readFileSync(join(folder, 'behind')).equals(readFileSync(join(folder, 'before'))));
    });

    test('a loss that is not finite is DIVERGED, and nothing has changed', async (t) => {
      const { trainer, folder, paths } = await opened(t);
      await trainer.step(stepOn(paths, 1e30));
      await trainer.saveState(join(folder, 'before'));
      await fails(trainer.step(stepOn(paths)), 'DIVERGED');
      await trainer.saveState(join(folder, 'behind'));
      assert.ok(readFileSync(join(folder, 'behind')).equals(readFileSync(join(folder, 'before'))));
    });

    test('a place that is not there is FILE_SYSTEM', async (t) => {
      const { trainer, folder } = await opened(t);
      const nowhere = join(folder, 'no such folder', 'state');
      await fails(trainer.saveState(nowhere), 'FILE_SYSTEM');
      await fails(trainer.saveWeights(nowhere, { averaged: true }), 'FILE_SYSTEM');
      await trainer.saveState(join(folder, 'state'));
    });

    test('a disk that is full is DISK_FULL: the file that was there stays, and the training goes on', async (t) => {
      const disk = smallDisk(t, 2 ** 20);
      if (disk === undefined) return;
      const { trainer, paths } = await opened(t);
      const path = join(disk.path, 'state');
      await trainer.saveState(path);
      const before = readFileSync(path);
      await trainer.step(stepOn(paths));
      disk.fill();
      await fails(trainer.saveState(path), 'DISK_FULL');
      await fails(trainer.saveWeights(join(disk.path, 'weights'), { averaged: true }), 'DISK_FULL');
      assert.ok(readFileSync(path).equals(before));
      assert.deepEqual(readdirSync(disk.path).sort(), ['filler', 'state']);
      disk.empty();
      await trainer.saveState(path);
      assert.ok(!readFileSync(path).equals(before));
    });

    test('what is no state, and no package, is refused by its code', async (t) => {
      const { trainer, folder, paths, bad } = await opened(t);
      await fails(trainer.predict(join(folder, 'nothing.safetensors'), paths, dial), 'BAD_MODEL');
      await fails(trainer.open(setup({ state: join(folder, 'nothing') })), 'BAD_ARGUMENT');
      await fails(trainer.open(setup({ state: bad })), 'BAD_ARGUMENT');
      await fails(trainer.step(stepOn(paths)), 'ENGINE'); // none is open
      await fails(trainer.saveState(join(folder, 'state')), 'ENGINE');
      assert.ok(!existsSync(join(folder, 'state')));
    });

    test('a package predicts what can be read and says why of the rest', async (t) => {
      const trainer = make();
      t.after(() => trainer.close());
      const folder = join(temporaryFolder(t), everydayLabels[0] ?? '');
      await drawFolder(folder, 2);
      const paths = ['000.jpg', 'gone.jpg', '001.jpg'].map((file) => join(folder, file));
      const outcomes = await trainer.predict(everyday10, paths, dial);
      assert.deepEqual(
        outcomes.map((one) => ('error' in one ? 'error' : one.probabilities.length)),
        [10, 'error', 10],
      );
    });
  });
}
