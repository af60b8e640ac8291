import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { fittingSize } from '../../../../electron/engine/pictures/shrink-on-load.ts';
import { PictureError } from '../../../../electron/shared/picture-problem.ts';
import { draw } from '../../support/pictures.ts';
import { decodePicture, decoder } from '../../support/decode.ts';

/** Lossless, 8 x 6 pixels: red is 30 times the column, green 40 times the row, blue 15 times their sum. */
const folder = join(import.meta.dirname, '../formats');
const [width, height] = [8, 6];
const expected = Array.from({ length: width * height }, (_, pixel) => {
  const [x, y] = [pixel % width, Math.floor(pixel / width)];
  return [x * 30, y * 40, (x + y) * 15];
});

async function decode(bytes: Buffer) {
  const { header, picture } = await decodePicture(bytes, 32);
  assert.deepEqual([picture.width, picture.height], [header.width, header.height]);
  return picture;
}

const codeOf = async (bytes: Buffer) => {
  const error = await decode(bytes).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  return error instanceof PictureError ? error.problem.code : error;
};

suite('JPEG XL and JPEG 2000', () => {
  for (const name of ['drawn.jxl', 'drawn-16.jxl', 'drawn.jp2', 'drawn.j2k', 'drawn-16.jp2'])
    test(name, async () => {
      const picture = await decode(readFileSync(join(folder, name)));
      assert.deepEqual([picture.width, picture.height], [width, height]);
      const off = expected.flat().map((value, at) => Math.abs(value - (picture.pixels[at] ?? 0)));
      // jxl-oxide rounds 16 bits to 8, where other formats have the upper 8.
      assert.ok(Math.max(...off) <= (name === 'drawn-16.jxl' ? 1 : 0));
    });

  test('grey.jp2', async () => {
    const { pixels } = await decode(readFileSync(join(folder, 'grey.jp2')));
    const grey = expected.flatMap(([red = 0]) => [red, red, red]);
    assert.deepEqual([...pixels], grey);
  });

  test('that are cut off or damaged are told of, and the next one is read', async () => {
    for (const name of ['drawn.jxl', 'drawn.jp2']) {
      const bytes = readFileSync(join(folder, name));
      const code = await codeOf(bytes.subarray(0, bytes.length * 0.6));
      assert.ok(code === 'cutShort' || code === 'damaged', `${name}: ${String(code)}`);
      assert.equal((await decode(bytes)).width, width);
    }
  });

  test('of more pixels than their decoders have memory for are told of before they are decoded', async () => {
    const bytes = Buffer.from(readFileSync(join(folder, 'drawn.j2k')));
    bytes.writeUInt32BE(9000, 8);
    bytes.writeUInt32BE(9000, 12);
    assert.equal(await codeOf(bytes), 'tooManyPixels');
  });
});

suite('a picture that is too large to lie in memory whole', () => {
  test('is shrunk by the smallest whole number, to a size from which its crop is the same', () => {
    assert.equal(fittingSize({ width: 8000, height: 5000 }, 256, 3), undefined); // 40 megapixels
    assert.deepEqual(fittingSize({ width: 14_000, height: 14_000 }, Infinity, 3), {
      width: 4667,
      height: 4667,
    });
    assert.deepEqual(fittingSize({ width: 8001, height: 5000 }, Infinity, 3), { width: 4001, height: 2500 });
    assert.deepEqual(fittingSize({ width: 4000, height: 5000 }, Infinity, 12), { width: 2000, height: 2500 });
    for (const full of [
      { width: 9973, height: 7919 },
      { width: 6007, height: 19_997 },
      { width: 30_011, height: 4001 },
    ])
      for (const resize of [32, 224, 256, 800]) {
        const small = fittingSize(full, resize, 3);
        assert.ok(small && small.width * small.height <= 40.1e6);
        const longer = ({ width: w, height: h }: typeof full) =>
          Math.floor((resize * Math.max(w, h)) / Math.min(w, h));
        assert.equal(longer(small), longer(full));
      }
  });

  test('is decoded to that size', async () => {
    const bytes = await draw(64, 48).resize(8400, 5000, { kernel: 'nearest', fit: 'fill' }).png().toBuffer();
    const { header, picture } = await decodePicture(bytes);
    assert.deepEqual([header.width, header.height], [8400, 5000]);
    assert.deepEqual([picture.width, picture.height], [4200, 2500]);
    assert.equal(picture.pixels.length, 4200 * 2500 * 3);
  });

  test('is refused where its decoder holds all of it at once, with the limit of its format', async () => {
    const progressive = await draw(64, 48)
      .resize(11_000, 10_000, { kernel: 'nearest', fit: 'fill' })
      .jpeg({ progressive: true, chromaSubsampling: '4:4:4', quality: 20 })
      .toBuffer();
    const error = await decoder.readHeader(progressive).catch((reason: unknown) => reason);
    assert.ok(error instanceof PictureError);
    assert.equal(error.problem.details, '110 megapixels, the limit of interlaced JPEG is 100');
  });
});
