import assert from 'node:assert/strict';
import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { decodeHeic } from '../../../../electron/engine/pictures/decoder-threads.ts';
import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import { writeFiles } from '../../support/files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { engineClient, everydayModel } from '../../support/engine-client.ts';

/**
 * Drawn for these tests: 64 x 48 pixels, a white strip on top, below it red at the left and blue at the right; taken on
 * 2024-05-06 by its EXIF. The other one says in its container that it is to be turned by 90 degrees anticlockwise.
 */
const upright = join(import.meta.dirname, 'heic/upright.heic');
const turned = join(import.meta.dirname, 'heic/turned.heic');

type Colour = 'white' | 'red' | 'blue' | 'another';

function colourAt(pixels: Uint8Array, width: number, x: number, y: number): Colour {
  const [red = 0, green = 0, blue = 0] = pixels.subarray((y * width + x) * 3, (y * width + x) * 3 + 3);
  if (Math.min(red, green, blue) > 220) return 'white';
  if (red > 150 && blue < 100) return 'red';
  return blue > 150 && red < 100 ? 'blue' : 'another';
}

suite('HEIC', () => {
  const decoder = prepareDecoder();

  test('is decoded as its header says', async () => {
    const bytes = readFileSync(upright);
    const header = await decoder.readHeader(bytes);
    assert.deepEqual([header.width, header.height, header.captured?.at], [64, 48, '2024-05-06T07:08:09']);
    const { pixels, width, height } = await decoder.decode(bytes, header, 32);
    assert.deepEqual([width, height, pixels.length], [64, 48, 64 * 48 * 3]);
    assert.equal(colourAt(pixels, width, 32, 2), 'white');
    assert.equal(colourAt(pixels, width, 10, 30), 'red');
    assert.equal(colourAt(pixels, width, 50, 30), 'blue');
  });

  test('is turned once, as its container says', async () => {
    const bytes = readFileSync(turned);
    const header = await decoder.readHeader(bytes);
    assert.deepEqual([header.width, header.height], [48, 64]);
    const { pixels, width, height } = await decoder.decode(bytes, header, 32);
    assert.deepEqual([width, height], [48, 64]);
    assert.equal(colourAt(pixels, width, 2, 32), 'white'); // the top is at the left now
    assert.equal(colourAt(pixels, width, 30, 54), 'red');
    assert.equal(colourAt(pixels, width, 30, 10), 'blue');
  });

  test('is decoded many at a time', async () => {
    const files = Array.from({ length: 12 }, (_, index) => (index % 2 === 0 ? upright : turned));
    const pictures = await Promise.all(files.map((file) => decodeHeic(readFileSync(file))));
    assert.deepEqual(
      pictures.map(({ width }) => width),
      files.map((file) => (file === upright ? 64 : 48)),
    );
  });

  test('that is damaged is a bad picture, and the next one is read', async () => {
    const bytes = readFileSync(upright);
    const cut = [bytes.length - 1, 700, 500, 300].map((length) => bytes.subarray(0, length));
    for (const broken of [...cut, Buffer.from('no HEIC')]) {
      await assert.rejects(decodeHeic(broken), {
        name: 'AppError',
        code: 'BAD_IMAGE',
      });
    }
    assert.equal((await decodeHeic(bytes)).width, 64);
  });

  test('is predicted and rendered by the engine', async (t) => {
    const folder = temporaryFolder(t);
    const paths = [upright, turned].map((_, index) => join(folder, `${index}.heic`));
    copyFileSync(upright, paths[0] ?? '');
    copyFileSync(turned, paths[1] ?? '');
    writeFiles(folder, { 'bad.heic': readFileSync(upright).subarray(0, 500) });
    const engine = engineClient(t);
    await engine.open(everydayModel);
    const dial = { tokenKeep: [1, 1, 1], blockThreshold: 0.5 };
    const outcomes = await engine.predict([...paths, join(folder, 'bad.heic')], dial);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['ok', 'ok', 'failed'],
    );
    assert.equal(outcomes[0]?.facts.capturedAt, '2024-05-06T07:08:09');
    const thumbnail = await engine.pictures.render(paths[1] ?? '', { maxSide: 32 });
    const { width, height } = await sharp(thumbnail.bytes).metadata();
    assert.deepEqual([thumbnail.type, width, height], ['image/webp', 24, 32]);
    assert.equal((await engine.pictures.render(paths[0] ?? '', {})).type, 'image/jpeg');
  });
});
