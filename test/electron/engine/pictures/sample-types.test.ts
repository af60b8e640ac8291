import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { PictureError } from '../../../../electron/shared/picture-problem.ts';
import { tiff } from '../../support/tiff.ts';
import type { TiffImage } from '../../support/tiff.ts';
import { decodePicture } from '../../support/decode.ts';

const [width, height] = [16, 8];

type Kind = TiffImage['kind'];
type Photometric = TiffImage['photometric'];

/** What is in the picture: of each pixel the colours as parts of the whole range, which no type holds exactly. */
const parts = (pixel: number, channel: number) => ((pixel * 37 + channel * 61) % 256) / 255;

const types: { kind: Kind; bits: number; bytes: number }[] = [
  ...([8, 16, 32] as const).map((bits) => ({ kind: 'unsigned' as const, bits, bytes: bits / 8 })),
  ...([8, 16, 32] as const).map((bits) => ({ kind: 'signed' as const, bits, bytes: bits / 8 })),
  ...([16, 32] as const).map((bits) => ({ kind: 'float' as const, bits, bytes: bits / 8 })),
];
const channelsOf = { 'white is zero': 1, 'black is zero': 1, rgb: 3, cmyk: 4, lab: 3, icclab: 3 } as const;

/** A sample of the type for a part of its range, and the 8 bits that it stands for. */
function sample(part: number, kind: Kind, bits: number): { stored: number; byte: number } {
  if (kind === 'float') {
    const stored = bits === 32 ? Math.fround(part) : halfOf(part).value;
    return { stored, byte: Math.round(stored * 255) };
  }
  const largest = kind === 'unsigned' ? 2 ** bits - 1 : 2 ** (bits - 1) - 1;
  const stored = Math.round(part * largest);
  if (kind === 'signed' && bits === 8) return { stored, byte: stored * 2 + Math.floor(stored / 64) };
  const shift = kind === 'unsigned' ? bits - 8 : bits - 9;
  return { stored, byte: Math.floor(stored / 2 ** shift) };
}

/** A number from 0 to 1 as IEEE half precision, cut off. */
function halfOf(value: number): { pattern: number; value: number } {
  if (value === 0) return { pattern: 0, value: 0 };
  const exponent = Math.max(-14, Math.floor(Math.log2(value)));
  const fraction = Math.floor((value / 2 ** exponent - 1) * 1024);
  return { pattern: ((exponent + 15) << 10) | fraction, value: (1 + fraction / 1024) * 2 ** exponent };
}

function put(data: Buffer, at: number, { stored }: { stored: number }, kind: Kind, bits: number): void {
  if (kind === 'float') {
    if (bits === 32) data.writeFloatLE(stored, at);
    else data.writeUInt16LE(halfOf(stored).pattern, at);
  } else if (kind === 'unsigned') data.writeUIntLE(stored, at, bits / 8);
  else data.writeIntLE(stored, at, bits / 8);
}

const decode = async (file: Buffer) => (await decodePicture(file, 32)).picture;

/** The rule in its plainest form: 8 bits of each colour become RGB. */
function rgbOf(bytes: readonly number[], photometric: Photometric): number[] {
  const [first = 0, second = 0, third = 0, black = 0] = bytes;
  if (photometric === 'black is zero') return [first, first, first];
  if (photometric === 'white is zero') return [255 - first, 255 - first, 255 - first];
  if (photometric === 'rgb') return [first, second, third];
  const light = 255 - black;
  return [first, second, third].map((ink) => light - Math.round((ink * light) / 255));
}

suite('samples of a TIFF', () => {
  for (const photometric of ['black is zero', 'white is zero', 'rgb', 'cmyk'] as const)
    for (const { kind, bits, bytes } of types)
      for (const extra of [0, 1, 2, 3])
        test(`${photometric}, ${kind} ${bits}, ${extra} more`, async () => {
          const samples = channelsOf[photometric] + extra;
          const data = Buffer.alloc(width * height * samples * bytes);
          const expected: number[] = [];
          for (let pixel = 0; pixel < width * height; pixel++) {
            const colours = Array.from({ length: samples }, (_, channel) =>
              sample(parts(pixel, channel), kind, bits),
            );
            for (const [channel, one] of colours.entries())
              put(data, (pixel * samples + channel) * bytes, one, kind, bits);
            expected.push(
              ...rgbOf(
                colours.map(({ byte }) => byte),
                photometric,
              ),
            );
          }
          const picture = await decode(tiff({ width, height, samples, bits, kind, photometric, data }));
          assert.deepEqual([picture.width, picture.height], [width, height]);
          assert.deepEqual([...picture.pixels], expected);
        });

  test('that are negative are black', async () => {
    for (const bits of [8, 16, 32]) {
      const data = Buffer.alloc(3 * (bits / 8));
      for (let channel = 0; channel < 3; channel++)
        data.writeIntLE(-1 - channel, (channel * bits) / 8, bits / 8);
      const file = {
        width: 1,
        height: 1,
        samples: 3,
        bits,
        kind: 'signed',
        photometric: 'rgb',
        data,
      } as const;
      assert.deepEqual([...(await decode(tiff(file))).pixels], [0, 0, 0]);
    }
  });

  test('that are floats stand for themselves where one is above 1, and infinity decides nothing', async () => {
    const rgb = async (...values: number[]) => {
      const data = Buffer.alloc(24);
      for (const [index, value] of values.entries()) data.writeFloatLE(value, index * 4);
      return [
        ...(
          await decode(
            tiff({
              width: 2,
              height: 1,
              samples: 3,
              bits: 32,
              kind: 'float',
              photometric: 'rgb',
              data,
            }),
          )
        ).pixels,
      ];
    };
    assert.deepEqual(await rgb(0, 0.5, 1, 200, 255, 300), [0, 1, 1, 200, 255, 255]);
    assert.deepEqual(await rgb(0, 0.5, 1, Infinity, -Infinity, NaN), [0, 128, 255, 255, 0, 0]);
    assert.deepEqual(await rgb(-0.5, 0.2, 0.4, 0.6, 0.8, 1), [0, 51, 102, 153, 204, 255]);
  });

  test('an alpha above 1 does not make colours from 0 to 1 black', async () => {
    const data = Buffer.alloc(16);
    for (const [index, value] of [0.2, 0.4, 1, 255].entries()) data.writeFloatLE(value, index * 4);
    const file = {
      width: 1,
      height: 1,
      samples: 4,
      bits: 32,
      kind: 'float',
      photometric: 'rgb',
      data,
    } as const;
    assert.deepEqual([...(await decode(tiff(file))).pixels], [51, 102, 255]);
  });

  /** L, a, b of the primaries of sRGB, of white and of a grey, from its definition (D65). */
  const labs: [lab: [number, number, number], rgb: [number, number, number]][] = [
    [
      [100, 0, 0],
      [255, 255, 255],
    ],
    [
      [0, 0, 0],
      [0, 0, 0],
    ],
    [
      [53.585, 0, 0],
      [128, 128, 128],
    ],
    [
      [53.2408, 80.0925, 67.2032],
      [255, 0, 0],
    ],
    [
      [87.7347, -86.1827, 83.1793],
      [0, 255, 0],
    ],
    [
      [32.297, 79.1875, -107.8602],
      [0, 0, 255],
    ],
  ];

  /** How each way to write Lab packs it, and how far its steps let the colours be off. */
  const packings = [
    { name: 'lab 8', photometric: 'lab', kind: 'unsigned', bits: 8, tolerance: 8 },
    { name: 'lab 16', photometric: 'lab', kind: 'unsigned', bits: 16, tolerance: 1 },
    { name: 'lab, signed 8', photometric: 'lab', kind: 'signed', bits: 8, tolerance: 8 },
    { name: 'lab, float', photometric: 'lab', kind: 'float', bits: 32, tolerance: 1 },
    { name: 'icclab 8', photometric: 'icclab', kind: 'unsigned', bits: 8, tolerance: 8 },
    { name: 'icclab 16', photometric: 'icclab', kind: 'unsigned', bits: 16, tolerance: 1 },
  ] as const;

  for (const { name, photometric, kind, bits, tolerance } of packings)
    for (const extra of [0, 1])
      test(`${name}, ${extra} more`, async () => {
        const bytes = bits / 8;
        const samples = 3 + extra;
        const data = Buffer.alloc(labs.length * samples * bytes);
        for (const [pixel, [lab]] of labs.entries())
          for (const [channel, value] of lab.entries()) {
            const at = (pixel * samples + channel) * bytes;
            if (kind === 'float') {
              data.writeFloatLE(value, at);
              continue;
            }
            const whitest = photometric === 'icclab' && bits === 16 ? 0xff00 : 2 ** bits - 1;
            const offset = photometric === 'icclab' ? 128 : 0;
            const stored = channel === 0 ? (value * whitest) / 100 : (value + offset) * 2 ** (bits - 8);
            data.writeUIntLE((Math.round(stored) + 2 ** bits) % 2 ** bits, at, bytes);
          }
        const file = tiff({ width: labs.length, height: 1, samples, bits, kind, photometric, data });
        const { pixels } = await decode(file);
        for (const [pixel, [, rgb]] of labs.entries())
          for (const [channel, value] of rgb.entries()) {
            const off = Math.abs((pixels[pixel * 3 + channel] ?? 0) - value);
            assert.ok(off <= tolerance, `pixel ${pixel}, channel ${channel}: ${off}`);
          }
      });

  test('of a type that is not read are told of', async () => {
    const doubles = { samples: 3, bits: 64, kind: 'float', photometric: 'rgb' } as const;
    const file = tiff({ width: 2, height: 1, ...doubles, data: Buffer.alloc(48) });
    await assert.rejects(decode(file), (error) => {
      return error instanceof PictureError && error.problem.code === 'unknownKind';
    });
  });
});
