import assert from 'node:assert/strict';
import { test } from 'node:test';
import Database from 'better-sqlite3';
import { toLibraryError } from '../../../../electron/core/store/library-error.ts';
import { AppError } from '../../../../electron/shared/errors.ts';

test('whatever the disk does to a library, SQLite is translated into one sentence with what to do', () => {
  const codes: Record<string, [code: string, sentence: string]> = {
    SQLITE_READONLY: ['LIBRARY', 'may not be written'],
    SQLITE_READONLY_DIRECTORY: ['LIBRARY', 'may not be written'],
    SQLITE_READONLY_DBMOVED: ['LIBRARY', 'may not be written'],
    SQLITE_CANTOPEN: ['LIBRARY', 'cannot be opened'],
    SQLITE_CANTOPEN_ISDIR: ['LIBRARY', 'cannot be opened'],
    SQLITE_FULL: ['DISK_FULL', 'cannot grow because the disk is full'],
    SQLITE_IOERR: ['LIBRARY', 'cannot be read or written'],
    SQLITE_IOERR_WRITE: ['LIBRARY', 'cannot be read or written'],
    SQLITE_IOERR_FSYNC: ['LIBRARY', 'cannot be read or written'],
    SQLITE_IOERR_SHORT_READ: ['LIBRARY', 'cannot be read or written'],
    SQLITE_BUSY_SNAPSHOT: ['LIBRARY', 'is locked by another Winnow'],
    SQLITE_CORRUPT_VTAB: ['LIBRARY', 'is damaged'],
  };
  for (const [of, [code, sentence]] of Object.entries(codes)) {
    const cause = new Database.SqliteError('as SQLite says it', of);
    const error = toLibraryError(cause, '/a/library.db');
    assert.ok(error instanceof AppError, of);
    assert.equal(error.code, code);
    assert.equal(error.message, `The library /a/library.db ${sentence} (${of})`);
    assert.ok(error.hint !== undefined && error.hint !== '' && !error.hint.includes('\n'));
    assert.equal(error.cause, cause);
  }
  const mistake = new Database.SqliteError('no such column: x', 'SQLITE_ERROR'); // Winnow's own
  assert.equal(toLibraryError(mistake, '/a/library.db'), mistake);
});
