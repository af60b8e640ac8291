import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { LibraryReaders } from '../../../../electron/core/reading/library-readers.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import { testApp } from '../../support/test-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A library with one folder in it, and readers of it. */
function libraryWithReaders(t: TestContext) {
  const path = join(temporaryFolder(t), 'library.db');
  const library = Library.open(path);
  const readers = new LibraryReaders();
  t.after(async () => {
    await readers.close();
    library.close();
  });
  library.folders.ensure('/pictures');
  return { path, library, readers };
}

suite('readers of a library', () => {
  test('see what was saved before they were asked', async (t) => {
    const { library, readers } = libraryWithReaders(t);
    const paths = async () => (await readers.ask(library, 'countFolders', {})).map((folder) => folder.path);
    assert.deepEqual(await paths(), ['/pictures']);
    library.folders.ensure('/more');
    assert.deepEqual(await paths(), ['/more', '/pictures']);
  });

  test('answer while the library is written, and keep none of it waiting', async (t) => {
    const { library, readers } = libraryWithReaders(t);
    const asked = Array.from({ length: 8 }, () => readers.ask(library, 'summary', {}));
    const written = Array.from({ length: 50 }, (_, index) => library.folders.ensure(`/${index}`).id);
    assert.equal(new Set(written).size, 50);
    for (const { folders } of await Promise.all(asked)) assert.ok(folders >= 1 && folders <= 51);
  });

  test('cannot write', (t) => {
    const { path, library } = libraryWithReaders(t);
    const reading = Library.openToRead(path);
    t.after(() => reading.close());
    assert.throws(() => reading.folders.ensure('/other'), /readonly/);
    assert.deepEqual(library.folders.paths(), ['/pictures']);
  });

  test('throw what was thrown in them, with its code', async (t) => {
    const { library, readers } = libraryWithReaders(t);
    const missing = join(temporaryFolder(t), 'missing.db');
    await assert.rejects(readers.ask({ file: missing, changeLog: library.changeLog }, 'summary', {}), {
      name: 'AppError',
      code: 'LIBRARY',
      message: /missing\.db cannot be opened/,
    });
    assert.equal(existsSync(missing), false);
    assert.deepEqual(library.folders.paths(), ['/pictures']);
  });

  test('answer what was asked before they are closed, and start again afterwards', async (t) => {
    const { library, readers } = libraryWithReaders(t);
    const asked = [readers.ask(library, 'summary', {}), readers.ask(library, 'summary', {})];
    await readers.close();
    assert.deepEqual(
      (await Promise.all(asked)).map(({ folders }) => folders),
      [1, 1],
    );
    library.folders.ensure('/more');
    assert.equal((await readers.ask(library, 'summary', {})).folders, 2);
  });

  test('keep a process alive that waits for their end, also when the last answer comes before it', (t) => {
    const { path } = libraryWithReaders(t);
    const module = (name: string) =>
      JSON.stringify(new URL(`../../../../electron/core/${name}`, import.meta.url));
    const program = `
      import { LibraryReaders } from ${module('reading/library-readers.ts')};
      import { Library } from ${module('store/library.ts')};
      const library = Library.open(${JSON.stringify(path)});
      const readers = new LibraryReaders();
      const asked = readers.ask(library, 'summary', {});
      await readers.close();
      await asked;
      library.close();`;
    const file = join(temporaryFolder(t), 'program.mjs');
    writeFileSync(file, program);
    const { status, stderr } = spawnSync(process.execPath, [file], { encoding: 'utf8' });
    assert.equal(status, 0, stderr);
  });

  test('let go of the write-ahead log, so that it does not grow for ever', async (t) => {
    const { path, library, readers } = libraryWithReaders(t);
    await readers.ask(library, 'summary', {});
    await readers.close();
    library.close();
    // The last connection that closes writes the log into the file; a reader that is left would keep it.
    assert.equal(existsSync(`${path}-wal`), false);
    Library.open(path).close();
  });
});

test('a library that was read in other threads can be replaced by a backup of it', async (t) => {
  const { app, folder } = testApp(t, 3);
  await app.addFolder({ path: folder });
  const { path: file } = await app.backUpLibrary({});
  await app.removeFolder({ folderId: 1 });
  assert.deepEqual(await app.listFolders({}), []);
  await app.restoreLibrary({ file });
  assert.deepEqual(
    (await app.listFolders({})).map(({ images }) => images),
    [3],
  );
});
