import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import { extractPreview } from '../../../../electron/engine/pictures/decoder-threads.ts';
import { EngineClient } from '../../../../electron/engine/hosts/engine-client.ts';
import { dng } from '../../support/dng.ts';
import { writeFiles } from '../../support/files.ts';
import { draw, drawPixels } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { tiff } from '../../support/tiff.ts';

const size = { width: 320, height: 240 };
const preview = () => draw(size.width, size.height).jpeg({ quality: 95 }).toBuffer();

suite('RAW files of cameras', () => {
  const decoder = prepareDecoder();

  test('are the JPEG that the camera put into them', async () => {
    const jpeg = await preview();
    const file = dng({ preview: jpeg, previewSize: size });
    const header = await decoder.readHeader(file);
    assert.deepEqual([header.width, header.height, header.captured?.at], [320, 240, '2023-04-05T06:07:08']);
    const { pixels, width, height } = await decoder.decode(file, header, 32);
    assert.deepEqual([width, height], [320, 240]);
    assert.ok(Buffer.from(pixels).equals(await sharp(jpeg).raw().toBuffer()));
  });

  test('are turned as the camera was held', async () => {
    const file = dng({ preview: await preview(), previewSize: size, orientation: 6 });
    const header = await decoder.readHeader(file);
    assert.deepEqual([header.width, header.height], [240, 320]);
    const { width, height } = await decoder.decode(file, header, 32);
    assert.deepEqual([width, height], [240, 320]);
  });

  test('are not turned twice when their JPEG says how it lies', async () => {
    const jpeg = await draw(size.width, size.height).withMetadata({ orientation: 8 }).jpeg().toBuffer();
    const header = await decoder.readHeader(dng({ preview: jpeg, previewSize: size, orientation: 8 }));
    assert.deepEqual([header.width, header.height], [240, 320]);
  });

  test('without a JPEG, or with a broken one, are bad pictures', async () => {
    const cases: [file: Buffer, reason: RegExp][] = [
      [dng({}), /holds no JPEG of its picture, and Winnow does not develop RAW files/],
      [dng({ preview: Buffer.from('no JPEG'), previewSize: size }), /./],
    ];
    for (const [file, message] of cases) {
      const read = async () => decoder.decode(file, await decoder.readHeader(file), 32);
      await assert.rejects(read(), { name: 'AppError', code: 'BAD_IMAGE', message });
    }
  });

  test('are told from pictures that only look like them', async () => {
    const data = drawPixels(16, 16);
    const picture = tiff({
      width: 16,
      height: 16,
      samples: 3,
      bits: 8,
      data,
      kind: 'unsigned',
      photometric: 'black is zero',
    });
    assert.equal(await extractPreview(picture), undefined);
    assert.equal((await decoder.readHeader(await draw(9, 9).tiff().toBuffer())).format, 'tiff');
  });

  test('are rendered by the engine', async (t) => {
    const folder = temporaryFolder(t);
    writeFiles(folder, { 'a.dng': dng({ preview: await preview(), previewSize: size, orientation: 6 }) });
    const engine = new EngineClient();
    t.after(() => engine.close());
    const { bytes } = await engine.pictures.render(join(folder, 'a.dng'), { maxSide: 64 });
    const { width, height } = await sharp(bytes).metadata();
    assert.deepEqual([width, height], [48, 64]);
  });
});
