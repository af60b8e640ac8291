import Database from 'better-sqlite3';
import { existsSync } from 'node:fs';

/** A right that one process has at a time. */
export interface ExclusiveLock {
  release(): void;
}

/** Whoever looks whether a lock is held keeps it from others for a moment; that long is waited for it. */
const LOOK_MILLISECONDS = 50;

/**
 * Takes the lock of a file at once, or gives undefined when another has it. It is an exclusive SQLite lock on an empty file:
 * the operating system lets go of it when the process ends in any way, so it is never stale.
 */
export function takeExclusiveLock(path: string): ExclusiveLock | undefined {
  const database = new Database(path, { timeout: LOOK_MILLISECONDS });
  try {
    database.pragma('journal_mode = MEMORY');
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (!isBusy(error)) throw error;
    return undefined;
  }
  return { release: () => database.close() };
}

/** Whether a process that lives, this or another, has the lock of a file. Takes nothing and makes no file. */
export function isLockHeld(path: string): boolean {
  if (!existsSync(path)) return false; // nobody has ever taken it
  const database = new Database(path, { readonly: true, timeout: 0 });
  try {
    database.prepare('SELECT count(*) FROM sqlite_master').get(); // reads, which an exclusive lock forbids
    return false;
  } catch (error) {
    if (!isBusy(error)) throw error;
    return true;
  } finally {
    database.close();
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Database.SqliteError && error.code.startsWith('SQLITE_BUSY');
}
