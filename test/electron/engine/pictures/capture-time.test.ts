import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { captureTime, parseTime } from '../../../../electron/engine/pictures/capture-time.ts';
import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import { draw } from '../../support/pictures.ts';
import { exifBlock, tiff } from '../../support/tiff.ts';

const decoder = prepareDecoder();
const [DATE, OFFSET, SUB_SECOND] = [0x9003, 0x9011, 0x9291];
const taken = '2021:02:03 10:11:12';

suite('capture times', () => {
  test('that do not exist are none', () => {
    const none = [
      '0000:00:00 00:00:00',
      '2020:13:14 10:00:00',
      '2021:02:30 10:00:00',
      '0001:01:01 00:00:00',
      '2021:00:10 10:00:00',
      '2021:02:00 10:00:00',
      '2021:02:29 10:00:00',
      '1900:02:29 10:00:00',
      '2021:02:03 24:00:00',
      '2021:02:03 10:60:00',
      '2021:02:03 10:11:60',
      '1825:12:31 23:59:59',
      '    :  :     :  :  ',
      '2021:02:03',
      '2021:2:3 10:11:12',
      '2021:02:03 10:11:123',
      'yesterday',
      '',
    ];
    for (const text of none) assert.equal(parseTime(text), undefined, text);
    assert.equal(parseTime(undefined), undefined);
    for (const text of [
      '2020:02:29 10:00:00',
      '2000:02:29 00:00:00',
      '1826:01:01 00:00:00',
      '2021:12:31 23:59:59',
    ])
      assert.equal(parseTime(text)?.at, text.replace(':', '-').replace(':', '-').replace(' ', 'T'));
  });

  test('are read whatever pads or follows them', () => {
    for (const rest of ['', '\0', '\0\0', ' ', '\0garbage', ' \0', '\xff'])
      assert.deepEqual(parseTime(taken + rest), {
        at: '2021-02-03T10:11:12',
        fraction: undefined,
        offset: undefined,
      });
    assert.equal(parseTime('2021-02-03T10:11:12')?.at, '2021-02-03T10:11:12');
  });

  test('keep the fraction of the second and the offset, from their own fields first', () => {
    const at = '2021-02-03T10:11:12';
    const cases: [
      args: Parameters<typeof parseTime>,
      fraction: string | undefined,
      offset: string | undefined,
    ][] = [
      [[`${taken}.50`], '50', undefined],
      [[`${taken}+02:00`], undefined, '+02:00'],
      [[`${taken}.125-09:30`], '125', '-09:30'],
      [[`${taken}Z`], undefined, '+00:00'],
      [[taken, '007 \0', '+05:45\0'], '007', '+05:45'],
      [[`${taken}.50+02:00`, '25', '-03:00'], '25', '-03:00'],
      [[taken, '   ', '   :  '], undefined, undefined],
      [[taken, 'x', '+15:00'], undefined, undefined],
    ];
    for (const [args, fraction, offset] of cases)
      assert.deepEqual(parseTime(...args), { at, fraction, offset });
  });

  const texts = { [DATE]: taken, [OFFSET]: '+02:00', [SUB_SECOND]: '25' };
  const expected = { at: '2021-02-03T10:11:12', fraction: '25', offset: '+02:00' };
  const header = async (bytes: Buffer) => (await decoder.readHeader(bytes)).captured;

  test('are found in JPEG, PNG, WebP and AVIF', async () => {
    const exif = {
      IFD2: { DateTimeOriginal: taken, OffsetTimeOriginal: '+02:00', SubSecTimeOriginal: '25' },
    };
    const picture = draw(64, 48).withExif(exif);
    for (const bytes of [
      await picture.clone().jpeg().toBuffer(),
      await picture.clone().png().toBuffer(),
      await picture.clone().webp().toBuffer(),
      await picture.clone().avif().toBuffer(),
    ])
      assert.deepEqual(await header(bytes), expected);
  });

  test('are found in a TIFF, in its EXIF directory or the first, of either byte order', async () => {
    const file = tiff({
      width: 2,
      height: 2,
      samples: 3,
      bits: 8,
      kind: 'unsigned',
      photometric: 'rgb',
      data: Buffer.alloc(12),
      exif: texts,
    });
    assert.deepEqual(await header(file), expected);
    const written = await draw(9, 9)
      .withExif({ IFD2: { DateTimeOriginal: taken } })
      .tiff()
      .toBuffer();
    assert.equal((await sharp(written).metadata()).exif, undefined); // sharp does not hand it out
  });

  test('of EXIF with an end that is cut off are none, wherever it is cut', () => {
    const block = exifBlock(texts);
    assert.deepEqual(captureTime(block), expected);
    assert.deepEqual(captureTime(Buffer.concat([Buffer.from('Exif\0\0'), block])), expected);
    for (let length = 0; length < block.length; length++)
      assert.doesNotThrow(() => captureTime(block.subarray(0, length)));
    for (let at = 0; at < block.length; at++) {
      const damaged = Buffer.from(block);
      damaged[at] = 0xff;
      assert.doesNotThrow(() => captureTime(damaged));
    }
    assert.equal(captureTime(block.subarray(0, 40)), undefined);
  });

  test('are found in the box of a CR3', () => {
    const file = Buffer.concat([
      Buffer.from('\0\0\0\x18ftypcrx \0\0\0\x01crx isom'),
      Buffer.from('xxxxCMT2'),
    ]);
    // In that box the first directory is the EXIF directory.
    const first = tiff({
      width: 1,
      height: 1,
      samples: 1,
      bits: 8,
      kind: 'unsigned',
      photometric: 'black is zero',
      data: Buffer.alloc(1),
      exif: texts,
    });
    assert.equal(captureTime(Buffer.concat([file, first]))?.at, expected.at);
  });
});
