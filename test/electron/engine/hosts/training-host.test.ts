import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import type { ImageDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import { lookOf } from '../../../../electron/engine/pictures/inspect-picture.ts';
import type { Shrink } from '../../../../electron/engine/pictures/kept-pictures.ts';
import { PictureTrainer } from '../../../../electron/engine/predict/picture-trainer.ts';
import type { TrainerSetup } from '../../../../electron/shared/trainer-api.ts';
import { everyday10 } from '../../support/models.ts';
import { draw, drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { TrainingAddon } from '../../support/training-addon.ts';
import { setupOf } from '../../support/training-setup.ts';

const dial = { tokenKeep: [1, 1, 1], blockThreshold: 0.5 };

/** A decoder that counts, and that waits before it decodes a picture of `slow` pixels' width. */
function countingDecoder(slow = 0): { decoder: ImageDecoder; decoded: { pictures: number } } {
  const real = prepareDecoder();
  const decoded = { pictures: 0 };
  const decode: ImageDecoder['decode'] = async (bytes, header, resize) => {
    if (header.width === slow) await wait(100);
    decoded.pictures++;
    return real.decode(bytes, header, resize);
  };
  return { decoder: { ...real, decode }, decoded };
}

interface Options {
  memory?: number;
  slow?: number; // width of pictures that take long to decode
  setup?: Partial<TrainerSetup>;
}

/** A trainer with a training open over an addon that learns nothing, and `count` drawn pictures of 48 x 40 pixels. */
async function opened(t: TestContext, count: number, { memory, slow, setup }: Options = {}) {
  const folder = temporaryFolder(t);
  await drawFolder(folder, count);
  const addon = new TrainingAddon();
  const { decoder, decoded } = countingDecoder(slow);
  const trainer = new PictureTrainer(addon, decoder, memory);
  await trainer.open({ ...setupOf(), ...setup });
  const paths = Array.from({ length: count }, (_, index) =>
    join(folder, `${String(index).padStart(3, '0')}.jpg`),
  );
  return { addon, trainer, folder, paths, decoded };
}

const examplesOf = (paths: readonly string[]) => paths.map((path, classIndex) => ({ path, classIndex }));
const stepOf = (paths: readonly string[], seed = 1) => ({
  examples: examplesOf(paths),
  learningRate: 0.01,
  seed,
});

suite('a picture that is looked at', () => {
  test('tells its size, its content and its dHash, or why it cannot', async (t) => {
    const { trainer, folder, paths } = await opened(t, 1);
    const [path = ''] = paths;
    writeFileSync(join(folder, 'text.jpg'), 'a text');
    const files = [path, join(folder, 'text.jpg'), join(folder, 'gone.jpg')];
    const found = await trainer.inspect(files, { resize: 32, keep: false });
    const sha256 = createHash('sha256').update(readFileSync(path)).digest('hex');
    assert.deepEqual(found[0], { width: 48, height: 40, dHash: '0000000000000000', sha256 });
    assert.match(errorOf(found[1]), /^the file holds no picture/);
    assert.match(errorOf(found[2]), /does not exist/);
  });

  test('looks like its own copies, and not like others', async () => {
    const addon = loadAddon();
    const shrink: Shrink = async (picture, size) => {
      const pixels = new Uint8Array(size.width * size.height * 3);
      await addon.resize(picture.pixels, picture, pixels, size, 'smooth');
      return { ...size, pixels };
    };
    const decoder = prepareDecoder();
    const look = async (bytes: Buffer) =>
      lookOf(await decoder.decode(bytes, await decoder.readHeader(bytes), 256), shrink);
    const original = await look(await draw(200, 160, 1).png().toBuffer());
    const copies = [
      await draw(200, 160, 1).jpeg({ quality: 40 }).toBuffer(),
      await draw(200, 160, 1).resize(90, 72).webp().toBuffer(),
    ];
    for (const copy of copies) assert.ok(differingBits(original, await look(copy)) <= 4);
    const other = await look(await draw(200, 160, 3).png().toBuffer());
    assert.ok(differingBits(original, other) > 10);
  });
});

suite('a step', () => {
  test('gets its pictures, labels and settings', async (t) => {
    const setup = { threads: 3, seed: 9, state: '/state' };
    const { addon, trainer, paths } = await opened(t, 2, { setup });
    const report = await trainer.step(stepOf(paths, 7));
    assert.equal(report.losses.total, 2);
    const { manifest, losses, optimiser, augmentation } = setupOf();
    assert.deepEqual(addon.created, [
      {
        parent: undefined,
        teacher: undefined,
        device: 'cpu',
        ...setup,
        settings: JSON.stringify({ manifest, losses, optimiser, augmentation }),
      },
    ]);
    const [step] = addon.steps;
    assert.deepEqual([step?.labels, step?.seed, step?.learningRate], [[0, 1], 7, 0.01]);
    assert.deepEqual(
      step?.pictures.map(({ width, height, pixels }) => [width, height, pixels.length]),
      [
        [48, 40, 48 * 40 * 3],
        [48, 40, 48 * 40 * 3],
      ],
    );
  });

  test('is decoded while another is computed', async (t) => {
    const { addon, trainer, paths, decoded } = await opened(t, 4);
    let before = 0;
    addon.meanwhile = async ({ seed }) => {
      if (seed !== 1) return;
      before = decoded.pictures;
      while (decoded.pictures < 4) await wait(5);
    };
    const steps = [stepOf(paths.slice(0, 2), 1), stepOf(paths.slice(2), 2)];
    await Promise.all(steps.map((step) => trainer.step(step)));
    assert.ok(before >= 2);
    assert.equal(decoded.pictures, 4);
  });

  test('comes in the order of asking, also when its pictures are there before', async (t) => {
    const { addon, trainer, folder, paths } = await opened(t, 2, { slow: 50 });
    const slow = join(folder, 'slow.png');
    writeFileSync(slow, await draw(50, 40).png().toBuffer());
    let computing = 0;
    addon.meanwhile = async () => {
      assert.equal(++computing, 1, 'one step at a time');
      await wait(5);
      computing--;
    };
    const steps = [stepOf([slow], 1), stepOf(paths, 2), stepOf(paths, 3)];
    await Promise.all([...steps.map((step) => trainer.step(step)), trainer.saveState('/state')]);
    assert.deepEqual(
      addon.steps.map(({ seed }) => seed),
      [1, 2, 3],
    );
  });

  test('names the picture that cannot be read any more, and the next goes on', async (t) => {
    const { addon, trainer, paths } = await opened(t, 3);
    await trainer.step(stepOf(paths));
    const [first = '', second = '', third = ''] = paths;
    rmSync(second);
    const [failed, next] = await Promise.allSettled([
      trainer.step(stepOf([first, second], 2)),
      trainer.step(stepOf([third], 3)),
    ]);
    assert.equal(failed.status, 'rejected');
    const { code, message } = failed.reason as { code: string; message: string };
    assert.equal(code, 'BAD_IMAGE');
    assert.equal(message, `${second} cannot be read any more: the file does not exist any more`);
    assert.equal(next.status, 'fulfilled');
    assert.deepEqual(
      addon.steps.map(({ seed }) => seed),
      [1, 3],
    );
  });

  test('needs an open training', async () => {
    const trainer = new PictureTrainer(new TrainingAddon(), prepareDecoder());
    const failure = { code: 'ENGINE', message: 'No training is open in the training host' };
    await assert.rejects(trainer.step(stepOf(['/some.jpg'])), failure);
    await assert.rejects(trainer.saveState('/state'), failure);
    await assert.rejects(trainer.saveWeights('/weights', { averaged: true }), failure);
  });
});

suite('decoded pictures', () => {
  test('stay in memory', async (t) => {
    const { addon, trainer, paths, decoded } = await opened(t, 3);
    for (let step = 0; step < 3; step++) await trainer.step(stepOf(paths, step));
    assert.equal(decoded.pictures, 3);
    assert.deepEqual(addon.steps[2]?.pictures, addon.steps[0]?.pictures);
  });

  test('stay there from looking at them, where they are to be kept', async (t) => {
    const { addon, trainer, paths, decoded } = await opened(t, 3);
    const [first = ''] = paths;
    await trainer.inspect(paths, { resize: 32, keep: false });
    await trainer.step(stepOf(paths));
    assert.equal(decoded.pictures, 6);
    await trainer.inspect([first], { resize: 64, keep: false }); // of another set: these stay
    await trainer.step(stepOf(paths));
    assert.equal(decoded.pictures, 7);

    const other = await opened(t, 3);
    await other.trainer.inspect(other.paths, { resize: 32, keep: true });
    await other.trainer.step(stepOf(other.paths));
    assert.equal(other.decoded.pictures, 3);
    assert.deepEqual(other.addon.steps[0]?.pictures, addon.steps[0]?.pictures);
  });

  test('of which only some have room when they are looked at are the same as the others', async (t) => {
    const { addon, trainer, folder, decoded } = await opened(t, 0, { memory: 58 * 48 * 3 });
    const paths = ['one.png', 'two.png'].map((name) => join(folder, name));
    for (const path of paths) writeFileSync(path, await draw(480, 400).png().toBuffer());
    await trainer.inspect(paths, { resize: 32, keep: true });
    await trainer.step(stepOf(paths));
    assert.equal(decoded.pictures, 3);
    const [one, two] = addon.steps[0]?.pictures ?? [];
    assert.deepEqual([one?.width, one?.height], [58, 48]);
    assert.deepEqual(one, two);
  });

  test('beyond the memory for them are decoded each time, to the same pixels', async (t) => {
    const { addon, trainer, paths, decoded } = await opened(t, 5, { memory: 2.5 * 48 * 40 * 3 });
    for (let step = 0; step < 3; step++) await trainer.step(stepOf(paths, step));
    assert.equal(decoded.pictures, 5 + 3 + 3);
    assert.deepEqual(addon.steps[2]?.pictures, addon.steps[0]?.pictures);
  });

  test('are no larger than crops of them can use', async (t) => {
    const { addon, trainer, folder } = await opened(t, 0);
    writeFileSync(join(folder, 'wide.png'), await draw(480, 400).png().toBuffer());
    writeFileSync(join(folder, 'tall.png'), await draw(49, 470).png().toBuffer());
    await trainer.step(stepOf([join(folder, 'wide.png'), join(folder, 'tall.png')]));
    const sizes = addon.steps[0]?.pictures.map(({ width, height }) => [width, height]);
    assert.deepEqual(sizes, [
      [58, 48],
      [48, 460],
    ]); // 1.5 times 32 pixels
  });

  test('are read again when their file has changed', async (t) => {
    const { addon, trainer, paths, decoded } = await opened(t, 2);
    const [first = '', second = ''] = paths;
    await trainer.step(stepOf([first]));
    copyFileSync(second, first);
    utimesSync(first, 1000, 1000);
    await trainer.step(stepOf([first, second]));
    assert.equal(decoded.pictures, 3);
    const [changed, other] = addon.steps[1]?.pictures ?? [];
    assert.deepEqual(changed, other);
    assert.notDeepEqual(changed, addon.steps[0]?.pictures[0]);
  });
});

suite('a package', () => {
  test('predicts without an open training, stays loaded, and says why there is nothing', async (t) => {
    const { paths } = await opened(t, 70);
    const addon = new TrainingAddon();
    const trainer = new PictureTrainer(addon, prepareDecoder());
    const outcomes = await trainer.predict(everyday10, [...paths, '/gone.jpg'], dial);
    await trainer.predict(everyday10, paths.slice(0, 1), dial);
    assert.deepEqual(addon.loaded, [{ path: everyday10, features: false }]);
    assert.deepEqual(addon.predicted, [32, 32, 6, 1]);
    assert.equal(errorOf(outcomes[70]), 'the file does not exist any more');
    for (const outcome of outcomes.slice(0, 70)) {
      assert.ok(!('error' in outcome));
      const { probabilities, top, blockKeep } = outcome;
      assert.equal(probabilities.length, 3);
      assert.ok(Math.abs(probabilities.reduce((sum, one) => sum + one, 0) - 1) < 1e-6);
      assert.deepEqual([top[0]?.classIndex, top.length, blockKeep], [2, 3, 0.75]);
    }
  });

  test('gives features in the order of the pictures, whichever is decoded first', async (t) => {
    const { addon, trainer, folder, paths } = await opened(t, 3, { slow: 50 });
    const slow = join(folder, 'slow.png');
    writeFileSync(slow, await draw(50, 40, 2).png().toBuffer());
    const examples = [{ path: slow, classIndex: 5 }, ...examplesOf(paths), { path: '/gone', classIndex: 6 }];
    const [failed, more] = await Promise.all([
      trainer.addFeatures(everyday10, examples, dial),
      trainer.addFeatures(everyday10, [{ path: paths[0] ?? '', classIndex: 8 }], dial),
    ]);
    assert.deepEqual([failed, more], [[{ index: 4, error: 'the file does not exist any more' }], []]);
    const options = { classes: 9, smoothing: 0.1, decay: 0.01, compare: true };
    assert.equal((await trainer.solveHead(options)).choice?.kind, 'cosine');
    const { features = [], labels, options: given } = addon.solved ?? {};
    assert.deepEqual(labels, [5, 0, 1, 2, 8]);
    assert.equal(features.length, 5 * 3);
    assert.equal(features[4 * 3], features[3]); // of the same picture
    assert.notEqual(features[0], features[3]);
    assert.deepEqual(given, { ...options, device: 'cpu', threads: 1 });
    assert.equal((await trainer.solveHead({ ...options, compare: false })).choice, undefined);
    assert.deepEqual(addon.solved?.labels, [], 'features are forgotten');
  });
});

function errorOf(outcome: object | undefined): string {
  assert.ok(outcome !== undefined && 'error' in outcome && typeof outcome.error === 'string');
  return outcome.error;
}

function differingBits(one: string, other: string): number {
  const bits = (BigInt(`0x${one}`) ^ BigInt(`0x${other}`)).toString(2);
  return bits.replaceAll('0', '').length;
}
