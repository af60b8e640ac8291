import Database from 'better-sqlite3';
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  mkdirSync,
  openSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { partialPath, removeAbandoned } from '../files/partial-files.ts';
import { LIBRARY_ENDINGS, versionInHeader } from '../files/library-files.ts';
import { PRIVATE_FILE, PRIVATE_FOLDER, tightenFile } from '../files/private.ts';
import { backupFolder, lastBackup, listBackups, restoreHint } from './tables/backups.ts';
import { damagedLibrary } from './library-error.ts';
import { migrate, readMigrations } from './migrate.ts';
import type { Migration } from './migrate.ts';

const BUSY_MILLISECONDS = 2000;

/** A library's database, open. */
export interface OpenDatabase {
  database: Database.Database;
  file: string; // where it lies: the library itself, or a copy of one that may only be read
  readOnly: boolean;
  close: () => void;
}

/**
 * Opens the database of the library at `path`, creating or migrating it. One that may not be written is copied, and the copy
 * is read: SQLite writes beside a database even to read it, and an old one must be migrated. Throws AppError('LIBRARY') when
 * it is lost or damaged, else what SQLite throws. `migrations`: where they cannot be read.
 */
export function openDatabase(path: string, migrations?: Migration[]): OpenDatabase {
  makeFolder(dirname(path), path);
  const isNew = !requireLibraryFile(path);
  if (!isWritable(path)) {
    if (isNew) throw cannotBegin(path);
    return openCopy(path);
  }
  if (isNew) createPrivate(path);
  else tightenLibrary(path);
  const unclean = sizeOf(`${path}-wal`) > 0;
  const database = new Database(path, { timeout: BUSY_MILLISECONDS });
  try {
    database.pragma('journal_mode = WAL');
    // In WAL mode this survives a crash of the app; a power cut may cost the last batches, never the file.
    database.pragma('synchronous = NORMAL');
    database.pragma('foreign_keys = ON');
    if (unclean) checkDatabase(database, path);
    migrate(database, path, migrations);
    return { database, file: path, readOnly: false, close: () => database.close() };
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Whether opening the library at `path` will migrate it from an older version; false also where that cannot be told. */
export function isOfOlderWinnow(path: string): boolean {
  try {
    if (!statSync(path).isFile() || !isWritable(path)) return false;
    const version = versionInHeader(readStart(path, 100)); // as SQLite's file format has it
    return version !== undefined && version < readMigrations().length;
  } catch {
    return false;
  }
}

/** Opens a database that is open elsewhere in this process over another connection, which can only read. */
export function openToRead(file: string): OpenDatabase {
  const database = new Database(file, { readonly: true, timeout: BUSY_MILLISECONDS });
  return { database, file, readOnly: true, close: () => database.close() };
}

/** Reads a whole database; throws AppError('LIBRARY') when it is damaged. `path` is that of the library. */
export function checkDatabase(database: Database.Database, path: string): void {
  const finding = database.pragma('quick_check(1)', { simple: true }) as string;
  if (finding !== 'ok') throw damagedLibrary(path, finding.replaceAll(/\s+/g, ' '));
}

/**
 * Whether there is a library, or none yet. Throws LIBRARY for what is no file, and when there was one: its backups or its
 * log are there without it, or it without its log. A new one in its place would look as if nothing had ever been there.
 */
function requireLibraryFile(path: string): boolean {
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats !== undefined && !stats.isFile()) {
    const kind = stats.isDirectory() ? 'a folder' : 'a pipe or device';
    throw new AppError('LIBRARY', `The library ${path} is ${kind}`, 'Name a file with --library.');
  }
  if (stats === undefined || stats.size === 0) {
    if (sizeOf(`${path}-wal`) > 0) throw lost(path, `its log ${path}-wal is`, `move ${path}-wal away`);
    const backups = listBackups(path).length;
    if (backups > 0) throw lost(path, 'backups of it are', `move its backups in ${backupFolder(path)} away`);
    return false;
  }
  // SQLite makes its log before this file and removes it after. Looked at twice, for another Winnow may just end.
  const isLogMissing = () => isThere(`${path}-shm`) && !isThere(`${path}-wal`);
  if (isLogMissing() && isLogMissing()) {
    throw new AppError(
      'LIBRARY',
      `The library ${path} is without its log ${path}-wal, and so without what was saved last`,
      `Put the log back in its place if you have it. ${restoreHint(path)} To go on with what there is, delete ${path}-shm.`,
    );
  }
  return true;
}

function lost(path: string, what: string, toBegin: string): AppError {
  const backup = lastBackup(path);
  const hint =
    backup === undefined
      ? ''
      : `Restore it with \`winnow library restore "${backup.path}"\`, or under Settings. `;
  return new AppError(
    'LIBRARY',
    `The library ${path} is not there, although ${what}`,
    `${hint}To begin a new one, ${toBegin}.`,
  );
}

function makeFolder(folder: string, libraryPath: string): void {
  try {
    mkdirSync(folder, PRIVATE_FOLDER);
  } catch (error) {
    throw new AppError(
      'LIBRARY',
      `The folder of the library ${libraryPath} cannot be created`,
      'Check its permissions, or name another file with --library',
      { cause: error },
    );
  }
}

/** SQLite would make the file as everyone may read it, and gives what it puts beside a database that one's mode. */
function createPrivate(path: string): void {
  try {
    writeFileSync(path, '', { flag: 'a', mode: PRIVATE_FILE });
  } catch {
    // SQLite says why it cannot be made.
  }
}

/** Earlier versions let others read a library and its backups. */
function tightenLibrary(path: string): void {
  for (const ending of ['', ...LIBRARY_ENDINGS]) tightenFile(path + ending);
  for (const backup of listBackups(path)) tightenFile(backup.path);
}

/** Where there is none yet, and none can be made. SQLite says only that it cannot write, or not even that. */
function cannotBegin(path: string): AppError {
  const isEmpty = isThere(path);
  return new AppError(
    'LIBRARY',
    isEmpty
      ? `The library ${path} is empty, and it or its folder may not be written`
      : `There is no library ${path}, and its folder may not be written`,
    'Give yourself the right to write there, or name another file with --library.',
  );
}

/** Whether a library may be written, or made, and files beside it. */
function isWritable(path: string): boolean {
  try {
    if (isThere(path)) accessSync(path, constants.W_OK);
    accessSync(dirname(path), constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** A copy in a folder of its own, migrated, that nothing can be written to. */
function openCopy(path: string): OpenDatabase {
  void removeAbandoned(tmpdir());
  const folder = partialPath(tmpdir());
  mkdirSync(folder, { mode: PRIVATE_FOLDER.mode });
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const file = join(folder, 'library.db');
  try {
    copyDatabase(path, file);
    const writable = new Database(file);
    try {
      writable.pragma('journal_mode = DELETE');
      checkDatabase(writable, path);
      migrate(writable, path);
    } finally {
      writable.close();
    }
    const database = new Database(file, { readonly: true });
    const close = () => {
      database.close();
      remove();
    };
    return { database, file, readOnly: true, close };
  } catch (error) {
    remove();
    throw error;
  }
}

function copyDatabase(path: string, copy: string): void {
  // Where the file is that processes share, one may be at work: then SQLite gives a state that is one.
  if (isThere(`${path}-shm`) && trySerialize(path, copy)) return;
  for (const ending of ['', '-wal', '-journal']) {
    if (!isThere(path + ending)) continue;
    copyFileSync(path + ending, copy + ending, constants.COPYFILE_FICLONE);
    chmodSync(copy + ending, PRIVATE_FILE);
  }
}

/** False where the log must be recovered, which needs the right to write: nobody is at work then. */
function trySerialize(path: string, copy: string): boolean {
  let source: Database.Database | undefined;
  try {
    source = new Database(path, { readonly: true, timeout: BUSY_MILLISECONDS });
    writeFileSync(copy, source.serialize(), { mode: PRIVATE_FILE });
    return true;
  } catch (error) {
    if (error instanceof Database.SqliteError && /^SQLITE_(CANTOPEN|READONLY)/.test(error.code)) return false;
    throw error;
  } finally {
    source?.close();
  }
}

/** The first bytes of a file, fewer where it has fewer. */
function readStart(path: string, bytes: number): Buffer {
  const file = openSync(path, 'r');
  try {
    const start = Buffer.alloc(bytes);
    return start.subarray(0, readSync(file, start));
  } finally {
    closeSync(file);
  }
}

function isThere(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0;
}
