import Database from 'better-sqlite3';
import { closeSync, existsSync, fsyncSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { PRIVATE_FILE } from '../files/private.ts';

/** What SQLite puts beside a database. */
export const LOGS = ['-wal', '-shm', '-journal'];

/**
 * Fills the new file `path`, which others may not read, with a copy of a library: `copy` writes it, it is made one file that
 * needs no other, and `check` reads it. Nothing is left of it when any of that throws.
 */
export async function fillWithCopy(
  path: string,
  copy: () => Promise<void>,
  check: (database: Database.Database) => void,
): Promise<void> {
  try {
    writeFileSync(path, '', { flag: 'wx', mode: PRIVATE_FILE });
    await copy();
    const database = new Database(path);
    try {
      database.pragma('journal_mode = DELETE');
      check(database);
    } finally {
      database.close();
    }
    syncFile(path);
  } catch (error) {
    removeDatabase(path);
    throw error;
  }
}

/** Removes a database with what SQLite puts beside it. */
export function removeDatabase(path: string): void {
  const files = ['', ...LOGS].map((end) => path + end);
  for (const file of files) if (existsSync(file)) rmSync(file);
}

function syncFile(path: string): void {
  const file = openSync(path, 'r+');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
