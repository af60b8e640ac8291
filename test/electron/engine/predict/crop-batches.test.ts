import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import sharp from 'sharp';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import { BatchEngine } from '../../../../electron/engine/predict/batch-engine.ts';
import type { Box, ImageOutcome, PictureCrops } from '../../../../electron/shared/engine-api.ts';
import { everyday10 } from '../../support/models.ts';
import { draw, drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const dial = { tokenKeep: [1, 1, 1], blockThreshold: 0.5 };

/** An engine with everyday10 open that counts the pictures it decodes and the pictures of each of the model's batches. */
async function opened() {
  const decoder = prepareDecoder();
  const addon = loadAddon();
  const decoded = { pictures: 0 };
  const batches: number[] = [];
  const engine = new BatchEngine(
    {
      ...addon,
      loadModel: async (...model) => {
        const native = await addon.loadModel(...model);
        return {
          ...native,
          predict: (pixels, count, settings) => {
            batches.push(count);
            return native.predict(pixels, count, settings);
          },
        };
      },
    },
    {
      ...decoder,
      decode: (...picture) => {
        decoded.pictures++;
        return decoder.decode(...picture);
      },
    },
  );
  await engine.open({
    packagePath: everyday10,
    device: 'cpu',
    threads: 1,
    precision: 'fp32',
    input: { task: 'classification', resize: 32, crop: 32 },
  });
  return { engine, decoded, batches };
}

/** Pictures of a folder with some crops of each; the crops as files of their own, without a loss. */
async function cropped(t: TestContext, parts: readonly (readonly Box[])[]) {
  const folder = temporaryFolder(t);
  await drawFolder(folder, parts.length);
  const pictures: PictureCrops[] = [];
  const files: string[] = [];
  for (const [index, crops] of parts.entries()) {
    const path = join(folder, `${String(index).padStart(3, '0')}.jpg`);
    pictures.push({ path, crops });
    for (const [number, { x: left, y: top, width, height }] of crops.entries()) {
      const file = join(folder, `crop-${index}-${number}.png`);
      await sharp(path).extract({ left, top, width, height }).png().toFile(file);
      files.push(file);
    }
  }
  return { folder, pictures, files };
}

const box = (x: number, y: number, width: number, height: number): Box => ({ x, y, width, height });

function cropsOf(outcome: ImageOutcome | undefined) {
  assert.ok(outcome?.status === 'ok' && outcome.crops !== undefined);
  return outcome.crops;
}

function topOf(outcome: ImageOutcome) {
  assert.ok(outcome.status === 'ok');
  return outcome.top;
}

suite('crops of pictures', () => {
  test('are classified as the same pixels in files of their own, to the bit', async (t) => {
    const parts = [[box(0, 0, 20, 20), box(7, 5, 30, 24)], [box(3, 9, 16, 22)], [box(1, 2, 40, 11)]];
    const { pictures, files } = await cropped(t, parts);
    const { engine } = await opened();
    const outcomes = await engine.predict(pictures, dial);
    assert.deepEqual(outcomes.flatMap(cropsOf), (await engine.predict(files, dial)).map(topOf));
    assert.deepEqual(
      outcomes.map((outcome) => cropsOf(outcome).length),
      [2, 1, 1],
    );
  });

  test("fill the model's batches over pictures, each of which is decoded once", async (t) => {
    const parts = [3, 1, 4, 2].map((count) =>
      Array.from({ length: count }, (_, index) => box(index, index, 16, 16)),
    );
    const { pictures } = await cropped(t, parts);
    const { engine, decoded, batches } = await opened();
    const whole = await engine.predict(pictures, dial);
    assert.deepEqual([decoded.pictures, batches], [4, [10]]);
    const inBatches = await engine.predict(pictures, { ...dial, cropsAtOnce: 4 });
    assert.deepEqual([decoded.pictures, batches], [8, [10, 4, 3, 3]]);
    assert.deepEqual(inBatches.flatMap(cropsOf), whole.flatMap(cropsOf));
  });

  test('of a damaged picture fail, and those of others do not', async (t) => {
    const { folder, pictures } = await cropped(t, [[box(0, 0, 16, 16)], [box(4, 4, 16, 16)]]);
    const bad = join(folder, 'bad.jpg');
    writeFileSync(bad, 'no picture');
    const { engine } = await opened();
    const [first, failed, second] = await engine.predict(
      [pictures[0] ?? '', { path: bad, crops: [box(0, 0, 4, 4)] }, pictures[1] ?? ''],
      dial,
    );
    assert.equal(failed?.status, 'failed');
    const alone = await engine.predict(pictures, dial);
    assert.deepEqual([first, second].map(cropsOf), alone.map(cropsOf));
  });

  test('are found in a large picture that the decoder has shrunk', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'large.jpg');
    await draw(64, 48).resize(3200, 2400).jpeg({ quality: 95 }).toFile(path);
    const place = box(1800, 1200, 1200, 1200);
    const file = join(folder, 'crop.png');
    await sharp(path).extract({ left: 1800, top: 1200, width: 1200, height: 1200 }).png().toFile(file);
    const { engine } = await opened();
    const [part] = cropsOf((await engine.predict([{ path, crops: [place] }], dial))[0]);
    const [files] = await engine.predict([file], dial);
    assert.ok(part !== undefined && files !== undefined);
    const [best] = topOf(files);
    assert.equal(part[0]?.classIndex, best?.classIndex);
    assert.ok(Math.abs((part[0]?.confidence ?? 0) - (best?.confidence ?? 0)) < 0.02);
  });
});
