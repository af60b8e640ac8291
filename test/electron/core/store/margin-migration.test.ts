import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { migrate, readMigrations } from '../../../../electron/core/store/migrate.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

suite('a library from before the order by margin', () => {
  test('keeps its results and reviews, and lists them so', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const database = new Database(path);
    migrate(database, path, readMigrations().slice(0, 5));
    database.exec(`
      INSERT INTO folders (id, path, scan) VALUES (1, '/pictures', 1);
      INSERT INTO images (id, folder_id, relative_path, file_size, modified_ms, scan)
        VALUES (1, 1, 'sure.jpg', 1, 1, 1), (2, 1, 'close.jpg', 1, 1, 1), (3, 1, 'broken.jpg', 1, 1, 1);
      INSERT INTO models VALUES ('abc', 'model', '/model', '{}');
      INSERT INTO runs (id, spec, spec_key, model_sha256, state, created_at)
        VALUES (1, '{"folders": ["/pictures"]}', 'key', 'abc', 'done', '2026');
      INSERT INTO results (run_id, image_id, status, class_1, confidence_1, class_2, confidence_2, directions)
        VALUES (1, 1, 'ok', 4, 0.9, 2, 0.05, x'0301'), (1, 2, 'ok', 3, 0.5, 1, 0.45, x'0100'),
          (1, 3, 'failed', NULL, NULL, NULL, NULL, NULL);
      INSERT INTO reviews (image_id, label, verified_at) VALUES (2, 'fox', '2026');`);
    const before = database.prepare<[], object>('SELECT * FROM results').all();
    database.close();

    const library = Library.open(path);
    t.after(() => library.close());
    assert.deepEqual([...library.resultQueries.find(1, {}, { sort: 'lowestMargin' })], [2, 1, 3]);
    assert.deepEqual([...library.resultQueries.find(1, { status: 'verified' }, { sort: 'path' })], [2]);
    assert.equal(library.resultQueries.verified(1), 1);
    const reader = new Database(path, { readonly: true });
    t.after(() => reader.close());
    const kept = Object.keys(before[0] ?? {}).join(', '); // later migrations add columns
    assert.deepEqual(reader.prepare(`SELECT ${kept} FROM results`).all(), before);
    const plan = reader
      .prepare<[], { detail: string }>(
        `EXPLAIN QUERY PLAN SELECT image_id FROM results INDEXED BY results_listing WHERE run_id = 1
        ORDER BY confidence_1 - confidence_2, image_id`,
      )
      .all();
    assert.match(plan[0]?.detail ?? '', /USING COVERING INDEX results_listing/);
  });
});
