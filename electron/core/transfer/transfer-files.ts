import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lookAt } from '../files/file-identity.ts';
import type { TransferSummary } from '../../shared/api/exports.ts';
import type { ResultFilter } from '../../shared/api/results.ts';
import { AppError, codeOf } from '../../shared/errors.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import type { TransferRow } from '../store/tables/transfers.ts';
import { isDiskFull } from '../files/write-file.ts';
import { copyTo, putTo, syncFolders, takeAway } from './place-file.ts';
import type { Put } from './place-file.ts';
import { describeTransfer, transferRow } from './describe-transfer.ts';
import { removeEmptyFolders, transferAlone } from './settle-transfers.ts';
import { resolveTarget, transferSteps } from './transfer-steps.ts';
import type { PlacedFile, TransferStep } from './transfer-steps.ts';

/** Files whose rows are written together, before the first of them is touched. */
const FILES_PER_TRANSACTION = 64;

export interface TransferOptions extends WorkOptions {
  filter: ResultFilter;
  to: string;
  mode: 'copy' | 'move';
  createdAt: string; // ISO 8601
}

export interface WorkOptions {
  total: number; // images that pass the filter
  signal: AbortSignal;
  /** Hears how many images are done. */
  onProgress: (done: number, total: number) => void;
}

type AnnouncedFile = PlacedFile & { number: number };

/**
 * Copies or moves images into a folder per label; those that earlier transfers put there stay. A file that cannot be
 * transferred is noted and the others go on. Each step is written into the library before it is done, so it can be undone
 * whatever happens, and what a killed process left half done is settled first. Rejects with LIBRARY when another transfer is
 * under way, with DISK_FULL or FILE_SYSTEM when the target cannot be written or is full, and with CANCELLED; what was done
 * until then stays, and can be undone.
 */
export async function transferFiles(
  library: Library,
  run: RunRow,
  options: TransferOptions,
): Promise<TransferSummary> {
  const target = await resolveTarget(options.to);
  return transferAlone(library, () => transferAll(library, run, options, target));
}

async function transferAll(
  library: Library,
  run: RunRow,
  options: TransferOptions,
  target: string,
): Promise<TransferSummary> {
  const { mode, createdAt, filter } = options;
  const folders = await missingFolders(target);
  const id = library.transfers.begin({ target, mode, createdAt, folders, runId: run.id, filter });
  return work(library, run, transferRow(library, id), options);
}

/**
 * Goes on with a transfer that was cut off: what is at its place stays, what could not be transferred is tried again. Rejects
 * as transferFiles does; with NOT_FOUND where there is no such transfer, and with BAD_ARGUMENT when it has come to its end,
 * is being undone, or its run is gone.
 */
export async function resumeTransfer(
  library: Library,
  transferId: number,
  begin: (row: TransferRow & { runId: number }) => { run: RunRow; options: WorkOptions },
): Promise<TransferSummary> {
  const cutOff = requireResumable(transferRow(library, transferId));
  return transferAlone(library, () => {
    const { run, options } = begin(cutOff);
    const row = library.transfers.get(transferId); // as it is when what was under way is settled
    if (row !== undefined) return work(library, run, row, options, library.transfers.resume(transferId));
    const { target: to, mode, createdAt, filter } = cutOff; // nothing was done, so it was forgotten
    return transferAll(library, run, { ...options, to, mode, createdAt, filter }, to);
  });
}

function requireResumable(row: TransferRow): TransferRow & { runId: number } {
  const { id, state, runId } = row;
  if (state === 'transferring' && runId !== null) return { ...row, runId };
  const reason = {
    transferring: 'belongs to a run that is gone, so it cannot go on',
    undoing: 'was being undone',
    done: 'has come to its end',
  }[state];
  throw new AppError('BAD_ARGUMENT', `Transfer ${id} ${reason}`, `\`winnow unsort ${id}\` takes it back.`);
}

async function work(
  library: Library,
  run: RunRow,
  row: TransferRow,
  options: WorkOptions,
  lastNumber = 0,
): Promise<TransferSummary> {
  const { id, target, filter } = row;
  const worker = new TransferWorker(library, row, options, lastNumber);
  try {
    for await (const steps of transferSteps(library, run, filter, target)) await worker.take(steps);
  } catch (error) {
    throw await stopped(library, row, error);
  }
  library.transfers.setState(id, 'done');
  const summary = await describeTransfer(library, id);
  if (summary.files === 0 && summary.failures.length === 0) library.transfers.remove(id);
  return summary;
}

/** One transfer under way. */
class TransferWorker {
  readonly #library: Library;
  readonly #id: number;
  readonly #target: string;
  readonly #mode: TransferRow['mode'];
  readonly #options: WorkOptions;
  readonly #folders = new Set<string>(); // that are there
  readonly #made: Set<string>; // or about to be
  #number: number;
  #done = 0;

  constructor(
    library: Library,
    { id, target, folders, mode }: TransferRow,
    options: WorkOptions,
    lastNumber: number,
  ) {
    this.#library = library;
    this.#id = id;
    this.#target = target;
    this.#made = new Set(folders);
    this.#mode = mode;
    this.#options = options;
    this.#number = lastNumber;
  }

  async take(steps: readonly TransferStep[]): Promise<void> {
    for (let start = 0; start < steps.length; start += FILES_PER_TRANSACTION) {
      const some = steps.slice(start, start + FILES_PER_TRANSACTION);
      const announced = this.#announce(some);
      if (announced.length > 0) await this.#place(announced);
      this.#done += some.length;
      this.#options.onProgress(this.#done, this.#options.total);
    }
  }

  /** Writes down what is going to be done. */
  #announce(steps: readonly TransferStep[]): AnnouncedFile[] {
    const { transfers } = this.#library;
    return this.#library.durableTransaction(() =>
      steps.flatMap((step) => {
        if (step.kind === 'unlabelled' || step.kind === 'inPlace') return [];
        const number = ++this.#number;
        if (step.kind === 'missing') {
          const unknown = { place: join(this.#target, step.folder), fileSize: 0, modifiedMs: 0 };
          transfers.add(this.#id, {
            number,
            source: step.source,
            ...unknown,
            error: 'the file is not there',
          });
          return [];
        }
        const { source, place, fileSize, modifiedMs } = step.file;
        transfers.add(this.#id, { number, source, place, fileSize, modifiedMs, error: null });
        return [{ number, ...step.file }];
      }),
    );
  }

  /** Puts files at their places; those that are moved lose their old names when the new ones are on the disk. */
  async #place(announced: readonly AnnouncedFile[]): Promise<void> {
    const errors = new Map<number, string>();
    const done: (AnnouncedFile & { put: Put | undefined })[] = [];
    let fatal: { error: unknown } | undefined;
    for (const file of announced) {
      try {
        if (this.#options.signal.aborted) throw new AppError('CANCELLED', '');
        await this.#makeFolder(dirname(file.place));
        done.push({ ...file, put: await this.#put(file) });
      } catch (error) {
        if (isFatal(error)) {
          fatal = { error };
          break;
        }
        errors.set(file.number, reasonOf(error));
      }
    }
    await syncFolders(done.map(({ place }) => dirname(place)));
    for (const { number, source, place, put } of done) {
      try {
        if (put !== undefined) await takeAway(source, place, put);
      } catch (error) {
        errors.set(number, reasonOf(error));
      }
    }
    if (this.#mode === 'move') await syncFolders(done.map(({ source }) => dirname(source)));
    this.#settle(announced, new Set(done.map(({ number }) => number)), errors);
    if (fatal !== undefined) throw fatal.error;
  }

  /** What is moved is to be taken away afterwards. */
  async #put({ source, place }: AnnouncedFile): Promise<Put | undefined> {
    if (this.#mode === 'move') return putTo(source, place);
    await copyTo(source, place);
    return undefined;
  }

  /** Writes down what was done. */
  #settle(
    announced: readonly AnnouncedFile[],
    done: ReadonlySet<number>,
    errors: ReadonlyMap<number, string>,
  ): void {
    const { transfers } = this.#library;
    this.#library.transaction(() => {
      for (const { number } of announced) {
        const error = errors.get(number);
        if (error !== undefined) transfers.setError(this.#id, number, error);
        else if (done.has(number)) transfers.settle(this.#id, number);
        else transfers.removeFile(this.#id, number);
      }
    });
  }

  /** Makes a folder where there is none; those that are made are written down before they are. */
  async #makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    try {
      const missing = await missingFolders(folder);
      if (missing.length > 0) {
        missing.forEach((path) => this.#made.add(path));
        this.#library.durableTransaction(() => this.#library.transfers.setFolders(this.#id, [...this.#made]));
        await mkdir(folder, { recursive: true });
        await syncFolders(missing.map((made) => dirname(made)));
      } else if (!(await stat(folder)).isDirectory()) await mkdir(folder);
    } catch (error) {
      throw new TargetUnusable(folder, error);
    }
    this.#folders.add(folder);
  }
}

/** Of a folder and those that it lies in, the ones that are not there; the deepest first. */
async function missingFolders(folder: string): Promise<string[]> {
  const missing: string[] = [];
  for (let path = folder; (await lookAt(path)) === undefined; path = dirname(path)) missing.push(path);
  return missing;
}

/** A folder of the target cannot be made, so nothing can be put there. */
class TargetUnusable extends Error {
  constructor(folder: string, cause: unknown) {
    super(`The folder ${folder} cannot be made: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}

function reasonOf(error: unknown): string {
  if (codeOf(error) === 'EEXIST') return 'another file took its name meanwhile';
  return error instanceof Error ? error.message : String(error);
}

/** Whether the next file would meet the same. */
function isFatal(error: unknown): boolean {
  if (error instanceof TargetUnusable || error instanceof AppError) return true;
  const code = codeOf(error) ?? '';
  return !(error instanceof Error) || code === 'EROFS' || isDiskFull(error);
}

/** Ends a transfer early: what is said of it, and how to undo what was done. */
async function stopped(library: Library, row: TransferRow, error: unknown): Promise<unknown> {
  const { id, mode, target } = row;
  const files = library.transfers.countDone(id);
  if (files === 0) {
    await removeEmptyFolders(transferRow(library, id)); // with those that were made meanwhile
    library.transfers.remove(id);
  }
  const done = `${files} file${files === 1 ? ' was' : 's were'} ${mode === 'copy' ? 'copied' : 'moved'} before`;
  const hint =
    files === 0
      ? undefined
      : `\`winnow sort --resume ${id}\` goes on, \`winnow unsort ${id}\` takes that back.`;
  const code = codeOf(error);
  if (error instanceof AppError) {
    return error.code === 'CANCELLED'
      ? new AppError('CANCELLED', `The transfer was cancelled; ${done}`, hint)
      : error;
  }
  if (error instanceof TargetUnusable)
    return new AppError('FILE_SYSTEM', `${error.message}; ${done}`, hint ?? 'Name another folder.', {
      cause: error,
    });
  if (code === undefined) return error;
  const isFull = isDiskFull(error);
  const reason = isFull ? 'the disk is full' : (error as Error).message;
  return new AppError(
    isFull ? 'DISK_FULL' : 'FILE_SYSTEM',
    `Nothing more can be put into ${target}: ${reason}; ${done}`,
    hint,
    {
      cause: error,
    },
  );
}
