import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { scanRun } from '../../../../electron/core/runs/scan-run.ts';
import { scanIntoLibrary } from '../../../../electron/core/runs/scan-library.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import { migrate, readMigrations } from '../../../../electron/core/store/migrate.ts';
import type { Manifest } from '../../../../electron/shared/model-package.ts';
import { writeFiles } from '../../support/files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const NO_CLASSES = { task: 'classification', labels: [] as Manifest['labels'] } as Manifest;

/** A library with a run on a folder of these files, scanned once. */
async function scannedRun(t: TestContext, names: readonly string[]) {
  const [folder, path] = [temporaryFolder(t), join(temporaryFolder(t), 'library.db')];
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, 'x'])));
  const library = Library.open(path);
  t.after(() => library.close());
  library.models.put({ sha256: 'abc', name: 'model', path: '/model', manifest: NO_CLASSES });
  const preset = { name: 'balanced', tokenKeep: [0.7], blockThreshold: 0.5, precision: 'fp32' as const };
  const spec = { folders: [folder], modelName: 'model', modelSha256: 'abc', preset, device: 'cpu' };
  const run = library.runs.ensure(spec, '2026-01-01T00:00:00.000Z');
  const scan = async (signal = new AbortController().signal) => {
    const notices: string[] = [];
    await scanRun(library, run, signal, {
      onFound: () => undefined,
      onNotice: (message) => notices.push(message),
    });
    return notices;
  };
  await scan();
  const paths = () => library.results.page(run.id, folder, '', 100).map(({ relativePath }) => relativePath);
  return { library, path, folder, scan, paths };
}

/** The rows of `images` as another program reads them. */
function imageRows(path: string): { name: string; scan: number; gone: number }[] {
  const reader = new Database(path, { readonly: true });
  const rows = reader.prepare('SELECT name, scan, gone FROM images ORDER BY relative_path').all();
  reader.close();
  return rows as { name: string; scan: number; gone: number }[];
}

suite('a scan into the library', () => {
  test('of a folder that was scanned before writes only what is new, changed or gone', async (t) => {
    const { path, folder, scan, paths } = await scannedRun(t, ['a.jpg', 'b.jpg', 'c.jpg']);
    await scan();
    const row = (name: string, number: number, gone = 0) => ({ name, scan: number, gone });
    assert.deepEqual(imageRows(path), [row('a.jpg', 1), row('b.jpg', 1), row('c.jpg', 1)]);
    writeFileSync(join(folder, 'b.jpg'), 'other content');
    renameSync(join(folder, 'c.jpg'), join(folder, 'd.jpg'));
    await scan();
    const next = [row('a.jpg', 1), row('b.jpg', 3), row('c.jpg', 1, 1), row('d.jpg', 3)];
    assert.deepEqual(imageRows(path), next);
    assert.deepEqual(paths(), ['a.jpg', 'b.jpg', 'd.jpg']);
    writeFileSync(join(folder, 'c.jpg'), 'x');
    await scan();
    assert.deepEqual(imageRows(path)[2], row('c.jpg', 4));
    assert.deepEqual(paths(), ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg']);
  });

  test('takes what a scan of the folder alone found gone out of a run, too', async (t) => {
    const { library, folder, scan, paths } = await scannedRun(t, ['a.jpg', 'b.jpg']);
    rmSync(join(folder, 'b.jpg'));
    const { signal } = new AbortController();
    const listener = { onFound: () => undefined, onNotice: () => undefined };
    assert.equal((await scanIntoLibrary(library, folder, signal, listener))?.vanished, 1);
    assert.deepEqual([library.summary().images, paths()], [1, ['a.jpg', 'b.jpg']]);
    await scan();
    assert.deepEqual(paths(), ['a.jpg']);
  });

  test('forgets nothing below a sub-folder that it cannot read', async (t) => {
    const names = ['a.jpg', 'a/1.jpg', 'a/b/2.jpg', 'a0/3.jpg', 'b/4.jpg'];
    const { library, folder, scan, paths } = await scannedRun(t, names);
    rmSync(join(folder, 'a0'), { recursive: true });
    // Permissions do not bind root, so the folder goes away when it was found but not yet read: it fails in the same place.
    const { signal } = new AbortController();
    Object.defineProperty(signal, 'aborted', {
      get() {
        rmSync(join(folder, 'a'), { recursive: true, force: true });
        return false;
      },
    });
    const notices = await scan(signal);
    assert.match(notices.join(), /^The folder .*\/a cannot be read and is left out/);
    assert.deepEqual([paths(), library.summary().images], [['a.jpg', 'a/1.jpg', 'a/b/2.jpg', 'b/4.jpg'], 4]);
    await scan();
    assert.deepEqual([paths(), library.summary().images], [['a.jpg', 'b/4.jpg'], 2]);
  });

  test('does not forget what a later one has found', async (t) => {
    const { library, folder } = await scannedRun(t, ['a.jpg']);
    const { id } = library.folders.ensure(folder);
    const [earlier, later] = [library.folders.beginScan(id), library.folders.beginScan(id)];
    const imageId = library.images.see(id, { relativePath: 'new.jpg', fileSize: 1, modifiedMs: 1 }, later);
    assert.equal(library.images.markGone([imageId], earlier), 0);
    assert.equal(library.images.markGone([imageId], later), 1);
    assert.equal(library.images.markGone([imageId], later), 0); // known already
  });
});

test('a library from before images were marked as gone keeps those of the last scan', (t) => {
  const path = join(temporaryFolder(t), 'library.db');
  const database = new Database(path);
  const before = readMigrations().findIndex(({ name }) => name.endsWith('-gone.sql'));
  migrate(database, path, readMigrations().slice(0, before));
  database.exec(`
    INSERT INTO folders (id, path, scan, finished_scan) VALUES (1, '/pictures', 4, 3);
    INSERT INTO images (folder_id, relative_path, file_size, modified_ms, scan)
      VALUES (1, 'a.jpg', 1, 1, 2), (1, 'b.jpg', 1, 1, 3), (1, 'c.jpg', 1, 1, 4);`);
  database.close();
  const library = Library.open(path);
  t.after(() => library.close());
  assert.equal(library.summary().images, 2);
  assert.deepEqual(
    imageRows(path).map(({ gone }) => gone),
    [1, 0, 0],
  );
});
