import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { NativeAddon, NativeModel, NativeSize } from '../../../../electron/engine/addon.ts';
import { BatchEngine } from '../../../../electron/engine/predict/batch-engine.ts';
import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import type { ImageDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import type { ModelInput } from '../../../../electron/shared/engine-api.ts';
import { NATIVE_ERROR_CODES } from '../../../../electron/shared/errors.ts';
import { draw, drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

interface Asked {
  pixels: Uint8Array;
  size: NativeSize;
  options: object;
}

/** An addon that finds the same in every picture and notes what it is asked. */
class FakeAddon implements NativeAddon {
  readonly asked: Asked[] = [];
  readonly resized: { source: NativeSize; filter: string }[] = [];
  loaded: { inputSize?: number | undefined } = {};
  /** Called while a picture is predicted. */
  meanwhile: () => Promise<void> = () => Promise.resolve();

  readonly errorCodes = NATIVE_ERROR_CODES;
  devices = () => [];
  resizeAndCrop = () => Promise.reject(new Error('No classifier is open'));
  createTrainer = () => Promise.reject(new Error('Nothing is taught'));
  solveHead = () => Promise.reject(new Error('Nothing is taught'));

  loadModel: NativeAddon['loadModel'] = (_, options) => {
    this.loaded = options;
    const receipt = { directions: Uint8Array.of(3, 1), survived: Uint8Array.of(1, 0), milliseconds: 7 };
    const note = async (pixels: Uint8Array, size: NativeSize, options: object) => {
      this.asked.push({ pixels, size, options });
      await this.meanwhile();
    };
    const model: NativeModel = {
      predict: () => Promise.reject(new Error('No classifier is open')),
      attend: () => Promise.reject(new Error('No classifier is open')),
      segment: async (...asked) => {
        await note(...asked);
        const regions = [
          { classIndex: 4, area: 75, counts: 'a' },
          { classIndex: 1, area: 25, counts: 'b' },
        ];
        return { ...receipt, regions };
      },
      detect: async (...asked) => {
        await note(...asked);
        const detections = [
          { classIndex: 2, score: 0.9, box: Float32Array.of(1, 2, 5, 9), area: 20, counts: 'c' },
          { classIndex: 2, score: 0.4, box: Float32Array.of(0, 0, 1, 1), area: 1, counts: 'd' },
          { classIndex: 0, score: 0.3, box: Float32Array.of(0, 0, 2, 1), area: 2, counts: 'e' },
        ];
        return { ...receipt, detections };
      },
      cancel: () => undefined,
    };
    return Promise.resolve(model);
  };

  resize: NativeAddon['resize'] = (source, size, target, targetSize, filter) => {
    this.resized.push({ source: size, filter });
    assert.equal(source.length, size.width * size.height * 3);
    assert.equal(target.length, targetSize.width * targetSize.height * 3);
    target.fill(source[0] ?? 0);
    return Promise.resolve();
  };
}

const segmentation: ModelInput = { task: 'segmentation', size: 64 };
const detection: ModelInput = { task: 'detection', size: 64 };
const dial = {
  tokenKeep: [1],
  blockThreshold: 0.5,
  slideStride: 40,
  detection: { minScore: 0.1, nmsIou: 0.6, maxDetections: 7 },
};

/** An engine over the fake, and the paths of `count` drawn pictures of 48 x 40 pixels. */
async function opened(t: TestContext, input: ModelInput, count = 1, threads = 1, decoder = prepareDecoder()) {
  const folder = temporaryFolder(t);
  await drawFolder(folder, count);
  const addon = new FakeAddon();
  const engine = new BatchEngine(addon, decoder);
  await engine.open({ packagePath: 'model', device: 'cpu', threads, precision: 'fp32', input });
  const paths = Array.from({ length: count }, (_, index) =>
    join(folder, `${String(index).padStart(3, '0')}.jpg`),
  );
  return { addon, engine, folder, paths };
}

suite('a picture for a segmentation model', () => {
  test('has the size as its shorter side, by samples, and comes back as shares of its area', async (t) => {
    const { addon, engine, folder } = await opened(t, segmentation);
    const path = join(folder, 'wide.png');
    writeFileSync(path, await draw(20, 5).png().toBuffer());
    const [outcome] = await engine.predict([path], dial);
    assert.equal(addon.loaded.inputSize, 64);
    assert.deepEqual(addon.resized, [{ source: { width: 20, height: 5 }, filter: 'sampled' }]);
    const [asked] = addon.asked;
    assert.deepEqual(asked?.size, { width: 256, height: 64 });
    const target = { width: 20, height: 5 };
    assert.deepEqual(asked.options, { tokenKeep: [1], blockThreshold: 0.5, slideStride: 40, target });
    assert.ok(outcome?.status === 'ok');
    assert.deepEqual(outcome.top, [
      { classIndex: 4, confidence: 0.75 },
      { classIndex: 1, confidence: 0.25 },
    ]);
    assert.deepEqual(outcome.regions, [
      { classIndex: 4, mask: { area: 75, counts: 'a' } },
      { classIndex: 1, mask: { area: 25, counts: 'b' } },
    ]);
    const receipt = { directions: Uint8Array.of(3, 1), survived: Uint8Array.of(1, 0), milliseconds: 7 };
    assert.deepEqual(outcome.receipt, receipt);
  });

  test('is decoded whole, however large it is', async (t) => {
    const { addon, engine, folder } = await opened(t, segmentation);
    const path = join(folder, 'large.jpg');
    writeFileSync(path, await draw(2400, 2400).jpeg().toBuffer());
    await engine.predict([path], dial);
    assert.deepEqual(addon.resized[0]?.source, { width: 2400, height: 2400 });
  });
});

suite('a picture for a detection model', () => {
  test('has the size as its longer side, smoothed, and comes back as boxes upright', async (t) => {
    const { addon, engine, folder } = await opened(t, detection);
    const path = join(folder, 'turned.jpg');
    writeFileSync(path, await draw(48, 40).jpeg().withMetadata({ orientation: 6 }).toBuffer());
    const [outcome] = await engine.predict([path], dial);
    assert.deepEqual(addon.resized, [{ source: { width: 40, height: 48 }, filter: 'smooth' }]);
    const [asked] = addon.asked;
    assert.deepEqual(asked?.size, { width: 53, height: 64 });
    const settings = { minScore: 0.1, nmsIou: 0.6, maxDetections: 7 };
    const target = { width: 40, height: 48 };
    assert.deepEqual(asked.options, { tokenKeep: [1], blockThreshold: 0.5, ...settings, target });
    assert.ok(outcome?.status === 'ok');
    assert.deepEqual(outcome.facts.height, 48);
    assert.deepEqual(outcome.top, [
      { classIndex: 2, confidence: 0.9 },
      { classIndex: 0, confidence: 0.3 },
    ]);
    assert.deepEqual(outcome.detections?.[0], {
      classIndex: 2,
      score: 0.9,
      box: { x: 1, y: 2, width: 4, height: 7 },
      mask: { area: 20, counts: 'c' },
    });
  });

  test('may be shrunk while it is decoded, not below what the model needs', async (t) => {
    const { addon, engine, folder } = await opened(t, detection);
    const path = join(folder, 'large.jpg');
    writeFileSync(path, await draw(2400, 2400).jpeg().toBuffer());
    await engine.predict([path], dial);
    const { width = 0 } = addon.resized[0]?.source ?? {};
    assert.ok(width >= 2.75 * 64 && width < 2400, String(width));
    assert.deepEqual(addon.asked[0]?.size, { width: 64, height: 64 });
  });
});

suite('a batch of a dense model', () => {
  test('comes back in its order, with failures in their places', async (t) => {
    const { engine, folder, paths } = await opened(t, detection, 3);
    writeFileSync(join(folder, 'bad.jpg'), 'no picture');
    const outcomes = await engine.predict([paths[0] ?? '', join(folder, 'bad.jpg'), paths[1] ?? ''], dial);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['ok', 'failed', 'ok'],
    );
  });

  test('is decoded ahead of the model, but not by more pictures than threads', async (t) => {
    const real = prepareDecoder();
    let decoded = 0;
    const decoder: ImageDecoder = {
      ...real,
      decode: (...picture) => {
        decoded++;
        return real.decode(...picture);
      },
    };
    const { addon, engine, paths } = await opened(t, segmentation, 12, 2, decoder);
    const ahead: number[] = [];
    addon.meanwhile = async () => {
      const wanted = Math.min(12, addon.asked.length + 2);
      while (decoded < wanted) await turn();
      for (let waited = 0; waited < 20; waited++) await turn(); // others would be decoded now
      ahead.push(decoded - addon.asked.length);
    };
    await Promise.all([engine.predict(paths.slice(0, 6), dial), engine.predict(paths.slice(6), dial)]);
    assert.deepEqual(ahead, [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 0]);
  });

  test('fails whole when the engine does, after the picture that is under way', async (t) => {
    const { addon, engine, paths } = await opened(t, segmentation, 3);
    let underWay = 0;
    addon.meanwhile = async () => {
      underWay++;
      await turn();
      underWay--;
      if (addon.asked.length === 2) throw new Error('no memory is left');
    };
    await assert.rejects(engine.predict(paths, dial), /no memory is left/);
    assert.equal(underWay, 0);
  });
});
