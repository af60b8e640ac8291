import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import Database from 'better-sqlite3';
import { LibraryUpdate } from '../../../../electron/core/reading/update-library.ts';
import { migrate, readMigrations } from '../../../../electron/core/store/migrate.ts';
import { isOfOlderWinnow } from '../../../../electron/core/store/open-database.ts';
import { session } from '../../support/test-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A library as Winnow made it seven versions after the first. */
function oldLibrary(folder: string): string {
  const path = join(folder, 'library.db');
  const database = new Database(path);
  migrate(database, path, readMigrations().slice(0, 7));
  database.exec(`INSERT INTO folders (id, path, scan) VALUES (1, '/pictures', 1)`);
  database.close();
  return path;
}

suite('a library of an older Winnow', () => {
  test('is brought up to date in another thread, and it is told when that takes long', async (t) => {
    const path = oldLibrary(temporaryFolder(t));
    const told: boolean[] = [];
    const update: LibraryUpdate = new LibraryUpdate((isDone) => {
      assert.equal(update.isTold, true);
      told.push(isDone);
    }, 0);
    await Promise.all([update.settle(path), update.settle(path)]);
    assert.deepEqual(told, [false, true]);
    assert.equal(update.isTold, false);
    const database = new Database(path, { readonly: true });
    assert.equal(database.pragma('user_version', { simple: true }), readMigrations().length);
    database.close();
    await update.settle(path);
    assert.deepEqual(told, [false, true]);
  });

  test('is up to date for the first call that needs it, and settings do not wait', async (t) => {
    const { app, events } = session(t, oldLibrary(temporaryFolder(t)));
    const folders = app.listFolders({});
    await app.settings({}); // does not wait
    assert.deepEqual(
      (await folders).map(({ path }) => path),
      ['/pictures'],
    );
    // Whoever is told of the beginning is told of the end.
    const told = events.filter(({ type }) => type === 'updatingLibrary').length;
    assert.ok(told === 0 || told === 2);
  });

  test('is none that is missing, new, of another program, or up to date', async (t) => {
    const folder = temporaryFolder(t);
    const path = oldLibrary(folder);
    assert.equal(isOfOlderWinnow(path), true);
    for (const bytes of ['', 'SQLite format 3', 'x'.repeat(200)]) {
      writeFileSync(join(folder, 'other'), bytes);
      assert.equal(isOfOlderWinnow(join(folder, 'other')), false);
    }
    assert.equal(isOfOlderWinnow(join(folder, 'missing')), false);
    assert.equal(isOfOlderWinnow(folder), false);
    await new LibraryUpdate(() => undefined).settle(path);
    assert.equal(isOfOlderWinnow(path), false);
  });
});
