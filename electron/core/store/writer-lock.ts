import Database from 'better-sqlite3';
import { AppError } from '../../shared/errors.ts';

/** The right to write runs into a library; held by one Winnow at a time. */
export interface WriterLock {
  release(): void;
}

/**
 * Takes the library's writer lock or throws at once. It is an exclusive SQLite lock on an empty file beside
 * the library: the operating system lets go of it when the process ends in any way, so it is never stale.
 */
export function acquireWriterLock(libraryPath: string): WriterLock {
  const database = new Database(`${libraryPath}-writer`, { timeout: 0 });
  try {
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))) throw error;
    throw new AppError(
      'LIBRARY',
      `Another Winnow is writing to the library ${libraryPath}`,
      'Wait until it has finished, or name another file with --library',
      { cause: error },
    );
  }
  return { release: () => database.close() };
}
