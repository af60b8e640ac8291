import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { migrate, readMigrations } from '../../../../electron/core/store/migrate.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const BEFORE = readMigrations().findIndex(({ name }) => name.endsWith('class-sets.sql'));

const manifest = (task: string, ...names: string[]) =>
  JSON.stringify({ task, labels: names.map((name) => ({ name })) });

suite('a library from before class sets', () => {
  test('gives each review to the classes that it was given for', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const database = new Database(path);
    migrate(database, path, readMigrations().slice(0, BEFORE));
    database.exec(`
      INSERT INTO folders (id, path, scan) VALUES (1, '/pictures', 1);
      INSERT INTO images (id, folder_id, relative_path, file_size, modified_ms, scan)
        SELECT value, 1, value || '.jpg', 1, 1, 1 FROM json_each('[1, 2, 3, 4, 5, 6, 7, 8, 9]');`);
    const model = database.prepare('INSERT INTO models VALUES (?, ?, ?, ?)');
    const run = database.prepare(`
      INSERT INTO runs (id, spec, spec_key, model_sha256, state, created_at)
      VALUES (?, '{"folders": ["/pictures"]}', ?, ?, 'done', ?)`);
    const result = database.prepare("INSERT INTO results (run_id, image_id, status) VALUES (?, ?, 'ok')");
    const addRun = (id: number, name: string, text: string, createdAt: string, images: number[]) => {
      model.run(name, name, `/${name}`, text);
      run.run(id, name, name, createdAt);
      for (const image of images) result.run(id, image);
    };
    addRun(1, 'pets', manifest('classification', 'cat', 'dog'), '2026-01', [1, 2, 3, 4, 7, 8]);
    addRun(2, 'same', manifest('classification', 'dog', 'cat'), '2026-02', [1, 2]);
    addRun(3, 'street', manifest('classification', 'car', 'cat'), '2026-02', [1, 2, 4]);
    addRun(4, 'finder', manifest('detection', 'cat', 'car'), '2026-02', [1, 5, 8]);
    addRun(5, 'taught', manifest('classification', 'cat', 'dog', 'fox'), '2026-05', [1, 3, 7]);
    const review = database.prepare(
      'INSERT INTO reviews (image_id, label, verified_at, boxes) VALUES (?, ?, ?, ?)',
    );
    review.run(1, 'dog', '2026-03', null); // only pets has it
    review.run(2, 'cat', '2026-03', null); // pets and street had it then
    review.run(3, 'fox', '2026-03', null); // a new class: given in pets, the only run of then
    review.run(4, 'lorry', '2026-03', null); // a class of none: the last run of then
    review.run(5, 'lorry', '2026-03', JSON.stringify([{ label: 'lorry' }])); // boxes
    review.run(6, 'fox', '2026-03', null); // in no run: the models that have it
    review.run(7, 'cat', '2026-01-15', null); // before any other run
    review.run(8, '', '2026-03', '[]');
    review.run(9, 'lorry', '2026-03', null); // in no run, a class of no model
    database.close();

    const library = Library.open(path);
    t.after(() => library.close());
    const reader = new Database(path, { readonly: true });
    t.after(() => reader.close());
    const kept = reader
      .prepare(
        `SELECT image_id || ' ' || label || ' ' || task || ' ' || names || ' ' || verified_at FROM reviews
          JOIN class_sets ON class_sets.id = class_set ORDER BY image_id, names`,
      )
      .pluck()
      .all();
    assert.deepEqual(kept, [
      '1 dog classification ["cat","dog"] 2026-03',
      '2 cat classification ["car","cat"] 2026-03',
      '2 cat classification ["cat","dog"] 2026-03',
      '3 fox classification ["cat","dog"] 2026-03',
      '4 lorry classification ["car","cat"] 2026-03',
      '5 lorry detection ["car","cat"] 2026-03',
      '6 fox classification ["cat","dog","fox"] 2026-03',
      '7 cat classification ["cat","dog"] 2026-01-15',
      '8  detection ["car","cat"] 2026-03',
      '9 lorry  [] 2026-03',
    ]);
    assert.equal(reader.prepare('SELECT boxes FROM reviews WHERE image_id = 8').pluck().get(), '[]');
    assert.deepEqual([library.resultQueries.verified(1), library.resultQueries.verified(2)], [4, 2]);
    assert.deepEqual(reader.pragma('foreign_key_check'), []);
    const tables = "SELECT name FROM sqlite_schema WHERE name IN ('image_reviews', 'candidates')";
    assert.deepEqual(reader.prepare(tables).all(), []);
  });
});

suite('a library from before directories', () => {
  test('learns in which one each image lies', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const database = new Database(path);
    migrate(database, path, readMigrations().slice(0, BEFORE + 1));
    database.exec(`
      INSERT INTO folders (id, path, scan) VALUES (1, '/pictures', 1), (2, '/more', 1);
      INSERT INTO images (id, folder_id, relative_path, file_size, modified_ms, scan) VALUES
        (1, 1, 'top.jpg', 1, 1, 1), (2, 1, 'a/b/1.jpg', 1, 1, 1), (3, 1, 'a/b/2.jpg', 1, 1, 1),
        (4, 1, 'a/1.jpg', 1, 1, 1), (5, 2, 'a/b/1.jpg', 1, 1, 1), (6, 2, 'ä b/c.d/1.jpg', 1, 1, 1);`);
    database.close();

    Library.open(path).close();
    const reader = new Database(path, { readonly: true });
    t.after(() => reader.close());
    const directories = reader
      .prepare(
        `SELECT images.id || ' ' || directories.folder_id || ' ' || path FROM images
          JOIN directories ON directories.id = directory_id ORDER BY images.id`,
      )
      .pluck()
      .all();
    assert.deepEqual(directories, ['1 1 ', '2 1 a/b', '3 1 a/b', '4 1 a', '5 2 a/b', '6 2 ä b/c.d']);
  });
});
