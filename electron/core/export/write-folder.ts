import { mkdir, readdir, rename, rmdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { AppError, codeOf } from '../../shared/errors.ts';
import { placeWhole } from '../files/place-whole.ts';
import { toFileSystemError } from '../files/write-file.ts';

/** A folder that is being written. */
export class FolderTarget {
  readonly #folder: string;
  readonly #signal: AbortSignal;
  readonly #made = new Set<string>();

  constructor(folder: string, signal: AbortSignal) {
    this.#folder = folder;
    this.#signal = signal;
  }

  /** Writes a file below the folder. `path`: relative, with forward slashes. */
  async write(path: string, content: string | Uint8Array): Promise<void> {
    this.#signal.throwIfAborted();
    const place = join(this.#folder, path);
    if (!this.#made.has(dirname(place))) {
      await mkdir(dirname(place), { recursive: true });
      this.#made.add(dirname(place));
    }
    await writeFile(place, content, { flag: 'wx' });
  }
}

/**
 * Writes a folder as a whole or not at all: beside its place first, then renamed. Rejects with BAD_ARGUMENT when it exists
 * and holds anything, with FILE_SYSTEM when it cannot be written, and with CANCELLED; other errors of `work` pass through.
 */
export async function writeFolderWhole(
  path: string,
  signal: AbortSignal,
  work: (target: FolderTarget) => Promise<void>,
): Promise<void> {
  const exists = await requireEmpty(path);
  const fill = async (partial: string) => {
    await mkdir(partial);
    await work(new FolderTarget(partial, signal));
    signal.throwIfAborted();
  };
  try {
    await placeWhole(path, fill, async (partial) => {
      if (exists) await rmdir(path);
      await rename(partial, path);
    });
  } catch (error) {
    if (signal.aborted) throw new AppError('CANCELLED', `The export was cancelled; ${path} was not written`);
    throw toFileSystemError(error, path);
  }
}

/** Whether there is a folder; throws unless it is empty. */
async function requireEmpty(path: string): Promise<boolean> {
  let names: string[];
  try {
    names = await readdir(path);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    if (codeOf(error) !== 'ENOTDIR') throw toFileSystemError(error, path);
    throw new AppError('BAD_ARGUMENT', `Expected a folder, but ${path} is a file`, 'Name another place.');
  }
  if (names.length === 0) return true;
  throw new AppError(
    'BAD_ARGUMENT',
    `Expected a new or empty folder, but ${path} holds ${names[0]}${names.length > 1 ? ' and more' : ''}`,
    'Nothing was written. Name another folder.',
  );
}
