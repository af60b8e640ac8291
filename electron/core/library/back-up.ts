import Database from 'better-sqlite3';
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { LibraryBackup } from '../../shared/api/settings.ts';
import { AppError } from '../../shared/errors.ts';
import { placeNew, placeWhole } from '../files/place-whole.ts';
import { PRIVATE_FOLDER } from '../files/private.ts';
import { backupPath, removeSharedBackups } from '../store/tables/backups.ts';
import type { BackupKind } from '../store/tables/backups.ts';
import { checkDatabase } from '../store/open-database.ts';
import type { Library } from '../store/library.ts';
import { diskFull, toFileSystemError } from '../files/write-file.ts';
import { fillWithCopy } from './copy-database.ts';

/** Where a backup is written: as a whole or not at all, by a function that is given the path to write at. */
export interface BackupPlace {
  path: string; // absolute
  fill(fill: (partial: string) => Promise<void>): Promise<void>;
}

/** A new file among the library's backups. */
export function newBackup(libraryPath: string, kind: BackupKind, now: number): BackupPlace {
  const path = backupPath(libraryPath, kind, now);
  return {
    path,
    fill: (fill) => {
      mkdirSync(dirname(path), PRIVATE_FOLDER);
      removeSharedBackups(libraryPath);
      return placeWhole(path, fill, placeNew);
    },
  };
}

/**
 * Copies a library that is in use, as a whole or not at all, and reads the copy once: a backup of a damaged library is
 * none. Rejects with LIBRARY when it is damaged, with DISK_FULL or FILE_SYSTEM when the copy cannot be written, or as its
 * place does.
 */
export async function backUpLibrary(
  library: Library,
  place: BackupPlace,
  now: number,
): Promise<LibraryBackup> {
  const { path } = place;
  try {
    await place.fill((partial) =>
      fillWithCopy(
        partial,
        () => library.copyTo(partial),
        (database) => checkDatabase(database, library.path),
      ),
    );
    return { path, createdAt: new Date(now).toISOString(), bytes: statSync(path).size };
  } catch (error) {
    throw backupFailure(error, path);
  }
}

function backupFailure(error: unknown, path: string): unknown {
  if (!(error instanceof Database.SqliteError)) return toFileSystemError(error, path);
  if (error.code === 'SQLITE_FULL') return diskFull(path, error);
  const message = `The backup ${path} cannot be written: ${error.message}`;
  return new AppError('FILE_SYSTEM', message, 'Name another place.', { cause: error });
}
