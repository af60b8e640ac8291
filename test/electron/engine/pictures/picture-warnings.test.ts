import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { jpegDamage } from '../../../../electron/engine/pictures/jpeg-damage.ts';
import { PictureError } from '../../../../electron/shared/picture-problem.ts';
import { seededRandom } from '../../core/random.ts';
import { draw } from '../../support/pictures.ts';
import { decodePicture } from '../../support/decode.ts';

const photos = join(import.meta.dirname, '../../../../../shared/photos');

const decode = async (bytes: Buffer, resize?: number) => (await decodePicture(bytes, resize)).picture;

/** A JPEG whose data become zeros from a part of it to its end marker, or to its end. */
function zeroed(jpeg: Buffer, from: number, keepEnd: boolean): Buffer {
  const bytes = Buffer.from(jpeg);
  return bytes.fill(0, Math.floor(jpeg.length * from), jpeg.length - (keepEnd ? 2 : 0));
}

/** So full of detail that zeros in the place of its data are codes enough for all of the rest. */
function large(): Promise<Buffer> {
  const random = seededRandom(7);
  const noise = Uint8Array.from({ length: 400 * 300 * 3 }, () => random(256));
  const detail = sharp(noise, { raw: { width: 400, height: 300, channels: 3 } });
  return detail.resize(2400, 1800, { kernel: 'nearest' }).jpeg({ quality: 95 }).toBuffer();
}

suite('a picture whose decoder warned', () => {
  test('a JPEG that ends in zeros', async () => {
    const jpeg = await large();
    for (const keepEnd of [true, false])
      for (const resize of [Infinity, 32]) {
        const { warning, width, height, pixels } = await decode(zeroed(jpeg, 0.5, keepEnd), resize);
        assert.equal(warning?.code, 'damagedParts', String(keepEnd));
        assert.equal(pixels.length, width * height * 3);
      }
    assert.equal((await decode(jpeg)).warning, undefined);
  });

  test('a JPEG of which a piece is missing, with the words of the decoder', async () => {
    const jpeg = await large();
    const hole = Buffer.concat([jpeg.subarray(0, jpeg.length * 0.4), jpeg.subarray(jpeg.length * 0.6)]);
    const { warning } = await decode(hole);
    assert.equal(warning?.code, 'damagedParts');
    assert.match(warning.details ?? '', /^VipsJpeg: Corrupt JPEG data: /);
  });

  test('is not one with zeros behind its end, in a comment or in flat areas, nor one with bytes before its end', async () => {
    const jpeg = await large();
    const zeros = Buffer.alloc(4096);
    const comment = Buffer.concat([Buffer.from([0xff, 0xfe, 0x10, 0x02]), zeros]);
    const black = await sharp({ create: { width: 2000, height: 2000, channels: 3, background: '#000' } })
      .jpeg({ optimiseCoding: true })
      .toBuffer();
    assert.ok(black.includes(Buffer.alloc(512))); // where zeros are right
    const good = [
      Buffer.concat([jpeg, zeros]),
      Buffer.concat([jpeg.subarray(0, 2), comment, jpeg.subarray(2)]),
      black,
      await draw(400, 300).jpeg({ progressive: true }).toBuffer(),
      Buffer.concat([jpeg.subarray(0, -2), Buffer.alloc(7), jpeg.subarray(-2)]),
    ];
    for (const [index, bytes] of good.entries())
      assert.equal((await decode(bytes)).warning, undefined, String(index));
    const progressive = await draw(400, 300).jpeg({ progressive: true }).toBuffer();
    const padded = Buffer.concat([progressive.subarray(0, -2), Buffer.alloc(7), progressive.subarray(-2)]);
    assert.equal((await decode(padded)).warning, undefined);
  });

  test('is not one that cannot be decoded', async () => {
    const jpeg = await large();
    const cut = jpeg.subarray(0, jpeg.length * 0.5);
    await assert.rejects(
      decode(cut),
      (error) => error instanceof PictureError && error.problem.code === 'cutShort',
    );
  });

  test('is none of the good photographs', { skip: !existsSync(photos) }, async () => {
    for (const name of readdirSync(photos)) {
      const bytes = readFileSync(join(photos, name));
      assert.equal((await decode(bytes)).warning, undefined, name);
    }
  });

  test('files that are no JPEG have no such damage', () => {
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from([0xff, 0xd8]),
      Buffer.alloc(3000),
      Buffer.from('text of a file'),
    ])
      assert.equal(jpegDamage(bytes), undefined);
  });
});
