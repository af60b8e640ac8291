import { mkdir, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { lookAt } from '../files/file-identity.ts';
import type { TransferSummary } from '../../shared/api/exports.ts';
import { AppError, codeOf, hasCode } from '../../shared/errors.ts';
import type { Library } from '../store/library.ts';
import type { TransferFile, TransferRow } from '../store/tables/transfers.ts';
import { transferRow } from './describe-transfer.ts';
import { putTo, syncFolders, takeAway, Unmovable } from './place-file.ts';
import type { Put } from './place-file.ts';
import { compareFiles, isUnchanged } from './same-file.ts';
import { removeEmptyFolders, transferAlone } from './settle-transfers.ts';
import { fileStats } from './transfer-steps.ts';

const FILES_PER_PAGE = 64;

export interface UndoOptions {
  signal: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

/**
 * Deletes the copies of a transfer that are unchanged, or moves its files back, and removes the folders that it made and
 * that are empty then. Files that cannot be brought back keep the transfer in the list. What a killed process left half
 * done is settled first. Rejects with NOT_FOUND, with LIBRARY when another transfer is under way, or with CANCELLED; the
 * rest can be undone later.
 */
export async function undoTransfer(
  library: Library,
  id: number,
  options: UndoOptions,
): Promise<TransferSummary> {
  const transfer = transferRow(library, id);
  return transferAlone(library, () => undo(library, transfer, options));
}

async function undo(
  library: Library,
  transfer: TransferRow,
  { signal, onProgress }: UndoOptions,
): Promise<TransferSummary> {
  const { transfers } = library;
  const { id, target, mode, createdAt } = transfer;
  const failures: TransferSummary['failures'] = [];
  transfers.setState(id, 'undoing');
  const total = transfers.countDone(id);
  let [after, files, looked] = [0, 0, 0];
  for (;;) {
    const page = transfers.done(id, after, FILES_PER_PAGE);
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.number;
    library.durableTransaction(() => page.forEach(({ number }) => transfers.beginUndo(id, number)));
    const results = mode === 'copy' ? await removeCopies(page, signal) : await moveBack(page, signal);
    library.transaction(() => {
      for (const { number } of page) {
        const result = results.get(number);
        if (result === 'back' || result === 'nothing') transfers.removeFile(id, number);
        else transfers.settle(id, number);
      }
    });
    for (const { number, place } of page) {
      const result = results.get(number);
      if (result === 'back') files++;
      else if (result instanceof Kept) failures.push({ path: place, error: result.reason });
    }
    if (signal.aborted && results.size < page.length)
      throw new AppError(
        'CANCELLED',
        `The undoing was cancelled; ${files} files are back`,
        'Undo it again for the rest.',
      );
    onProgress((looked += page.length), total);
  }
  await removeEmptyFolders(transfer);
  const undone = transfers.countDone(id) === 0;
  if (undone) transfers.remove(id);
  else transfers.setState(id, 'done');
  const ended = { interrupted: undefined, resumable: false };
  return { transferId: id, to: target, mode, createdAt, files, failures, undone, ...ended };
}

/** What became of a file; 'nothing' when there is nothing to do, since it was never touched or its copy is gone. */
type Result = 'back' | 'nothing' | Kept;

/** A file that stays where it is. */
class Kept {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

/** Deletes copies; ends early, with results for some, when the signal is aborted. */
async function removeCopies(
  page: readonly TransferFile[],
  signal: AbortSignal,
): Promise<Map<number, Result>> {
  const results = new Map<number, Result>();
  for (const file of page) {
    if (signal.aborted) break;
    results.set(file.number, await removeCopy(file).catch(toKept));
  }
  return results;
}

async function removeCopy(file: TransferFile): Promise<Result> {
  const stats = await fileStats(file.place);
  if (stats === undefined) return 'nothing';
  if (!isUnchanged(stats, file)) return new Kept('the copy was changed, so it stays');
  await unlink(file.place);
  return 'back';
}

/** Moves files back; ends early, with results for some, when the signal is aborted. */
async function moveBack(page: readonly TransferFile[], signal: AbortSignal): Promise<Map<number, Result>> {
  const results = new Map<number, Result>();
  const puts: (TransferFile & { put: Put })[] = [];
  for (const file of page) {
    if (signal.aborted) break;
    const begun = await beginMoveBack(file).catch(toKept);
    if (begun === 'nothing' || begun === 'back' || begun instanceof Kept) results.set(file.number, begun);
    else puts.push({ ...file, put: begun });
  }
  await syncFolders(puts.map(({ source }) => dirname(source)));
  for (const { number, source, place, put } of puts) {
    const taken = takeAway(place, source, put).then((): Result => 'back');
    results.set(number, await taken.catch(toKept));
  }
  await syncFolders(puts.map(({ place }) => dirname(place)));
  return results;
}

/** Gives a file its old name, or says what became of it when that is all there is to do. */
async function beginMoveBack({ source, place }: TransferFile): Promise<Put | Result> {
  if ((await fileStats(place)) === undefined) {
    if ((await fileStats(source)) !== undefined) return 'nothing';
    return new Kept('the file is not there any more');
  }
  await mkdir(dirname(source), { recursive: true });
  try {
    return await putTo(place, source);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST' || (await lookAt(source)) === undefined) throw error;
  }
  const sameness = await compareFiles(place, source);
  if (sameness === 'path') return 'back';
  if (sameness === 'different') return new Kept(`another file is at ${source}`);
  await unlink(place); // it was moved halfway
  return 'back';
}

/** Why a file stays; a mistake is thrown on. */
function toKept(error: unknown): Kept {
  if (error instanceof Unmovable || hasCode(error)) return new Kept(error.message);
  throw error;
}
