import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../shared/errors.ts';

/** What a file is made of, piece by piece. */
export type FileContent = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

/**
 * Writes a file as a whole or not at all: beside its place first, then renamed. Rejects with FILE_SYSTEM when it cannot
 * be written, and with CANCELLED when `signal` is aborted before its end; errors of `content` pass through.
 */
export async function writeFileWhole(
  path: string,
  content: FileContent,
  signal?: AbortSignal,
): Promise<void> {
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
  try {
    const target = createWriteStream(partial, { flags: 'w', flush: true });
    await pipeline(Readable.from(content), target, signal === undefined ? {} : { signal });
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    if (signal?.aborted === true)
      throw new AppError('CANCELLED', `The export was cancelled; ${path} was not written`);
    throw toFileSystemError(error, path);
  }
}

/** An error of the system about a file that Winnow writes, as FILE_SYSTEM; other errors come back as they are. */
export function toFileSystemError(error: unknown, path: string): unknown {
  if (!(error instanceof Error) || !('syscall' in error && 'code' in error)) return error;
  const reason =
    error.code === 'ENOSPC'
      ? 'the disk is full'
      : error.code === 'ENOENT'
        ? 'its folder does not exist'
        : error.message;
  return new AppError('FILE_SYSTEM', `The file ${path} cannot be written: ${reason}`, 'Name another place.', {
    cause: error,
  });
}
