import Database from 'better-sqlite3';
import { existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { LibraryBackup } from '../../shared/api/settings.ts';
import { AppError } from '../../shared/errors.ts';
import { backupFolder } from '../store/backups.ts';
import { checkDatabase } from '../store/library.ts';
import type { Library } from '../store/library.ts';
import { toFileSystemError } from '../write-file.ts';

/**
 * Copies a library that is in use to `out`, as a whole or not at all, and reads the copy once: a backup of a damaged
 * library is none. Rejects with LIBRARY when it is damaged, FILE_SYSTEM when the copy cannot be written.
 */
export async function backUpLibrary(library: Library, out: string, now: number): Promise<LibraryBackup> {
  const path = resolve(out);
  if (path === resolve(library.path)) {
    throw new AppError('BAD_ARGUMENT', `${path} is the library itself`, 'Name another file for its backup.');
  }
  const partial = `${path}.${process.pid}.partial`;
  try {
    if (dirname(path) === backupFolder(library.path)) mkdirSync(dirname(path), { recursive: true });
    statSync(dirname(path)); // SQLite's own words for a folder that is not there help nobody
    await library.copyTo(partial);
    settle(partial, library.path);
    renameSync(partial, path);
    return { path, createdAt: new Date(now).toISOString(), bytes: statSync(path).size };
  } catch (error) {
    removeDatabase(partial);
    throw backupFailure(error, path);
  }
}

/** Makes a copy one file that needs no other, and checks it. */
function settle(copy: string, libraryPath: string): void {
  const database = new Database(copy);
  try {
    database.pragma('journal_mode = DELETE');
    checkDatabase(database, libraryPath);
  } finally {
    database.close();
  }
}

function removeDatabase(path: string): void {
  const files = ['', '-wal', '-shm', '-journal'].map((end) => path + end);
  for (const file of files) if (existsSync(file)) rmSync(file);
}

function backupFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return toFileSystemError(error, path);
  const reason = error.code === 'SQLITE_FULL' ? 'the disk is full' : error.message;
  return new AppError(
    'FILE_SYSTEM',
    `The backup ${path} cannot be written: ${reason}`,
    'Name another place.',
    {
      cause: error,
    },
  );
}
