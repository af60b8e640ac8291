import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { suite, test } from 'node:test';
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

  test('that fail leave the library as it was', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const database = new Database(path);
    const broken = { version: 1, name: '1', sql: 'CREATE TABLE one (x); CREATE TABLE one (x)' };
    assert.throws(() => migrate(database, path, [broken]), /already exists/);
    assert.deepEqual(database.prepare('SELECT name FROM sqlite_schema').all(), []);
    database.close();
  });
});
