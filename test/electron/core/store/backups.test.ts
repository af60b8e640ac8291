import assert from 'node:assert/strict';
import { linkSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import {
  backupFolder,
  backupPath,
  listBackups,
  removeSharedBackups,
} from '../../../../electron/core/store/tables/backups.ts';
import { writeFiles } from '../../support/files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const at = (time: string) => Date.parse(time);

suite('backups of a library', () => {
  test('are listed with the last first, with time and size, and without what is none', (t) => {
    const folder = temporaryFolder(t);
    const library = join(folder, 'library.db');
    assert.deepEqual(listBackups(library), []); // there is no folder of them
    const paths = {
      second: backupPath(library, 'daily', at('2026-02-01T10:11:12.013Z')),
      third: backupPath(library, 'manual', at('2026-10-01T00:00:00.000Z')),
      first: backupPath(library, 'replaced', at('2025-12-31T23:59:59.999Z')),
      foreign: backupPath(join(folder, 'another.db'), 'daily', at('2026-03-01T00:00:00.000Z')),
    };
    mkdirSync(backupFolder(library), { recursive: true });
    writeFiles('/', { [paths.second]: 'two', [paths.third]: 'three', [paths.first]: 'the first' });
    writeFiles('/', { [paths.foreign]: 'x', [`${paths.first}.part`]: 'x' });
    assert.deepEqual(listBackups(library), [
      { path: paths.third, createdAt: '2026-10-01T00:00:00.000Z', bytes: 5 },
      { path: paths.second, createdAt: '2026-02-01T10:11:12.013Z', bytes: 3 },
      { path: paths.first, createdAt: '2025-12-31T23:59:59.999Z', bytes: 9 },
    ]);
    assert.deepEqual(
      listBackups(library, 'daily').map(({ path }) => path),
      [paths.second],
    );
  });

  test('that are the library itself by a second name are none, and that name is taken away', (t) => {
    const folder = temporaryFolder(t);
    const library = join(folder, 'library.db');
    writeFiles(folder, { 'library.db': 'the library' });
    mkdirSync(backupFolder(library), { recursive: true });
    const shared = backupPath(library, 'replaced', at('2026-01-01T00:00:00.000Z'));
    const own = backupPath(library, 'replaced', at('2026-01-02T00:00:00.000Z'));
    linkSync(library, shared);
    writeFiles('/', { [own]: 'a copy' });
    assert.deepEqual(
      listBackups(library).map(({ path }) => path),
      [own],
    );
    removeSharedBackups(library);
    linkSync(library, `${library}.other`); // so that the library has two names still
    removeSharedBackups(library);
    assert.deepEqual(
      listBackups(library).map(({ path }) => path),
      [own],
    );
  });
});
