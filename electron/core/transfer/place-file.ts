import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { copyFile, link, lstat, open, rename, rm, stat, unlink, utimes } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import { isWithoutLinks, syncFolder } from '../files/place-whole.ts';

/** How a file that is being moved got its new name: it has both now (`linked`), is there twice, or has the new one only. */
export interface Put {
  how: 'linked' | 'copied' | 'renamed';
  /** The file under its old name, before that. */
  before: BigIntStats;
}

/** Why a file is not moved, where no call of the system has failed. */
export class Unmovable extends Error {}

/** Name of the file that a copy is written to before it appears as `name`; as short for any name. */
export function temporaryName(name: string): string {
  return `.winnow-${createHash('sha256').update(name).digest('hex').slice(0, 16)}.partial`;
}

/** Path of the file that a copy is written to before it appears at `place`. */
export function temporaryBeside(place: string): string {
  return join(dirname(place), temporaryName(basename(place)));
}

/**
 * Copies a file with its time of modification. The copy appears whole, when its content is on the disk. Rejects with
 * EEXIST, and overwrites nothing, when `place` is taken.
 */
export async function copyTo(source: string, place: string): Promise<void> {
  const { atimeMs, mtimeMs } = await stat(source);
  const temporary = temporaryBeside(place);
  await copyFile(source, temporary, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE); // removes what it began
  try {
    await utimes(temporary, atimeMs / 1000, mtimeMs / 1000);
    await syncFile(temporary);
    await appear(temporary, place);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

/**
 * First half of a move: the file gets its new name, or a copy on another drive; `takeAway` is the other half. Between
 * them the folder of `place` is to be synced. Rejects with EEXIST, and overwrites nothing, when `place` is taken.
 */
export async function putTo(source: string, place: string): Promise<Put> {
  const before = await lstat(source, { bigint: true });
  if (before.isSymbolicLink()) throw new Unmovable('it is a link to another file; it can be copied');
  try {
    await link(source, place);
    return { how: 'linked', before };
  } catch (error) {
    if (!isWithoutLinks(error)) throw error;
    if (codeOf(error) !== 'EXDEV' && (await renameTo(source, place))) return { how: 'renamed', before };
  }
  await copyTo(source, place);
  return { how: 'copied', before };
}

/** Second half of a move: the file loses its old name. When it keeps it, it loses the new one and this rejects. */
export async function takeAway(source: string, place: string, { how, before }: Put): Promise<void> {
  if (how === 'renamed') return;
  try {
    if (how === 'copied' && !isAsBefore(await lstat(source, { bigint: true }), before))
      throw new Unmovable('it was changed while it was moved');
    await unlink(source);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return; // gone meanwhile: what is at its place is all there is
    await rm(place, { force: true });
    throw error;
  }
}

/** Makes new names in folders last through a power cut; those that are gone are passed over. */
export async function syncFolders(folders: Iterable<string>): Promise<void> {
  for (const folder of new Set(folders)) {
    await syncFolder(folder).catch((error: unknown) => {
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }
}

/** Gives a file that is whole its name, which must be free. */
async function appear(temporary: string, place: string): Promise<void> {
  try {
    await link(temporary, place);
  } catch (error) {
    if (!isWithoutLinks(error) || !(await renameTo(temporary, place))) throw error;
    return;
  }
  await unlink(temporary);
}

/**
 * Renames where there are no hard links; false when the places are on two drives. A rename would overwrite, so the name is
 * taken by an empty file first.
 */
async function renameTo(source: string, place: string): Promise<boolean> {
  await (await open(place, 'wx')).close();
  try {
    await rename(source, place);
    return true;
  } catch (error) {
    await rm(place, { force: true });
    if (codeOf(error) === 'EXDEV') return false;
    throw error;
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, process.platform === 'win32' ? 'r+' : 'r');
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

function isAsBefore(now: BigIntStats, before: BigIntStats): boolean {
  return now.ino === before.ino && now.size === before.size && now.mtimeNs === before.mtimeNs;
}
