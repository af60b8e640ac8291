import assert from 'node:assert/strict';
import {
  existsSync,
  globSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { PictureSource } from '../../../../electron/core/pictures/picture-source.ts';
import type { PictureContent } from '../../../../electron/core/pictures/picture-source.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import { abandonedPath } from '../../support/abandoned-path.ts';
import { EngineDouble } from '../../support/engine-double.ts';
import { writeFiles } from '../../support/files.ts';
import { draw } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Pictures over a library whose folder holds files; `put` takes a file into the library and gives its number. */
function source(t: TestContext, cacheBytes = 1e6) {
  const root = temporaryFolder(t);
  const folder = join(root, 'pictures');
  mkdirSync(folder);
  const library = Library.open(join(root, 'library.db'));
  t.after(() => library.close());
  const engine = new EngineDouble();
  const failures: string[] = [];
  const cacheFolder = join(root, 'thumbnails');
  const folderId = library.folders.ensure(folder).id;
  const pictures = new PictureSource({
    library: () => library,
    locateTrainingPicture: () => Promise.reject(new Error('there is no training')),
    engine,
    clock: Date.now,
    cacheFolder,
    cacheBytes: () => cacheBytes,
    onCacheFailure: (message) => failures.push(message),
  });
  const put = (relativePath: string, content?: string | Uint8Array): number => {
    if (content !== undefined) writeFiles(folder, { [relativePath]: content });
    return library.images.see(folderId, { relativePath, fileSize: 0, modifiedMs: 0 }, 1);
  };
  return { root, folder, cacheFolder, pictures, engine, failures, put };
}

async function bytesOf({ body }: PictureContent): Promise<Buffer> {
  return Buffer.from(await new Response(body).arrayBuffer());
}

const thumbnail = async (pictures: PictureSource, id: number, signal?: AbortSignal) =>
  (await pictures.thumbnail(id)).load(signal);

suite('pictures', () => {
  test('are the files themselves where browsers show them, by their content', async (t) => {
    const { pictures, put, engine } = source(t);
    const jpeg = await draw(40, 30).jpeg().toBuffer();
    const content = await (await pictures.picture(put('named.png', jpeg))).load();
    assert.deepEqual([content.type, content.size], ['image/jpeg', jpeg.length]);
    assert.ok((await bytesOf(content)).equals(jpeg));
    assert.deepEqual(engine.rendered, []);
  });

  test('are rendered where browsers do not show the file', async (t) => {
    const { pictures, put, engine } = source(t);
    const content = await (await pictures.picture(put('a.tif', await draw(9, 9).tiff().toBuffer()))).load();
    assert.equal(content.type, 'image/jpeg');
    assert.deepEqual(
      engine.rendered.map(({ options }) => options),
      [{}],
    );
  });

  test('are rendered where browsers would not turn the file upright', async (t) => {
    const { pictures, put, engine } = source(t);
    const plain = await draw(9, 9).webp().toBuffer();
    const turned = await draw(9, 9).withMetadata({ orientation: 6 }).webp().toBuffer();
    assert.equal((await (await pictures.picture(put('plain.webp', plain))).load()).type, 'image/webp');
    assert.equal((await (await pictures.picture(put('turned.webp', turned))).load()).type, 'image/jpeg');
    assert.equal(engine.rendered.length, 1);
  });

  test('are of the library only, inside its folders', async (t) => {
    const { pictures, put, root, folder } = source(t);
    writeFileSync(join(root, 'secret.jpg'), await draw(9, 9).jpeg().toBuffer());
    symlinkSync(join(root, 'secret.jpg'), join(folder, 'link.jpg'));
    symlinkSync(root, join(folder, 'up'));
    const outside = { code: 'BAD_IMAGE', message: /link to a file outside its folder/ };
    for (const path of ['link.jpg', 'up/secret.jpg', '../secret.jpg']) {
      const id = put(path);
      await assert.rejects(pictures.picture(id), outside, path);
      await assert.rejects(pictures.thumbnail(id), outside, path);
    }
    await assert.rejects(pictures.picture(4711), { code: 'NOT_FOUND', message: /no image 4711/ });
    await assert.rejects(pictures.picture(put('gone.jpg')), { code: 'NOT_FOUND', message: /not there/ });
  });

  test('change their tag with the file', async (t) => {
    const { pictures, put, folder } = source(t);
    const id = put('a.jpg', 'one');
    const [first, again] = [await pictures.picture(id), await pictures.picture(id)];
    assert.equal(first.etag, again.etag);
    writeFiles(folder, { 'a.jpg': 'other' });
    assert.notEqual((await pictures.picture(id)).etag, first.etag);
  });
});

suite('thumbnails', () => {
  test('are made once and then come from the disk, until the file changes', async (t) => {
    const { pictures, put, engine, folder } = source(t);
    const id = put('a.jpg', 'a picture');
    const made = await Promise.all([1, 2, 3].map(() => thumbnail(pictures, id)));
    for (const content of made) assert.equal(String(await bytesOf(content)), 'a picture');
    assert.equal(engine.rendered.length, 1);
    assert.equal(String(await bytesOf(await thumbnail(pictures, id))), 'a picture');
    assert.equal(engine.rendered.length, 1);
    writeFiles(folder, { 'a.jpg': 'another picture' });
    assert.equal(String(await bytesOf(await thumbnail(pictures, id))), 'another picture');
    assert.deepEqual(engine.rendered[1]?.options, { maxSide: 256 });
  });

  test('that nobody waits for any more are not made', async (t) => {
    const { pictures, put, engine } = source(t);
    const { promise: held, resolve: release } = Promise.withResolvers<undefined>();
    engine.beforeAnswer = () => held;
    const ids = Array.from({ length: 10 }, (_, index) => put(`${index}.jpg`, `picture ${index}`));
    const controllers = ids.map(() => new AbortController());
    const wanted = ids.map((id, index) => thumbnail(pictures, id, controllers[index]?.signal));
    const settled = Promise.allSettled(wanted);
    while (engine.rendered.length < 4) await new Promise(setImmediate);
    // Which are begun first is up to the disk.
    const begun = engine.rendered.map(({ path }) => Number(basename(path, '.jpg')));
    const left = ids.map((_, index) => index).filter((index) => !begun.includes(index));
    const [awaited = 0] = left;
    const other = thumbnail(pictures, ids[awaited] ?? 0); // another waits for this one
    for (const index of left) controllers[index]?.abort();
    const aborted = wanted.filter((_, index) => left.includes(index));
    await assert.rejects(Promise.race(aborted), { name: 'AbortError' });
    release(undefined);
    assert.deepEqual(
      (await settled).map(({ status }) => status === 'fulfilled'),
      ids.map((_, index) => begun.includes(index)),
    );
    assert.equal(String(await bytesOf(await other)), `picture ${awaited}`);
    assert.equal(engine.rendered.length, 5);
  });

  test('fail alone, with the reason', async (t) => {
    const { pictures, put } = source(t);
    await assert.rejects(thumbnail(pictures, put('bad.jpg', 'x')), { code: 'BAD_IMAGE' });
    assert.equal(String(await bytesOf(await thumbnail(pictures, put('good.jpg', 'y')))), 'y');
  });

  test('stay below their limit: those not used for longest go', async (t) => {
    const { pictures, put, cacheFolder, engine } = source(t, 5000);
    const ids = Array.from({ length: 5 }, (_, index) => put(`${index}.jpg`, String(index).repeat(1000)));
    for (const id of ids) await thumbnail(pictures, id);
    assert.equal(await pictures.cache.bytes(), 5000);
    for (const file of globSync(join(cacheFolder, '*/*'))) utimesSync(file, 1000, 1000); // long ago
    await thumbnail(pictures, ids[2] ?? 0); // from the disk: used now
    await thumbnail(pictures, put('new.jpg', 'n'.repeat(1000)));
    assert.ok((await pictures.cache.bytes()) <= 4500);
    const made = engine.rendered.length;
    await thumbnail(pictures, ids[2] ?? 0);
    assert.equal(engine.rendered.length, made);
    for (const id of ids) await thumbnail(pictures, id);
    assert.ok(engine.rendered.length > made);
  });

  test('can be cleared, and are not kept without room', async (t) => {
    const { pictures, put, cacheFolder } = source(t);
    const id = put('a.jpg', 'a');
    await thumbnail(pictures, id);
    assert.equal(await pictures.cache.bytes(), 1);
    await pictures.cache.clear();
    assert.equal(await pictures.cache.bytes(), 0);
    assert.equal(existsSync(cacheFolder), false);
    const small = source(t, 0);
    await thumbnail(small.pictures, small.put('a.jpg', 'a'));
    assert.equal(existsSync(small.cacheFolder), false);
  });

  test('leave nothing of a process that was killed while it kept one', async (t) => {
    const { pictures, put, cacheFolder } = source(t);
    mkdirSync(join(cacheFolder, 'ab'), { recursive: true });
    const dead = abandonedPath(join(cacheFolder, 'ab'));
    writeFileSync(dead, 'half');
    await thumbnail(pictures, put('a.jpg', 'a'));
    assert.equal(await pictures.cache.bytes(), 1);
    assert.equal(existsSync(dead), false);
  });

  test('are shown though the cache cannot be written; that is told once', async (t) => {
    const { pictures, put, cacheFolder, failures } = source(t);
    writeFileSync(cacheFolder, 'a file in the place of the folder');
    for (const name of ['a.jpg', 'b.jpg'])
      assert.equal((await thumbnail(pictures, put(name, 'a'))).type, 'image/webp');
    assert.equal(failures.length, 1);
    assert.match(failures[0] ?? '', /^Thumbnails cannot be kept in .*thumbnails: /);
  });

  test('leave no partial files', async (t) => {
    const { pictures, put, cacheFolder } = source(t);
    for (let index = 0; index < 20; index++) await thumbnail(pictures, put(`${index}.jpg`, `x${index}`));
    const files = readdirSync(cacheFolder, { recursive: true }).map(String);
    assert.equal(files.filter((name) => name.endsWith('.webp')).length, 20);
    assert.ok(!files.some((name) => name.endsWith('.partial')));
  });
});
