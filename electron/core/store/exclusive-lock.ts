import Database from 'better-sqlite3';

/** A right that one process has at a time. */
export interface ExclusiveLock {
  release(): void;
}

/**
 * Takes the lock of a file at once, or gives undefined when another has it. It is an exclusive SQLite lock on an empty file:
 * the operating system lets go of it when the process ends in any way, so it is never stale.
 */
export function takeExclusiveLock(path: string): ExclusiveLock | undefined {
  const database = new Database(path, { timeout: 0 });
  try {
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!(error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY'))) throw error;
    return undefined;
  }
  return { release: () => database.close() };
}
