import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { migrate, readMigrations } from '../../../../electron/core/store/migrate.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

suite('a library from before reviews', () => {
  test('learns file names, finished scans and how many scan directions ran', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const database = new Database(path);
    migrate(database, path, readMigrations().slice(0, 2));
    database.exec(`
      INSERT INTO folders (id, path, scan) VALUES (1, '/pictures', 4);
      INSERT INTO images (id, folder_id, relative_path, file_size, modified_ms, scan)
        VALUES (1, 1, 'a/a/b.jpg', 1, 1, 4), (2, 1, 'c.jpg', 1, 1, 3);
      INSERT INTO models VALUES ('abc', 'model', '/model', '{}');
      INSERT INTO runs VALUES (1, '{"folders": ["/pictures"]}', 'key', 'abc', 'done', '2026', '2026');
      INSERT INTO results (run_id, image_id, status, class_1, confidence_1, directions)
        VALUES (1, 1, 'ok', 0, 0.5, x'0003010200'), (1, 2, 'failed', NULL, NULL, NULL);`);
    database.close();

    const library = Library.open(path);
    t.after(() => library.close());
    const [folder] = library.folders.counted();
    assert.deepEqual([folder?.images, folder?.labelled, folder?.verified], [1, 1, 0]);
    const reader = new Database(path, { readonly: true });
    t.after(() => reader.close());
    const rows = reader.prepare('SELECT blocks_run FROM results ORDER BY image_id').pluck().all();
    assert.deepEqual(rows, [4, null]);
    assert.deepEqual(reader.prepare('SELECT name FROM images ORDER BY id').pluck().all(), ['b.jpg', 'c.jpg']);
  });
});
