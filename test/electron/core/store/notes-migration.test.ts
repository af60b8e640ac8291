import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { test } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { migrate, readMigrations } from '../../../../electron/core/store/migrate.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('a library from before the notes of runs keeps its runs, without any', (t) => {
  const path = join(temporaryFolder(t), 'library.db');
  const database = new Database(path);
  migrate(database, path, readMigrations().slice(0, 6));
  database.exec(`
    INSERT INTO models VALUES ('abc', 'model', '/model', '{}');
    INSERT INTO runs (id, spec, spec_key, model_sha256, state, created_at)
      VALUES (1, '{"folders": ["/pictures"]}', 'key', 'abc', 'done', '2026');`);
  database.close();
  const library = Library.open(path);
  t.after(() => library.close());
  assert.deepEqual(library.runs.get(1)?.notes, []);
  for (const note of ['One.', 'Two.', 'One.']) library.runs.addNote(1, note);
  assert.deepEqual(library.runs.get(1)?.notes, ['One.', 'Two.']);
});
