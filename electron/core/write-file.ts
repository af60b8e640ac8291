import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError } from '../shared/errors.ts';

/**
 * Writes a file as a whole or not at all: beside its place first, then renamed. Throws FILE_SYSTEM when it
 * cannot be written; errors of `content` pass through.
 */
export async function writeFileWhole(path: string, content: Iterable<string>): Promise<void> {
  const partial = join(dirname(path), `.${basename(path)}.${process.pid}.partial`);
  try {
    await pipeline(Readable.from(content), createWriteStream(partial, { flags: 'w', flush: true }));
    await rename(partial, path);
  } catch (error) {
    await rm(partial, { force: true });
    throw toFileSystemError(error, path);
  }
}

function toFileSystemError(error: unknown, path: string): unknown {
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
