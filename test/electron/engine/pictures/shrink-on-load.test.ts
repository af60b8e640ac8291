import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import type { Picture } from '../../../../electron/engine/pictures/picture.ts';
import { shrunkSize } from '../../../../electron/engine/pictures/shrink-on-load.ts';
import { draw } from '../../support/pictures.ts';
import { decodePicture } from '../../support/decode.ts';

const addon = loadAddon();
const shape = { resize: 256, crop: 224 };
const NEVER = 1e6; // a resize that nothing is large enough to be shrunk for

/** Drawn waves, fine ones beside coarse ones all over the picture, with the contrast of a photograph. */
async function drawLarge(width: number, height: number): Promise<Sharp> {
  const coarse = await draw(50, 60, 4).resize(400, 600, { fit: 'fill' }).png().toBuffer();
  const tile = await draw(800, 600)
    .linear(0.5, 64)
    .composite([{ input: coarse, left: 0, top: 0 }])
    .png()
    .toBuffer();
  const { data, info } = await sharp({ create: { width, height, channels: 3, background: '#888' } })
    .composite([{ input: tile, tile: true }])
    .removeAlpha()
    .raw()
    .toBuffer({ resolveWithObject: true });
  return sharp(data, { raw: info });
}

async function cropOf({ pixels, width, height }: Picture): Promise<Uint8Array> {
  const crop = new Uint8Array(shape.crop ** 2 * 3);
  await addon.resizeAndCrop(pixels, width, height, shape, crop, 0);
  return crop;
}

function compare(one: Uint8Array, other: Uint8Array): { mean: number; largest: number } {
  const differences = one.map((value, index) => Math.abs(value - (other[index] ?? 0)));
  const sum = differences.reduce((total, value) => total + value, 0);
  return {
    mean: sum / differences.length,
    largest: differences.reduce((most, value) => Math.max(most, value), 0),
  };
}

/** Decodes both ways and makes sure that the model hardly sees a difference. */
async function checkAgainstFull(bytes: Buffer): Promise<Picture> {
  const { header, picture } = await decodePicture(bytes, shape.resize);
  const full = await decodePicture(bytes, NEVER);
  assert.deepEqual(full.header, header);
  assert.deepEqual([full.picture.width, full.picture.height], [header.width, header.height]);
  assert.equal(picture.pixels.length, picture.width * picture.height * 3);
  const { mean, largest } = compare(await cropOf(picture), await cropOf(full.picture));
  assert.ok(mean < 0.7, `mean difference ${mean}`);
  assert.ok(largest <= 18, `largest difference ${largest}`);
  return picture;
}

suite('shrinking on load', () => {
  test('changes the crop of a large JPEG by less than a grey level on average', async () => {
    const sizes = [
      { width: 4000, height: 3000, shrunk: { width: 792, height: 594 } },
      { width: 2848, height: 4288, shrunk: { width: 564, height: 849 } },
      { width: 6400, height: 5760, shrunk: { width: 707, height: 636 } },
    ];
    for (const { width, height, shrunk } of sizes) {
      const jpeg = await (await drawLarge(width, height)).jpeg({ quality: 92 }).toBuffer();
      const picture = await checkAgainstFull(jpeg);
      assert.deepEqual({ width: picture.width, height: picture.height }, shrunk);
    }
  });

  test('keeps large pictures upright, and their size as it was', async () => {
    const drawn = await drawLarge(4000, 3000);
    for (const orientation of [3, 5, 6, 8]) {
      const jpeg = await drawn.clone().withMetadata({ orientation }).jpeg().toBuffer();
      const { header } = await decodePicture(jpeg, shape.resize);
      assert.equal(header.width, orientation >= 5 ? 3000 : 4000);
      const picture = await checkAgainstFull(jpeg);
      assert.equal(picture.width, orientation >= 5 ? 594 : 792);
    }
  });

  test('works for grey and progressive JPEGs', async () => {
    const drawn = await drawLarge(4000, 3000);
    for (const jpeg of [drawn.clone().greyscale().jpeg(), drawn.clone().jpeg({ progressive: true })]) {
      assert.equal((await checkAgainstFull(await jpeg.toBuffer())).width, 792);
    }
  });

  test('leaves CMYK, other formats and sizes that do not divide as they are', async () => {
    const drawn = await drawLarge(4000, 3000);
    const others = [
      drawn.clone().toColourspace('cmyk').jpeg(),
      drawn.clone().tiff({ compression: 'none' }),
      drawn.clone().extract({ left: 0, top: 0, width: 3999, height: 2999 }).jpeg(),
    ];
    for (const other of others) {
      const { header, picture } = await decodePicture(await other.toBuffer(), shape.resize);
      assert.deepEqual([picture.width, picture.height], [header.width, header.height]);
    }
  });

  test('still refuses a large JPEG that is cut off', async () => {
    const jpeg = await (await drawLarge(4000, 3000)).jpeg().toBuffer();
    await assert.rejects(decodePicture(jpeg.subarray(0, jpeg.length / 2), shape.resize), {
      code: 'BAD_IMAGE',
    });
  });
});

suite('the size that a JPEG is shrunk to', () => {
  test('is none for the pictures that models are trained on, and for all below 4 megapixels', () => {
    for (const resize of [32, 256]) {
      assert.equal(shrunkSize({ width: 500, height: 375 }, resize), undefined);
      assert.equal(shrunkSize({ width: 1600, height: 2400 }, resize), undefined);
    }
    assert.equal(shrunkSize({ width: 4000, height: 2800 }, 256), undefined);
    assert.equal(shrunkSize({ width: 4000, height: 3000 }, 438), undefined);
  });

  test('leaves enough for the resize, is less than the decoder is asked for, and resizes to the same size', () => {
    const resized = (shorter: number, longer: number, resize: number) =>
      Math.floor((resize * longer) / shorter);
    let checked = 0;
    for (const resize of [32, 224, 256, 438])
      for (let shorter = 1000; shorter < 9000; shorter += 56)
        for (const ratio of [1, 1.01, 4 / 3, 1.5, 16 / 9, 3, 11.3]) {
          const longer = Math.round((shorter * ratio) / 8) * 8;
          const size = shrunkSize({ width: longer, height: shorter }, resize);
          if (size === undefined) continue;
          assert.deepEqual(shrunkSize({ width: shorter, height: longer }, resize), {
            width: size.height,
            height: size.width,
          });
          const total = Math.min(longer / size.width, shorter / size.height);
          const factor = total >= 9 ? 8 : 4;
          assert.ok(total >= factor + 1 && total < factor + 1.2, `${total}`);
          assert.ok(shorter / factor >= 2.75 * resize);
          assert.equal(resized(size.height, size.width, resize), resized(shorter, longer, resize));
          checked++;
        }
    assert.ok(checked > 500, `${checked}`);
  });
});
