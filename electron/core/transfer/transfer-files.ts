import { mkdir } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { TransferSummary } from '../../shared/api/exports.ts';
import type { ResultFilter } from '../../shared/api/results.ts';
import { AppError } from '../../shared/errors.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/runs.ts';
import { codeOf, copyTo, moveTo } from './place-file.ts';
import { describeTransfer } from './describe-transfer.ts';
import { resolveTarget, transferSteps } from './transfer-steps.ts';
import type { PlacedFile, TransferStep } from './transfer-steps.ts';

/** Files whose rows are written together, before the first of them is touched. */
const FILES_PER_TRANSACTION = 64;

/** What systems answer when no more can be written. */
const FULL = new Set(['ENOSPC', 'EDQUOT']);

export interface TransferOptions {
  filter: ResultFilter;
  to: string;
  mode: 'copy' | 'move';
  createdAt: string; // ISO 8601
  total: number; // images that pass the filter
  signal: AbortSignal;
  /** Hears how many images are done. */
  onProgress: (done: number, total: number) => void;
}

/**
 * Copies or moves images into a folder per label. A file that cannot be transferred is noted and the others go on; what
 * is done is in the library before it is done, so it can be undone whatever happens. Rejects with FILE_SYSTEM when the
 * target cannot be written or is full, and with CANCELLED; what was done until then stays, and can be undone.
 */
export async function transferFiles(
  library: Library,
  run: RunRow,
  options: TransferOptions,
): Promise<TransferSummary> {
  const target = await resolveTarget(options.to);
  const id = library.transfers.begin(target, options.mode, options.createdAt);
  const worker = new TransferWorker(library, id, target, options);
  try {
    for await (const steps of transferSteps(library, run, options.filter, target)) await worker.take(steps);
  } catch (error) {
    throw stopped(library, id, error, options);
  }
  const summary = describeTransfer(library, id);
  if (summary.files === 0 && summary.failures.length === 0) library.transfers.remove(id);
  return summary;
}

/** One transfer under way. */
class TransferWorker {
  readonly #library: Library;
  readonly #id: number;
  readonly #target: string;
  readonly #options: TransferOptions;
  readonly #folders = new Set<string>(); // that are there
  readonly #made: string[] = [];
  #number = 0;
  #done = 0;

  constructor(library: Library, id: number, target: string, options: TransferOptions) {
    this.#library = library;
    this.#id = id;
    this.#target = target;
    this.#options = options;
  }

  async take(steps: readonly TransferStep[]): Promise<void> {
    for (let start = 0; start < steps.length; start += FILES_PER_TRANSACTION) {
      const some = steps.slice(start, start + FILES_PER_TRANSACTION);
      await this.#place(this.#announce(some));
      this.#done += some.length;
      this.#options.onProgress(this.#done, this.#options.total);
    }
  }

  /** Writes down what is going to be done. */
  #announce(steps: readonly TransferStep[]): { number: number; file: PlacedFile }[] {
    const { transfers } = this.#library;
    return this.#library.transaction(() =>
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
        return [{ number, file: step.file }];
      }),
    );
  }

  async #place(announced: readonly { number: number; file: PlacedFile }[]): Promise<void> {
    const put = this.#options.mode === 'copy' ? copyTo : moveTo;
    for (const [index, { number, file }] of announced.entries()) {
      try {
        if (this.#options.signal.aborted) throw new AppError('CANCELLED', '');
        await this.#makeFolder(dirname(file.place));
        await put(file.source, file.place);
      } catch (error) {
        if (isFatal(error)) {
          this.#forget(announced.slice(index).map((one) => one.number));
          throw error;
        }
        this.#library.transfers.setError(this.#id, number, reasonOf(error));
      }
    }
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#folders.has(folder)) return;
    let made: string | undefined;
    try {
      made = await mkdir(folder, { recursive: true }); // the outermost that was not there
    } catch (error) {
      throw new TargetUnusable(folder, error);
    }
    this.#folders.add(folder);
    if (made === undefined) return;
    for (let path = folder; ; path = dirname(path)) {
      this.#made.push(path);
      if (path === made) break;
    }
    this.#library.transfers.setFolders(this.#id, this.#made);
  }

  #forget(numbers: readonly number[]): void {
    this.#library.transaction(() => {
      for (const number of numbers) this.#library.transfers.removeFile(this.#id, number);
    });
  }
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
  return !(error instanceof Error) || code === 'EROFS' || FULL.has(code);
}

/** Ends a transfer early: what is said of it, and how to undo what was done. */
function stopped(library: Library, id: number, error: unknown, { mode, to }: TransferOptions): unknown {
  const files = library.transfers.countDone(id);
  if (files === 0) library.transfers.remove(id);
  const done = `${files} file${files === 1 ? ' was' : 's were'} ${mode === 'copy' ? 'copied' : 'moved'} before`;
  const hint = files === 0 ? undefined : `\`winnow unsort ${id}\` takes that back.`;
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
  const reason = FULL.has(code) ? 'the disk is full' : (error as Error).message;
  return new AppError(
    'FILE_SYSTEM',
    `Nothing more can be put into ${resolve(to)}: ${reason}; ${done}`,
    hint,
    {
      cause: error,
    },
  );
}
