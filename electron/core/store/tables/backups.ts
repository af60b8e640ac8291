import { readdirSync, rmSync, statSync } from 'node:fs';
import type { Stats } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import type { LibraryBackup } from '../../../shared/api/settings.ts';
import { isMissing } from '../../../shared/errors.ts';

/** Why a backup was made: once a day, because a person wanted it, or of a library that another took the place of. */
export type BackupKind = 'daily' | 'manual' | 'replaced';

/** Where the backups of the library at `libraryPath` lie by default: beside it. */
export function backupFolder(libraryPath: string): string {
  return join(dirname(libraryPath), 'backups');
}

/** The place of a backup that is made now: `backups/library.daily.2026-01-02T03-04-05-678Z.db`. */
export function backupPath(libraryPath: string, kind: BackupKind, milliseconds: number): string {
  const stamp = new Date(milliseconds).toISOString().replace(/[:.]/g, '-');
  return join(backupFolder(libraryPath), `${stem(libraryPath)}.${kind}.${stamp}.db`);
}

/** The library's backups in its folder of them, the last first; none when there is no such folder. */
export function listBackups(libraryPath: string, wanted?: BackupKind): LibraryBackup[] {
  const folder = backupFolder(libraryPath);
  const present = statSync(libraryPath, { throwIfNoEntry: false });
  const backups = namesIn(folder).flatMap((name) => {
    const [, library, kind, stamp = ''] = /^(.*)\.(daily|manual|replaced)\.([\dTZ-]+)\.db$/.exec(name) ?? [];
    if (library !== stem(libraryPath) || (wanted !== undefined && kind !== wanted)) return [];
    const createdAt = stamp.replace(/T(\d\d)-(\d\d)-(\d\d)-(\d+)Z$/, 'T$1:$2:$3.$4Z');
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined || isSameFile(stats, present)) return [];
    return [{ path, createdAt, bytes: stats.size }];
  });
  return backups.sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
}

/**
 * Takes away the second name of a library that a restore, which was cut off, was about to make a backup of: it is one file
 * with the library still, and would change with it.
 */
export function removeSharedBackups(libraryPath: string): void {
  const present = statSync(libraryPath, { throwIfNoEntry: false });
  if (present === undefined || present.nlink === 1) return;
  const folder = backupFolder(libraryPath);
  for (const name of namesIn(folder).filter((one) => one.startsWith(`${stem(libraryPath)}.replaced.`))) {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined && isSameFile(stats, present)) rmSync(path);
  }
}

function isSameFile(one: Stats, other: Stats | undefined): boolean {
  return one.dev === other?.dev && one.ino === other.ino;
}

/** What to do about a library that is damaged: which backup is the last good one, and how to put it in place. */
export function restoreHint(libraryPath: string): string {
  const last = lastBackup(libraryPath);
  if (last === undefined) return 'There is no backup of it; name another file with --library.';
  return (
    `Its last backup is of ${last.createdAt.slice(0, 16).replace('T', ' ')} (UTC). Put it in place under Settings, or ` +
    `with \`winnow library restore "${last.path}"\`.`
  );
}

/** The last backup of a sound library, since one that was replaced may be damaged. */
export function lastBackup(libraryPath: string): LibraryBackup | undefined {
  const [last] = ['daily', 'manual']
    .flatMap((kind) => listBackups(libraryPath, kind as BackupKind))
    .sort((one, other) => (one.createdAt < other.createdAt ? 1 : -1));
  return last;
}

function stem(libraryPath: string): string {
  return basename(libraryPath, extname(libraryPath));
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}
