import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PictureError } from '../../../../electron/shared/picture-problem.ts';
import { seededRandom } from '../../core/random.ts';
import { decodePicture } from '../../support/decode.ts';

async function decode(file: Buffer) {
  const { header, picture } = await decodePicture(file, 32);
  const { pixels, width, height } = picture;
  assert.equal(header.format, 'bmp');
  assert.deepEqual([width, height], [header.width, header.height]);
  return [...pixels];
}

interface Bmp {
  width: number;
  height: number; // below 0: from top to bottom
  bits: number;
  compression?: number;
  palette?: [number, number, number][]; // RGB
  masks?: number[];
  rows: Buffer; // as they lie in the file
  core?: boolean; // the header of OS/2
}

function bmp({ width, height, bits, compression = 0, palette = [], masks = [], rows, core }: Bmp): Buffer {
  const size = core ? 12 : 40;
  const entry = core ? 3 : 4;
  const start = 14 + size + masks.length * 4 + palette.length * entry;
  const head = Buffer.alloc(start);
  head.write('BM', 'latin1');
  head.writeUInt32LE(start + rows.length, 2);
  head.writeUInt32LE(start, 10);
  head.writeUInt32LE(size, 14);
  if (core) {
    head.writeUInt16LE(width, 18);
    head.writeUInt16LE(height, 20);
    head.writeUInt16LE(1, 22);
    head.writeUInt16LE(bits, 24);
  } else {
    head.writeInt32LE(width, 18);
    head.writeInt32LE(height, 22);
    head.writeUInt16LE(1, 26);
    head.writeUInt16LE(bits, 28);
    head.writeUInt32LE(compression, 30);
  }
  for (const [index, mask] of masks.entries()) head.writeUInt32LE(mask, 14 + size + index * 4);
  for (const [index, [red, green, blue]] of palette.entries()) {
    const at = 14 + size + masks.length * 4 + index * entry;
    head.set([blue, green, red], at);
  }
  return Buffer.concat([head, rows]);
}

const [red, green, blue, white] = [
  [255, 0, 0],
  [0, 255, 0],
  [0, 0, 255],
  [255, 255, 255],
] as [number, number, number][] as [
  [number, number, number],
  [number, number, number],
  [number, number, number],
  [number, number, number],
];
const palette = [red, green, blue, white];
/** Red and green above, blue and white below. */
const expected = [red, green, blue, white].flat();

suite('BMP', () => {
  test('of 24 and 32 bits, from either end, with either header', async () => {
    const row = (...colours: number[][]) =>
      Buffer.concat([Buffer.from(colours.flatMap(([r, g, b]) => [b ?? 0, g ?? 0, r ?? 0])), Buffer.alloc(2)]);
    const rows = Buffer.concat([row(blue, white), row(red, green)]);
    assert.deepEqual(await decode(bmp({ width: 2, height: 2, bits: 24, rows })), expected);
    assert.deepEqual(await decode(bmp({ width: 2, height: 2, bits: 24, rows, core: true })), expected);
    const topDown = Buffer.concat([row(red, green), row(blue, white)]);
    assert.deepEqual(await decode(bmp({ width: 2, height: -2, bits: 24, rows: topDown })), expected);
    const wide = Buffer.from([blue, white, red, green].flatMap(([r, g, b]) => [b, g, r, 7]));
    assert.deepEqual(await decode(bmp({ width: 2, height: 2, bits: 32, rows: wide })), expected);
  });

  test('of 16 bits and with masks', async () => {
    const words = (...values: number[]) => {
      const bytes = Buffer.alloc(values.length * 2);
      for (const [index, value] of values.entries()) bytes.writeUInt16LE(value, index * 2);
      return bytes;
    };
    const rows = words(0x001f, 0x7fff, 0x7c00, 0x03e0);
    assert.deepEqual(await decode(bmp({ width: 2, height: 2, bits: 16, rows })), expected);
    const masks = [0xf800, 0x07e0, 0x001f];
    const of565 = words(0x001f, 0xffff, 0xf800, 0x07e0);
    const file = bmp({ width: 2, height: 2, bits: 16, compression: 3, masks, rows: of565 });
    assert.deepEqual(await decode(file), expected);
    const one = bmp({ width: 1, height: 1, bits: 16, rows: words((16 << 10) | (8 << 5) | 4, 0) });
    assert.deepEqual(await decode(one), [132, 66, 33]); // n x 255 / 31
    const high = Buffer.alloc(4);
    high.writeUInt32LE(0xff000000);
    const ofHigh = bmp({
      width: 1,
      height: 1,
      bits: 32,
      compression: 3,
      rows: high,
      masks: [0xff000000, 0x00ff0000, 0x0000ff00],
    });
    assert.deepEqual(await decode(ofHigh), red);
  });

  test('with a palette of 1, 4 and 8 bits', async () => {
    const four = bmp({
      width: 2,
      height: 2,
      bits: 4,
      palette,
      rows: Buffer.from([0x23, 0, 0, 0, 0x01, 0, 0, 0]),
    });
    assert.deepEqual(await decode(four), expected);
    const eight = bmp({ width: 2, height: 2, bits: 8, palette, rows: Buffer.from([2, 3, 0, 0, 0, 1, 0, 0]) });
    assert.deepEqual(await decode(eight), expected);
    const rows = Buffer.from([0b01000000, 0, 0, 0, 0b10000000, 0, 0, 0]);
    const one = bmp({ width: 2, height: 2, bits: 1, palette: [red, green], rows });
    assert.deepEqual(await decode(one), [green, red, red, green].flat());
  });

  test('of run lengths', async () => {
    const eight = Buffer.from([1, 2, 1, 3, 0, 0, 1, 0, 1, 1, 0, 1]);
    assert.deepEqual(
      await decode(bmp({ width: 2, height: 2, bits: 8, compression: 1, palette, rows: eight })),
      expected,
    );
    const four = Buffer.from([2, 0x23, 0, 0, 2, 0x01, 0, 1]);
    assert.deepEqual(
      await decode(bmp({ width: 2, height: 2, bits: 4, compression: 2, palette, rows: four })),
      expected,
    );
    const absolute = Buffer.from([0, 3, 1, 2, 3, 0, 0, 0, 0, 2, 1, 0, 2, 1, 0, 1]);
    const file = bmp({ width: 3, height: 2, bits: 8, compression: 1, palette, rows: absolute });
    assert.deepEqual(await decode(file), [red, green, green, green, blue, white].flat());
  });

  test('that is cut off, or of another kind, is told of; a damaged one breaks nothing', async () => {
    const good = bmp({ width: 2, height: 2, bits: 24, rows: Buffer.alloc(16) });
    const codeOf = async (file: Buffer) => {
      const error = await decode(file).catch((reason: unknown) => reason);
      return error instanceof PictureError ? error.problem.code : error;
    };
    assert.equal(await codeOf(good.subarray(0, -4)), 'cutShort');
    assert.equal(await codeOf(good.subarray(0, 30)), 'cutShort');
    assert.equal(
      await codeOf(bmp({ width: 2, height: 2, bits: 24, compression: 5, rows: Buffer.alloc(16) })),
      'unknownKind',
    );
    assert.equal(
      await codeOf(bmp({ width: 30_000, height: 9000, bits: 24, rows: Buffer.alloc(16) })),
      'tooManyPixels',
    );
    const random = seededRandom(3);
    for (let round = 0; round < 300; round++) {
      const damaged = Buffer.from(good);
      for (let flip = 0; flip < 3; flip++) damaged[random(damaged.length)] = random(256);
      try {
        await decodePicture(damaged, 32);
      } catch (error) {
        assert.ok(error instanceof PictureError, String(error));
      }
    }
  });
});
