import { mkdir, rmdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { TransferSummary } from '../../shared/api/exports.ts';
import { AppError } from '../../shared/errors.ts';
import type { Library } from '../store/library.ts';
import type { TransferFile, TransferRow } from '../store/transfers.ts';
import { transferRow } from './describe-transfer.ts';
import { codeOf, moveTo } from './place-file.ts';
import { fileStats } from './transfer-steps.ts';

const FILES_PER_PAGE = 64;
/** Some file systems keep times in steps of two seconds. */
const TIME_STEP = 2000;

export interface UndoOptions {
  signal: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

/**
 * Deletes the copies of a transfer that are unchanged, or moves its files back, and removes the folders that it made and
 * that are empty then. Files that cannot be brought back keep the transfer in the list. Rejects with NOT_FOUND, or with
 * CANCELLED; the rest can be undone later.
 */
export async function undoTransfer(
  library: Library,
  id: number,
  { signal, onProgress }: UndoOptions,
): Promise<TransferSummary> {
  const { transfers } = library;
  const transfer = transferRow(library, id);
  const failures: TransferSummary['failures'] = [];
  const total = transfers.countDone(id);
  let [after, files, looked] = [0, 0, 0];
  for (;;) {
    const page = transfers.done(id, after, FILES_PER_PAGE);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.number;
    for (const file of page) {
      if (signal.aborted)
        throw new AppError(
          'CANCELLED',
          `The undoing was cancelled; ${files} files are back`,
          'Undo it again for the rest.',
        );
      const result = await bringBack(file, transfer.mode);
      if (result === 'back') files++;
      if (typeof result === 'object') failures.push({ path: file.place, error: result.error });
      else transfers.removeFile(id, file.number);
    }
    onProgress((looked += page.length), total);
  }
  await removeEmpty(transfer);
  const undone = transfers.countDone(id) === 0;
  if (undone) transfers.remove(id);
  const { target, mode, createdAt } = transfer;
  return { transferId: id, to: target, mode, createdAt, files, failures, undone };
}

/** Brings one file back; 'nothing' when there is nothing to do, since it was never touched or its copy is gone. */
async function bringBack(
  file: TransferFile,
  mode: TransferRow['mode'],
): Promise<'back' | 'nothing' | { error: string }> {
  const { source, place, fileSize, modifiedMs } = file;
  try {
    const stats = await fileStats(place);
    if (stats === undefined) {
      if (mode === 'copy' || (await fileStats(source)) !== undefined) return 'nothing';
      return { error: 'the file is not there any more' };
    }
    if (mode === 'move') {
      await mkdir(dirname(source), { recursive: true });
      await moveTo(place, source);
      return 'back';
    }
    if (stats.size !== fileSize || Math.abs(stats.mtimeMs - modifiedMs) > TIME_STEP)
      return { error: 'the copy was changed, so it stays' };
    await unlink(place);
    return 'back';
  } catch (error) {
    if (codeOf(error) === undefined) throw error;
    return { error: codeOf(error) === 'EEXIST' ? `another file is at ${source}` : (error as Error).message };
  }
}

async function removeEmpty({ folders }: TransferRow): Promise<void> {
  const deepestFirst = [...folders].sort((one, other) => other.length - one.length);
  for (const folder of deepestFirst) {
    await rmdir(folder).catch((error: unknown) => {
      if (codeOf(error) === undefined) throw error; // else it holds something, or is gone
    });
  }
}
