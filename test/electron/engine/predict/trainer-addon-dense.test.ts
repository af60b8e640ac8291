import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { writeModel } from '../../../../electron/core/packages/write-model.ts';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import type { NativeStep } from '../../../../electron/engine/addon.ts';
import { encodeRuns, fromBitmap } from '../../../../electron/shared/mask.ts';
import type { DetectionManifest, SegmentationManifest } from '../../../../electron/shared/model-package.ts';
import type { Augmentation, LossSettings } from '../../../../electron/shared/training.ts';
import { detectorManifest, segmenterManifest } from '../../support/found.ts';
import { everyday10 } from '../../support/models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { setupOf } from '../../support/training-setup.ts';

const addon = loadAddon();

function options(
  manifest: DetectionManifest | SegmentationManifest,
  change: { losses: LossSettings; augmentation: Augmentation },
) {
  const { optimiser } = setupOf();
  const settings = {
    manifest: JSON.stringify(manifest),
    optimiser: { ...optimiser, averageDecay: 0.9, largestNorm: 5 },
    ...change,
  };
  return { settings: JSON.stringify(settings), seed: 1, device: 'cpu', threads: 2 };
}

const refused = (code: string, message: RegExp) => (error: Error & { code?: string }) => {
  assert.match(error.message, message);
  return error.code === code;
};

suite('a training of a dense model in the addon', () => {
  test('learns a segmentation from masks on the backbone of a classifier, which then draws it', async (t) => {
    const folder = temporaryFolder(t);
    const labels = [{ name: 'dark' }, { name: 'bright' }];
    const manifest: SegmentationManifest = {
      ...(await segmenterManifest(labels)),
      head: { kind: 'convolutions', width: 16, slideStride: 32 },
    };
    const losses = { ...setupOf().losses, tokenKeep: manifest.tokenKeep };
    const crop = { kind: 'window' as const, leastScale: 0.8, largestScale: 1.25 };
    const augmentation = { ...setupOf().augmentation, crop, flip: true };
    const trainer = await addon.createTrainer({
      ...options(manifest, { losses, augmentation }),
      parent: everyday10,
    });
    // The left third is bright.
    const [width, height, border] = [48, 40, 16];
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) =>
      Math.floor(at / 3) % width < border ? 220 : 30,
    );
    const isBright = (x: number) => Number(x < border);
    const countsOf = (classIndex: number) =>
      encodeRuns(
        fromBitmap(
          Uint8Array.from({ length: width * height }, (_, at) => Number(isBright(at % width) === classIndex)),
          width,
          height,
        ),
      );
    const objects = [0, 1].map((label) => ({ label, counts: countsOf(label) }));
    const example = { pixels, width, height, marked: { width, height, objects } };
    let accuracy = 0;
    for (let seed = 0; seed < 30; seed++)
      accuracy = (await trainer.step([example, example], { seed, learningRate: 3e-3 })).accuracy;
    assert.ok(accuracy > 0.95, String(accuracy));
    await assert.rejects(
      trainer.step([{ ...example, marked: { width, height: 41, objects } }], { seed: 1, learningRate: 1e-3 }),
      refused('BAD_ARGUMENT', /another size/),
    );
    await trainer.saveWeights(join(folder, 'weights'), false);
    const path = join(folder, 'bright.safetensors');
    await writeModel(path, join(folder, 'weights'), manifest);
    const model = await addon.loadModel(path, {
      device: 'cpu',
      threads: 2,
      precision: 'fp32',
      inputSize: 32,
    });
    const target = { width, height };
    const { regions } = await model.segment(pixels, target, {
      tokenKeep: manifest.tokenKeep,
      blockThreshold: 0.5,
      slideStride: 32,
      target,
    });
    const bright = regions.find(({ classIndex }) => classIndex === 1);
    assert.ok(Math.abs((bright?.area ?? 0) - border * height) < 0.1 * border * height, String(bright?.area));
  });

  test('learns a detection from boxes and masks on the backbone of a classifier, which then finds it', async (t) => {
    const folder = temporaryFolder(t);
    const manifest: DetectionManifest = {
      ...(await detectorManifest([{ name: 'dark' }, { name: 'bright' }])),
      imageSize: 32,
      head: { kind: 'one-stage', width: 16, layers: 1, prototypes: 4 },
    };
    const losses = { ...setupOf().losses, tokenKeep: manifest.tokenKeep };
    const crop = { kind: 'window' as const, leastScale: 0.9, largestScale: 1.1 };
    const augmentation = { ...setupOf().augmentation, crop, flip: true };
    const trainer = await addon.createTrainer({
      ...options(manifest, { losses, augmentation }),
      parent: everyday10,
    });
    const [width, height] = [32, 24];
    const edges = { left: 8, top: 4, right: 20, bottom: 16 };
    const isInside = (at: number) => {
      const [x, y] = [at % width, Math.floor(at / width)];
      return x >= edges.left && x < edges.right && y >= edges.top && y < edges.bottom;
    };
    const pixels = Uint8Array.from({ length: width * height * 3 }, (_, at) =>
      isInside(Math.floor(at / 3)) ? 220 : 60,
    );
    const mask = Uint8Array.from({ length: width * height }, (_, at) => Number(isInside(at)));
    const objects = [{ label: 1, box: edges, counts: encodeRuns(fromBitmap(mask, width, height)) }];
    const example = { pixels, width, height, marked: { width, height, objects } };
    const ground = { pixels: pixels.map(() => 60), width, height, marked: { width, height, objects: [] } };
    let last: NativeStep | undefined;
    for (let seed = 0; seed < 150; seed++)
      last = await trainer.step([example, ground], { seed, learningRate: 3e-3 });
    assert.ok(last !== undefined && last.accuracy > 0.95, String(last?.accuracy));
    assert.ok(last.losses.boxes > 0 && last.losses.quality > 0 && last.losses.masks > 0);
    const empty = [{ label: 1, box: { ...edges, right: NaN } }];
    await assert.rejects(
      trainer.step([{ ...example, marked: { width, height, objects: empty } }], {
        seed: 1,
        learningRate: 1e-3,
      }),
      refused('BAD_ARGUMENT', /finite/),
    );
    await trainer.saveWeights(join(folder, 'weights'), false);
    const path = join(folder, 'bright.safetensors');
    await writeModel(path, join(folder, 'weights'), manifest);
    const model = await addon.loadModel(path, {
      device: 'cpu',
      threads: 2,
      precision: 'fp32',
      inputSize: 32,
    });
    const { detections } = await model.detect(
      pixels,
      { width, height },
      {
        tokenKeep: manifest.tokenKeep,
        blockThreshold: 0.5,
        target: { width, height },
        minScore: 0.1,
        nmsIou: 0.5,
        maxDetections: 10,
      },
    );
    const [found] = detections;
    assert.equal(found?.classIndex, 1);
    const { left, top, right, bottom } = edges;
    found.box.forEach((edge, index) => {
      assert.ok(Math.abs(edge - ([left, top, right, bottom][index] ?? NaN)) < 2, found.box.join(' '));
    });
    assert.ok(Math.abs((found.area ?? 0) - 12 * 12) < 0.3 * 12 * 12, String(found.area));
  });
});
