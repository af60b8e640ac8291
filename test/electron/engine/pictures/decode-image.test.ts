import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { crc32 } from 'node:zlib';
import sharp from 'sharp';
import { PictureError, problemText } from '../../../../electron/shared/picture-problem.ts';
import type { PictureProblemCode } from '../../../../electron/shared/picture-problem.ts';
import { draw, drawPixels } from '../../support/pictures.ts';
import { tiff } from '../../support/tiff.ts';
import { decodePicture } from '../../support/decode.ts';

const [width, height] = [24, 16];
const pixels = drawPixels(width, height);

async function decode(bytes: Buffer) {
  const { header, picture } = await decodePicture(bytes, 256);
  assert.deepEqual([picture.width, picture.height], [header.width, header.height]); // none is large
  return { header, pixels: picture.pixels };
}

/** Largest difference between two pictures of the same size. */
function difference(one: Uint8Array, other: Uint8Array): number {
  assert.equal(one.length, other.length);
  return one.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (other[index] ?? 0))), 0);
}

/** The red channel as a grey picture, and as RGB. */
const grey = Buffer.from(pixels.filter((_, index) => index % 3 === 0));
const greyRgb = Buffer.from([...grey].flatMap((value) => [value, value, value]));
const drawGrey = () => sharp(grey, { raw: { width, height, channels: 1 } });

/** A PNG whose header claims another size. */
function claimSize(png: Buffer, claimedWidth: number, claimedHeight: number): Buffer {
  const claiming = Buffer.from(png);
  claiming.writeUInt32BE(claimedWidth, 16);
  claiming.writeUInt32BE(claimedHeight, 20);
  claiming.writeUInt32BE(crc32(claiming.subarray(12, 29)), 29);
  return claiming;
}

suite('decoding', () => {
  test('keeps every byte of lossless formats', async () => {
    const formats = {
      png: draw(width, height).png(),
      interlaced: draw(width, height).png({ progressive: true }),
      webp: draw(width, height).webp({ lossless: true }),
      tiff: draw(width, height).tiff({ compression: 'lzw' }),
      gif: draw(width, height).gif({ colours: 256, dither: 0 }),
    };
    for (const [name, picture] of Object.entries(formats)) {
      const decoded = await decode(await picture.toBuffer());
      assert.deepEqual([decoded.header.width, decoded.header.height], [width, height]);
      assert.ok(difference(decoded.pixels, pixels) <= (name === 'gif' ? 24 : 0), name);
    }
  });

  test('reads JPEG and AVIF', async () => {
    const smooth = draw(width, height).blur(3);
    const best = { quality: 100, chromaSubsampling: '4:4:4' };
    const expected = await smooth.clone().raw().toBuffer();
    for (const picture of [smooth.clone().jpeg(best), smooth.clone().avif(best)]) {
      assert.ok(difference((await decode(await picture.toBuffer())).pixels, expected) < 12);
    }
  });

  test('makes RGB of grey, one bit and palette', async () => {
    const greyPng = await drawGrey().toColourspace('b-w').png().toBuffer();
    assert.equal((await sharp(greyPng).metadata()).channels, 1);
    assert.equal(difference((await decode(greyPng)).pixels, greyRgb), 0);

    const oneBit = await drawGrey()
      .threshold(128)
      .toColourspace('b-w')
      .png({ palette: true, colours: 2 })
      .toBuffer();
    const black = greyRgb.map((value) => (value >= 128 ? 255 : 0));
    assert.equal(difference((await decode(oneBit)).pixels, black), 0);

    const palette = await draw(width, height).png({ palette: true, colours: 16, dither: 0 }).toBuffer();
    const shown = await sharp(palette).raw().toBuffer();
    assert.equal(difference((await decode(palette)).pixels, shown), 0);
  });

  test('drops alpha and does not blend it', async () => {
    const alpha = Buffer.from(pixels.filter((_, index) => index % 3 === 1));
    const rgba = Buffer.from(
      [...grey.keys()].flatMap((i) => [...pixels.subarray(i * 3, i * 3 + 3), alpha[i] ?? 0]),
    );
    const picture = sharp(rgba, { raw: { width, height, channels: 4 } });
    assert.equal(difference((await decode(await picture.clone().png().toBuffer())).pixels, pixels), 0);
    assert.equal(
      difference(
        (await decode(await picture.clone().tiff({ compression: 'lzw' }).toBuffer())).pixels,
        pixels,
      ),
      0,
    );
  });

  test('shifts 16 bits to 8', async () => {
    const wide = Uint16Array.from(grey, (value) => value * 256 + 200);
    const picture = sharp(wide, { raw: { width, height, channels: 1 } }).toColourspace('grey16');
    const png = await picture.png().toBuffer();
    assert.equal((await sharp(png).metadata()).depth, 'ushort');
    assert.equal(difference((await decode(png)).pixels, greyRgb), 0);
  });

  test('stretches floats from 0 to 1, and takes larger ones as they are', async () => {
    const floats = (values: Float32Array) =>
      tiff({
        width,
        height,
        samples: 1,
        bits: 32,
        kind: 'float',
        photometric: 'black is zero',
        data: Buffer.from(values.buffer),
      });
    const unit = floats(Float32Array.from(grey, (value) => value / 255));
    assert.equal((await sharp(unit).metadata()).depth, 'float');
    assert.ok(difference((await decode(unit)).pixels, greyRgb) <= 1);
    assert.equal(difference((await decode(floats(Float32Array.from(grey)))).pixels, greyRgb), 0);
  });

  test('converts CMYK by the formula of PIL', async () => {
    const ink = Buffer.from(
      [...grey.keys()].flatMap((i) => [...pixels.subarray(i * 3, i * 3 + 3), (i * 7) % 256]),
    );
    const picture = tiff({
      width,
      height,
      samples: 4,
      bits: 8,
      kind: 'unsigned',
      photometric: 'cmyk',
      data: ink,
    });
    assert.equal((await sharp(picture).metadata()).space, 'cmyk');
    const expected = Buffer.from(
      [...grey.keys()].flatMap((i) => {
        const light = 255 - (ink[i * 4 + 3] ?? 0);
        return [0, 1, 2].map((channel) => light - Math.round(((ink[i * 4 + channel] ?? 0) * light) / 255));
      }),
    );
    assert.equal(difference((await decode(picture)).pixels, expected), 0);
  });

  test('does not apply a colour profile', async () => {
    const png = await draw(width, height).withIccProfile('p3').png().toBuffer();
    const { icc } = await sharp(png).metadata();
    assert.ok(icc);
    const bare = await sharp(png, { ignoreIcc: true }).raw().toBuffer();
    assert.equal(difference((await decode(png)).pixels, bare), 0);
    assert.ok(difference(await sharp(png).toColourspace('srgb').raw().toBuffer(), bare) > 0);
  });

  test('turns pictures upright', async () => {
    for (const orientation of [1, 2, 3, 4, 5, 6, 7, 8]) {
      const png = await draw(width, height).withMetadata({ orientation }).png().toBuffer();
      const decoded = await decode(png);
      const upright = await sharp(png).autoOrient().raw().toBuffer({ resolveWithObject: true });
      assert.deepEqual(
        [decoded.header.width, decoded.header.height],
        [upright.info.width, upright.info.height],
      );
      assert.equal(decoded.header.width, orientation >= 5 ? height : width);
      assert.equal(difference(decoded.pixels, upright.data), 0);
    }
  });

  test('takes the first frame or page', async () => {
    const frames = Buffer.concat([0, 1, 2].map((seed) => drawPixels(width, height, seed)));
    const animated = () =>
      sharp(frames, { raw: { width, height: height * 3, channels: 3, pageHeight: height } });
    const webp = await animated().webp({ lossless: true, loop: 0 }).toBuffer();
    assert.equal((await sharp(webp).metadata()).pages, 3);
    assert.equal(difference((await decode(webp)).pixels, pixels), 0);
    const gif = await decode(await animated().gif().toBuffer());
    assert.deepEqual([gif.header.height, gif.pixels.length], [height, pixels.length]);
  });

  test('tells the capture time, and does without a damaged one', async () => {
    const exif = { IFD2: { DateTimeOriginal: '2023:07:14 05:06:07' } };
    const jpeg = await draw(width, height).withExif(exif).jpeg().toBuffer();
    assert.equal((await decode(jpeg)).header.captured?.at, '2023-07-14T05:06:07');
    const odd = await draw(width, height)
      .withExif({ IFD2: { DateTimeOriginal: 'yesterday' } })
      .jpeg()
      .toBuffer();
    assert.equal((await decode(odd)).header.captured?.at, undefined);
    const damaged = Buffer.from(jpeg);
    damaged.fill(0xff, damaged.indexOf('Exif') + 14, damaged.indexOf('Exif') + 40);
    assert.equal((await decode(damaged)).header.captured?.at, undefined);
    assert.equal((await decode(await draw(width, height).jpeg().toBuffer())).header.captured?.at, undefined);
  });

  test('refuses what is broken or no picture, with the reason', async () => {
    const jpeg = await draw(200, 200).jpeg().toBuffer();
    const png = await draw(200, 200).png().toBuffer();
    const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    const cases: [Buffer, PictureProblemCode, details?: string][] = [
      [Buffer.alloc(0), 'empty'],
      [Buffer.from('This is a text.'), 'notAPicture'],
      [svg, 'notAPicture'],
      [jpeg.subarray(0, 20), 'cutShort'],
      [jpeg.subarray(0, jpeg.length / 2), 'cutShort'],
      [png.subarray(0, png.length / 2), 'damaged', 'vipspng: libpng read error'],
      [claimSize(png, 15_000, 14_000), 'tooManyPixels', '210 megapixels, the limit is 200'],
    ];
    for (const [bytes, code, details] of cases) {
      const error = await decode(bytes).then(
        () => undefined,
        (reason: unknown) => reason,
      );
      assert.ok(error instanceof PictureError);
      assert.deepEqual(
        [error.code, error.message, error.problem.code],
        ['BAD_IMAGE', problemText({ code }), code],
      );
      if (details !== undefined) assert.equal(error.problem.details, details);
    }
  });
});
