import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { FoldersTable } from '../../../../electron/core/store/tables/folders.ts';
import { ImagesTable } from '../../../../electron/core/store/tables/images.ts';
import { toLibraryError } from '../../../../electron/core/store/library-error.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import { migrate } from '../../../../electron/core/store/migrate.ts';
import { writeFiles } from '../../support/files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const refusal = (message: RegExp) => ({ name: 'AppError', code: 'LIBRARY', message });

/** Runs `work` as AppService does: what SQLite throws becomes an AppError. */
function answering(path: string, work: () => unknown): () => void {
  return () => {
    try {
      work();
    } catch (error) {
      throw toLibraryError(error, path);
    }
  };
}

function seeFiles(folders: FoldersTable, images: ImagesTable, count: number): void {
  const { id } = folders.ensure('/pictures');
  for (let index = 0; index < count; index++) {
    images.see(id, { relativePath: `a folder/with a picture ${index}.jpg`, fileSize: 1, modifiedMs: 1 }, 1);
  }
}

suite('opening a library', () => {
  test('makes it, with its folders, and opens it again', (t) => {
    const path = join(temporaryFolder(t), 'a/b/library.db');
    const made = Library.open(path);
    const { id } = made.folders.ensure('/pictures');
    made.close();
    const library = Library.open(path);
    assert.equal(library.folders.ensure('/pictures').id, id);
    library.close();
  });

  test('of a newer version is refused', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    Library.open(path).close();
    const database = new Database(path);
    database.pragma('user_version = 99');
    database.close();
    assert.throws(() => Library.open(path), refusal(/has version 99; this Winnow knows versions up to \d+$/));
  });

  test('of another program is refused and leaves it alone', (t) => {
    const path = join(temporaryFolder(t), 'other.db');
    const database = new Database(path);
    database.exec('CREATE TABLE theirs (x)');
    assert.throws(() => Library.open(path), refusal(/of another program, not a Winnow library$/));
    assert.deepEqual(database.prepare('SELECT name FROM sqlite_schema').pluck().all(), ['theirs']);
    database.close();
  });

  test('that is no database is refused', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    writeFileSync(path, 'This is a text and not a database. '.repeat(100));
    assert.throws(
      () => Library.open(path),
      refusal(/is not a Winnow library or is damaged \(SQLITE_NOTADB\)$/),
    );
  });

  test('below a file is refused', (t) => {
    const folder = temporaryFolder(t);
    writeFiles(folder, { file: '' });
    assert.throws(() => Library.open(join(folder, 'file/library.db')), refusal(/^The folder of the library/));
  });
});

suite('a library', () => {
  test('that is damaged says so', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const library = Library.open(path);
    library.transaction(() => seeFiles(library.folders, library.images, 5000));
    library.close();
    const bytes = readFileSync(path);
    bytes.fill(0xa5, 4096 * 48); // behind the schema
    writeFileSync(path, bytes);
    const damaged = Library.open(path);
    assert.throws(
      answering(path, () => damaged.transaction(() => seeFiles(damaged.folders, damaged.images, 5000))),
      refusal(/is damaged \(SQLITE_CORRUPT\w*\)$/),
    );
    damaged.close();
  });

  test('is written by one Winnow at a time and read by any', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const [one, other] = [Library.open(path), Library.open(path)];
    const lock = one.acquireWriter();
    assert.throws(() => other.acquireWriter(), refusal(/^Another Winnow is writing to the library/));
    assert.deepEqual(other.runs.all(), []);
    lock.release();
    other.acquireWriter().release();
    one.close();
    other.close();
  });

  test('that is locked says so', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const library = Library.open(path);
    const other = new Database(path);
    other.exec('BEGIN IMMEDIATE');
    assert.throws(
      answering(path, () => library.transaction(() => library.folders.ensure('/pictures'))),
      refusal(/is locked by another Winnow \(SQLITE_BUSY\)$/),
    );
    other.close();
    library.close();
  });

  test('on a full disk keeps what was saved and says how to go on', (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const database = new Database(path);
    migrate(database, path);
    const [folders, images] = [new FoldersTable(database), new ImagesTable(database)];
    seeFiles(folders, images, 100);
    database.pragma('max_page_count = 50'); // SQLite then fails as it does without space
    assert.throws(
      answering(
        path,
        database.transaction(() => seeFiles(folders, images, 100_000)),
      ),
      { ...refusal(/the disk is full \(SQLITE_FULL\)$/), code: 'DISK_FULL', hint: /winnow resume/ },
    );
    assert.equal(database.prepare('SELECT count(*) FROM images').pluck().get(), 100);
    database.close();
  });
});
