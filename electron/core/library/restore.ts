import Database from 'better-sqlite3';
import { constants, copyFileSync, existsSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { backupFolder, backupPath } from '../store/backups.ts';
import { toLibraryError } from '../store/library-error.ts';
import { refuseForeign } from '../store/migrate.ts';
import { acquireWriterLock } from '../store/writer-lock.ts';
import { toFileSystemError } from '../write-file.ts';

export interface RestoreOptions {
  now: number; // milliseconds
  /** Closes the library here, once nothing speaks against replacing it. */
  close: () => void;
}

/** Throws what `restoreLibrary` would throw of a backup; gives its absolute path. Changes nothing. */
export function checkRestore(libraryPath: string, file: string): string {
  const backup = resolve(file);
  if (!existsSync(backup)) throw new AppError('NOT_FOUND', `There is no backup ${backup}`, 'Check its name.');
  if (backup === resolve(libraryPath)) {
    throw new AppError('BAD_ARGUMENT', `${backup} is the library itself`, 'Name one of its backups.');
  }
  checkBackup(backup);
  return backup;
}

/**
 * Puts a backup in the place of the library at `libraryPath`. The present library becomes a backup first, damaged or not.
 * Nothing has changed when this throws: NOT_FOUND, or LIBRARY when the backup is damaged, of a newer version or no
 * library, or when the library is in use elsewhere or worked on.
 */
export function restoreLibrary(libraryPath: string, file: string, { now, close }: RestoreOptions): void {
  const backup = checkRestore(libraryPath, file);
  mkdirSync(dirname(libraryPath), { recursive: true });
  const lock = acquireWriterLock(libraryPath);
  const incoming = `${libraryPath}.${process.pid}.partial`;
  try {
    copyFileSync(backup, incoming, constants.COPYFILE_FICLONE);
    close();
    settlePresent(libraryPath);
    setAside(libraryPath, now);
    renameSync(incoming, libraryPath);
  } catch (error) {
    rmSync(incoming, { force: true });
    throw toFileSystemError(error, libraryPath);
  } finally {
    lock.release();
  }
}

/** Reads the whole backup: indices against tables too, since it will stay for long. */
function checkBackup(path: string): void {
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { readonly: true, fileMustExist: true });
    refuseForeign(database, path);
    const finding = database.pragma('integrity_check(1)', { simple: true }) as string;
    if (finding === 'ok') return;
    throw new AppError('LIBRARY', `The backup ${path} is damaged (${finding})`, 'Choose another backup.');
  } catch (error) {
    const known = toLibraryError(error, path);
    if (!(known instanceof AppError)) throw known;
    throw new AppError(known.code, known.message, 'Choose another backup.', { cause: error });
  } finally {
    database?.close();
  }
}

/** Writes what the library's log still holds into its file, which shows too whether anyone has it open. */
function settlePresent(path: string): void {
  if (!existsSync(path)) return;
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    database.pragma('journal_mode = DELETE'); // needs the file for itself
  } catch (error) {
    if (!(error instanceof Database.SqliteError)) throw error;
    if (!/^SQLITE_(BUSY|LOCKED)/.test(error.code)) return; // damaged: it is set aside as it is, with its log
    throw new AppError(
      'LIBRARY',
      `The library ${path} is in use elsewhere`,
      'Close the other Winnow first.',
      {
        cause: error,
      },
    );
  } finally {
    database?.close();
  }
}

function setAside(path: string, now: number): void {
  if (!existsSync(path)) return;
  mkdirSync(backupFolder(path), { recursive: true });
  const aside = backupPath(path, 'replaced', now);
  renameSync(path, aside);
  for (const end of ['-wal', '-shm']) {
    if (statSync(path + end, { throwIfNoEntry: false }) !== undefined) renameSync(path + end, aside + end);
  }
}
