import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { PictureError } from '../../../../electron/shared/picture-problem.ts';
import { writeFiles } from '../../support/files.ts';
import { draw, drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { tiff } from '../../support/tiff.ts';
import { engineClient, everydayDial as dial, everydayModel } from '../../support/engine-client.ts';

const crashingHost = join(import.meta.dirname, '../hosts/crashing-host.ts');
const badImage = (message: RegExp) => ({ name: 'AppError', code: 'BAD_IMAGE', message });

/** Format, width and height of rendered bytes. */
async function shape(bytes: Uint8Array) {
  const { format, width, height, orientation } = await sharp(bytes).metadata();
  return { format, width, height, orientation };
}

suite('rendering', () => {
  test('makes an upright thumbnail and leaves small pictures as small as they are', async (t) => {
    const engine = engineClient(t);
    const folder = temporaryFolder(t);
    const turned = join(folder, 'turned.jpg');
    writeFileSync(turned, await draw(600, 300).withMetadata({ orientation: 6 }).jpeg().toBuffer());
    const large = await engine.pictures.render(turned, { maxSide: 256 });
    assert.equal(large.type, 'image/webp');
    assert.deepEqual(await shape(large.bytes), {
      format: 'webp',
      width: 128,
      height: 256,
      orientation: undefined,
    });
    const small = join(folder, 'small.png');
    writeFileSync(small, await draw(20, 10).png().toBuffer());
    const { width, height } = await shape((await engine.pictures.render(small, { maxSide: 256 })).bytes);
    assert.deepEqual([width, height], [20, 10]);
  });

  test('makes a whole JPEG of what browsers do not show', async (t) => {
    const engine = engineClient(t);
    const path = join(temporaryFolder(t), 'picture.tif');
    writeFileSync(path, await draw(70, 30).withMetadata({ orientation: 3 }).tiff().toBuffer());
    const { bytes, type } = await engine.pictures.render(path, {});
    assert.equal(type, 'image/jpeg');
    assert.deepEqual(await shape(bytes), {
      format: 'jpeg',
      width: 70,
      height: 30,
      orientation: undefined,
    });
    const upright = await sharp(await draw(70, 30).rotate(180).png().toBuffer())
      .raw()
      .toBuffer();
    const shown = await sharp(bytes).raw().toBuffer();
    const difference = upright.reduce((sum, value, index) => sum + Math.abs(value - (shown[index] ?? 0)), 0);
    assert.ok(difference / upright.length < 16);
  });

  test('shows floats from 0 to 1 from black to white', async (t) => {
    const engine = engineClient(t);
    const data = Buffer.alloc(16 * 16 * 4);
    for (let pixel = 0; pixel < 256; pixel++) data.writeFloatLE(pixel % 16 < 8 ? 0 : 1, pixel * 4);
    const path = join(temporaryFolder(t), 'float.tif');
    const picture = { width: 16, height: 16, samples: 1, bits: 32, data };
    writeFileSync(path, tiff({ ...picture, kind: 'float', photometric: 'black is zero' }));
    const { channels } = await sharp((await engine.pictures.render(path, { maxSide: 256 })).bytes).stats();
    assert.ok(channels.every(({ min, max }) => min < 10 && max > 245));
  });

  test('needs no model and goes on beside a run', async (t) => {
    const engine = engineClient(t);
    const folder = temporaryFolder(t);
    await drawFolder(folder, 30);
    const paths = readdirSync(folder).map((name) => join(folder, name));
    await engine.pictures.render(paths[0] ?? '', { maxSide: 256 });
    await engine.open(everydayModel);
    const predictions = engine.predict(paths, dial);
    const pictures = await Promise.all(paths.map((path) => engine.pictures.render(path, { maxSide: 16 })));
    for (const { bytes } of pictures) assert.equal((await shape(bytes)).width, 16);
    assert.ok((await predictions).every(({ status }) => status === 'ok'));
  });

  test('says of a file that shows no picture why', async (t) => {
    const engine = engineClient(t);
    const folder = temporaryFolder(t);
    writeFiles(folder, { 'text.jpg': 'text', 'empty.jpg': '' });
    const ask = (name: string) => engine.pictures.render(join(folder, name), { maxSide: 256 });
    await assert.rejects(ask('text.jpg'), badImage(/no picture in a format/));
    await assert.rejects(ask('empty.jpg'), badImage(/is empty/));
    await assert.rejects(ask('gone.jpg'), badImage(/does not exist/));
  });

  test('survives a picture that crashes the host, also beside a run, and does not try it again', async (t) => {
    const crashes: string[] = [];
    const engine = engineClient(t, { hostEntry: crashingHost });
    engine.onCrash((reason) => crashes.push(reason));
    const folder = temporaryFolder(t);
    await drawFolder(folder, 8);
    const paths = readdirSync(folder).map((name) => join(folder, name));
    writeFiles(folder, { 'crash.jpg': 'EXIT' });
    await engine.open(everydayModel);
    const crash = () => engine.pictures.render(join(folder, 'crash.jpg'), { maxSide: 256 });
    const [outcomes] = await Promise.all([
      engine.predict(paths, dial),
      assert.rejects(
        crash(),
        (error) => error instanceof PictureError && /exit code 7/.test(error.problem.details ?? ''),
      ),
      ...paths.map((path) => engine.pictures.render(path, { maxSide: 256 })),
    ]);
    assert.ok(outcomes.every(({ status }) => status === 'ok'));
    const crashed = crashes.length;
    await assert.rejects(crash(), badImage(/crashes the engine/));
    assert.equal(crashes.length, crashed);
  });
});
