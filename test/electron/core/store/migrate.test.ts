import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { migrate, readMigrations } from '../../../../electron/core/store/migrate.ts';
import { writeFiles } from '../../support/files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

suite('migrations', () => {
  test('are numbered without a gap', (t) => {
    assert.ok(readMigrations().length >= 1);
    const folder = temporaryFolder(t);
    writeFiles(folder, { '0001-a.sql': '', '0003-b.sql': '' });
    assert.throws(() => readMigrations(folder), /Expected migration 2 as 0002-\*\.sql, found 0003-b\.sql/);
  });

  test('bring an old library up to date and keep what it holds', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const database = new Database(path);
    const first = { version: 1, name: '1', sql: 'CREATE TABLE one (x); INSERT INTO one VALUES (7)' };
    const second = { version: 2, name: '2', sql: 'ALTER TABLE one ADD COLUMN y DEFAULT 8' };
    migrate(database, path, [first]);
    migrate(database, path, [first, second]);
    migrate(database, path, [first, second]);
    assert.deepEqual(database.prepare('SELECT * FROM one').all(), [{ x: 7, y: 8 }]);
    assert.equal(database.pragma('user_version', { simple: true }), 2);
    database.close();
  });

  test('keep runs and results, and what was being scanned is due for it', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const old = new Database(path);
    migrate(old, path, readMigrations().slice(0, 3));
    old.exec(`
      INSERT INTO models VALUES ('ab', 'm', '/m', '{}');
      INSERT INTO folders (id, path) VALUES (1, '/p');
      INSERT INTO images (id, folder_id, relative_path, file_size, modified_ms, scan) VALUES (1, 1, 'a.jpg', 1, 1, 1);
      INSERT INTO runs VALUES (1, '{}', 'one', 'ab', 'scanning', '2026-01-01', NULL), (2, '{}', 'two', 'ab', 'done', '', '');
      INSERT INTO results (run_id, image_id, status) VALUES (1, 1, 'pending'), (2, 1, 'ok')`);
    old.close();
    const library = Library.open(path);
    const runs = library.runs.all().map(({ id, state, scanDue }) => [id, state, scanDue]);
    assert.deepEqual(runs, [
      [1, 'paused', true],
      [2, 'done', false],
    ]);
    assert.equal(library.results.counts(2).ok, 1);
    library.queue.add({ runId: 1, threads: undefined, batch: undefined }, 'last');
    assert.equal(library.runs.get(1)?.state, 'queued');
    library.runs.remove(1);
    assert.deepEqual([library.queue.all(), library.results.counts(1).total], [[], 0]);
    library.close();
  });

  test('that fail leave the library as it was', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const database = new Database(path);
    const broken = { version: 1, name: '1', sql: 'CREATE TABLE one (x); CREATE TABLE one (x)' };
    assert.throws(() => migrate(database, path, [broken]), /already exists/);
    assert.deepEqual(database.prepare('SELECT name FROM sqlite_schema').all(), []);
    database.close();
  });
});
