import type { BigIntStats } from 'node:fs';
import { rm, rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { lookAt } from '../files/file-identity.ts';
import { AppError, codeOf } from '../../shared/errors.ts';
import { takeExclusiveLock } from '../store/exclusive-lock.ts';
import type { Library } from '../store/library.ts';
import type { TransferFile, TransferRow } from '../store/tables/transfers.ts';
import { transferLock } from './describe-transfer.ts';
import { syncFolders, temporaryBeside } from './place-file.ts';
import { compareFiles, isUnchanged } from './same-file.ts';

/**
 * Does `work` as the only one that transfers images of a library, when everything that was cut off before is settled.
 * Throws LIBRARY when another is at it.
 */
export async function transferAlone<T>(library: Library, work: () => Promise<T>): Promise<T> {
  const lock = takeExclusiveLock(transferLock(library));
  if (lock === undefined) {
    throw new AppError(
      'LIBRARY',
      `Images of the library ${library.path} are being copied, moved or brought back already`,
      'Wait until that has finished.',
    );
  }
  try {
    await settleTransfers(library);
    return await work();
  } finally {
    lock.release();
  }
}

/** Removes those of a transfer's folders that are empty. */
export async function removeEmptyFolders({ folders }: TransferRow): Promise<void> {
  const deepestFirst = [...folders].sort((one, other) => other.length - one.length);
  for (const folder of deepestFirst) {
    await rmdir(folder).catch((error: unknown) => {
      if (codeOf(error) === undefined) throw error; // else it holds something, or is gone
    });
  }
}

/**
 * Finishes what processes that were killed have left of transfers, or of undoing them: files between their names, files
 * that were to be touched and were not, copies that are not whole, folders of a transfer of which nothing is left.
 */
async function settleTransfers(library: Library): Promise<void> {
  const { transfers } = library;
  for (const transfer of transfers.all()) {
    if (!(await isReachable(transfer))) continue;
    for (const file of transfers.underWay(transfer.id)) {
      if (await settleFile(file, transfer.mode)) transfers.settle(transfer.id, file.number);
      else transfers.removeFile(transfer.id, file.number);
    }
    if (transfers.countDone(transfer.id) > 0) continue;
    await removeEmptyFolders(transfer);
    transfers.remove(transfer.id);
  }
}

/** Whether what a transfer's folders were made in is there: a drive may be unplugged. */
async function isReachable({ target, folders }: TransferRow): Promise<boolean> {
  const outermost = [target, ...folders].reduce((one, other) => (other.length < one.length ? other : one));
  const there = folders.includes(outermost) ? dirname(outermost) : outermost;
  return (await lookAt(there)) !== undefined;
}

/** Settles one file; true when it is at its place now, false when it never was or is not any more. */
async function settleFile(file: TransferFile, mode: TransferRow['mode']): Promise<boolean> {
  const { source, place } = file;
  await rm(temporaryBeside(place), { force: true });
  if (mode === 'move') await rm(temporaryBeside(source), { force: true });
  const [atPlace, atSource] = [await lookAt(place), await lookAt(source)];
  if (atPlace === undefined) return mode === 'move' && atSource === undefined; // which undoing will tell of
  if (isReserved(atPlace, file) && atSource !== undefined) {
    await unlink(place);
    return false;
  }
  if (mode === 'move' && isReserved(atSource, file)) {
    await unlink(source);
    return true;
  }
  if (mode === 'copy')
    return isUnchanged({ size: Number(atPlace.size), mtimeMs: Number(atPlace.mtimeMs) }, file);
  if (atSource === undefined) return true;
  const sameness = await compareFiles(source, place);
  if (sameness !== 'names' && sameness !== 'copies') return false; // another's file
  await syncFolders([dirname(place)]);
  await unlink(source);
  return true;
}

/** Whether a name was only taken, for a file that was to be renamed to it where there are no hard links. */
function isReserved(stats: BigIntStats | undefined, { fileSize }: TransferFile): boolean {
  return stats?.isFile() === true && stats.size === 0n && fileSize > 0;
}
