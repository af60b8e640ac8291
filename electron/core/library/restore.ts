import Database from 'better-sqlite3';
import {
  chmodSync,
  constants,
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  renameSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import { AppError, codeOf } from '../../shared/errors.ts';
import { placeWhole } from '../files/place-whole.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER } from '../files/private.ts';
import { backupFolder, backupPath, removeSharedBackups } from '../store/tables/backups.ts';
import { toLibraryError } from '../store/library-error.ts';
import { requireLibrary } from '../store/migrate.ts';
import { acquireWriterLock } from '../store/writer-lock.ts';
import { toFileSystemError } from '../files/write-file.ts';
import { fillWithCopy, LOGS } from './copy-database.ts';

export interface RestoreOptions {
  now: number; // milliseconds
  /** These close the library here, once nothing speaks against replacing it. */
  closeReaders: () => Promise<void>;
  close: () => void;
}

/** Throws what `restoreLibrary` would throw of a backup. Changes nothing. */
export function checkRestore(libraryPath: string, file: string): void {
  const backup = resolve(file);
  requireFile(backup, libraryPath);
  let database: Database.Database | undefined;
  try {
    database = new Database(backup, { readonly: true, fileMustExist: true });
    requireSound(database, backup);
  } catch (error) {
    if (!mayNotWriteBeside(error)) throw refusalOf(error, backup); // else it is known when it is taken in
  } finally {
    database?.close();
  }
}

/**
 * Puts a backup in the place of the library at `libraryPath`, by one rename: until then it is the library that was, from
 * then on the backup. A backup may have a log beside it. The present library becomes a backup first, damaged or not.
 * Nothing has changed when this rejects: with NOT_FOUND, BAD_ARGUMENT for what is no file, or LIBRARY when the backup is
 * empty, damaged, of a newer version or no library, or when the library is in use elsewhere or worked on.
 */
export async function restoreLibrary(
  libraryPath: string,
  file: string,
  { now, closeReaders, close }: RestoreOptions,
): Promise<void> {
  const backup = resolve(file);
  requireFile(backup, libraryPath);
  mkdirSync(dirname(libraryPath), PRIVATE_FOLDER);
  const lock = acquireWriterLock(libraryPath);
  try {
    removeSharedBackups(libraryPath);
    const fill = (partial: string) => takeIn(backup, partial);
    await placeWhole(libraryPath, fill, async (partial) => {
      await closeReaders();
      close();
      replace(libraryPath, partial, now);
    });
  } catch (error) {
    throw toFileSystemError(error, libraryPath);
  } finally {
    lock.release();
  }
}

function requireFile(backup: string, libraryPath: string): void {
  const stats = statSync(backup, { throwIfNoEntry: false });
  if (stats === undefined) throw new AppError('NOT_FOUND', `There is no backup ${backup}`, 'Check its name.');
  if (!stats.isFile()) {
    const kind = stats.isDirectory() ? 'a folder' : 'a pipe or device';
    throw new AppError('BAD_ARGUMENT', `Expected a backup, but ${backup} is ${kind}`, 'Name its file.');
  }
  const library = statSync(libraryPath, { throwIfNoEntry: false });
  if (backup === resolve(libraryPath) || (library?.dev === stats.dev && library.ino === stats.ino))
    throw new AppError('BAD_ARGUMENT', `${backup} is the library itself`, 'Name one of its backups.');
}

/** Copies a backup with what its log holds into one file, and reads all of it: indices against tables too. */
async function takeIn(backup: string, partial: string): Promise<void> {
  try {
    await fillWithCopy(
      partial,
      () => copyDatabase(backup, partial),
      (database) => requireSound(database, backup),
    );
  } catch (error) {
    throw refusalOf(error, backup);
  }
}

/** Reads all of a backup: indices against tables too, since it will stay for long. Throws LIBRARY. */
function requireSound(database: Database.Database, backup: string): void {
  requireLibrary(database, backup);
  const finding = database.pragma('integrity_check(1)', { simple: true }) as string;
  if (finding === 'ok') return;
  throw new AppError('LIBRARY', `The backup ${backup} is damaged (${finding.replaceAll(/\s+/g, ' ')})`);
}

function refusalOf(error: unknown, backup: string): unknown {
  const known = toLibraryError(error, backup);
  if (!(known instanceof AppError)) return known;
  return new AppError(known.code, known.message, 'Choose another backup.', { cause: error });
}

/** SQLite writes beside a database that has a log, even to read it. */
function mayNotWriteBeside(error: unknown): boolean {
  return error instanceof Database.SqliteError && /^SQLITE_(CANTOPEN|READONLY)/.test(error.code);
}

/** By SQLite's own means, which wait for who writes it; from a drive that may not be written, its files as they are. */
async function copyDatabase(source: string, copy: string): Promise<void> {
  try {
    const database = new Database(source, { readonly: true, fileMustExist: true });
    try {
      await database.backup(copy);
    } finally {
      database.close();
    }
  } catch (error) {
    if (!(error instanceof Database.SqliteError && /^SQLITE_(CANTOPEN|READONLY)/.test(error.code)))
      throw error;
    for (const ending of ['', '-wal']) {
      if (!existsSync(source + ending)) continue;
      copyFileSync(source + ending, copy + ending, constants.COPYFILE_FICLONE);
      chmodSync(copy + ending, PRIVATE_FILE);
    }
  }
}

/** Sets the present library aside and renames the new one into its place, while no other may open it. */
function replace(path: string, incoming: string, now: number): void {
  const held = holdPresent(path);
  try {
    // Windows renames nothing that is open; what another Winnow has open meanwhile, it does not rename either.
    if (process.platform === 'win32') held?.close();
    const aside = setAside(path, now, held !== undefined);
    try {
      renameSync(incoming, path);
    } catch (error) {
      if (aside !== undefined && existsSync(path)) rmSync(aside, { force: true }); // else both are one file
      throw error;
    }
  } finally {
    held?.close();
  }
}

/**
 * Writes what the library's log still holds into its file, and locks it. Throws LIBRARY when anyone has it open; undefined
 * when there is none, or none that SQLite understands: then its log goes aside with it.
 */
function holdPresent(path: string): Database.Database | undefined {
  if ((statSync(path, { throwIfNoEntry: false })?.size ?? 0) === 0) return undefined; // SQLite would remove its log
  let database: Database.Database | undefined;
  try {
    database = new Database(path, { timeout: 0 });
    database.pragma('journal_mode = DELETE'); // needs the file for itself
    database.exec('BEGIN EXCLUSIVE');
    return database;
  } catch (error) {
    database?.close();
    if (!(error instanceof Database.SqliteError)) throw error;
    if (/^SQLITE_(CORRUPT|NOTADB)/.test(error.code)) return undefined;
    if (!/^SQLITE_(BUSY|LOCKED)/.test(error.code)) throw toLibraryError(error, path);
    throw new AppError(
      'LIBRARY',
      `The library ${path} is in use elsewhere`,
      'Close the other Winnow first.',
      { cause: error },
    );
  }
}

/**
 * Makes the present library a backup, which has its name too until another takes that; a log that belongs to it would be
 * read as that of the new one, so it goes first: with the backup, or for ever where the library holds all that was in it
 * (`isSettled`) and a killed process had left it. Returns the backup's path.
 */
function setAside(path: string, now: number, isSettled: boolean): string | undefined {
  const logs = LOGS.filter((ending) => existsSync(path + ending));
  const isThere = (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > 0;
  if (!isThere && logs.length === 0) return undefined;
  mkdirSync(backupFolder(path), PRIVATE_FOLDER);
  const aside = backupPath(path, 'replaced', now);
  if (isThere) linkOrCopy(path, aside);
  for (const ending of logs) {
    if (isSettled) rmSync(path + ending);
    else renameSync(path + ending, aside + ending);
  }
  return isThere ? aside : undefined;
}

function linkOrCopy(path: string, aside: string): void {
  try {
    linkSync(path, aside);
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw error;
    copyFileSync(path, aside, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  }
}
