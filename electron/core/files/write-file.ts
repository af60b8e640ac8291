import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError, codeOf, hasCode } from '../../shared/errors.ts';
import { placeWhole } from './place-whole.ts';
import type { Placing } from './place-whole.ts';

/** What a file is made of, piece by piece. */
export type FileContent = Iterable<string | Uint8Array> | AsyncIterable<string | Uint8Array>;

export interface WriteOptions {
  signal?: AbortSignal | undefined;
  /** How the file takes its place: by default it takes that of whatever is there, as is right for Winnow's own files. */
  place?: Placing | undefined;
}

/**
 * Writes a file as a whole or not at all. Rejects with FILE_SYSTEM when it cannot be written, and with CANCELLED when
 * `signal` is aborted before its end; errors of `content` and AppErrors of `place` pass through. A file that a person
 * names is written by OutputFiles instead.
 */
export async function writeFileWhole(
  path: string,
  content: FileContent,
  { signal, place }: WriteOptions = {},
): Promise<void> {
  const fill = async (partial: string) => {
    const target = createWriteStream(partial, { flags: 'wx', flush: true });
    await pipeline(Readable.from(content), target, signal === undefined ? {} : { signal });
  };
  try {
    await placeWhole(path, fill, place);
  } catch (error) {
    if (signal?.aborted === true)
      throw new AppError('CANCELLED', `The export was cancelled; ${path} was not written`);
    throw toFileSystemError(error, path);
  }
}

/** An error of the system about a file that Winnow writes, as DISK_FULL or FILE_SYSTEM; others come back as they are. */
export function toFileSystemError(error: unknown, path: string): unknown {
  if (!hasCode(error) || !('syscall' in error)) return error;
  if (isDiskFull(error)) return diskFull(path, error);
  const reason = error.code === 'ENOENT' ? 'its folder does not exist' : error.message;
  return new AppError('FILE_SYSTEM', `The file ${path} cannot be written: ${reason}`, 'Name another place.', {
    cause: error,
  });
}

/** Whether the disk has no more room, or this person's share of it. */
export function isDiskFull(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENOSPC' || code === 'EDQUOT';
}

/** What of a file cannot be written for want of room. */
export function diskFull(path: string, cause: unknown): AppError {
  const hint = 'Make room, or name another place.';
  return new AppError('DISK_FULL', `The file ${path} cannot be written: the disk is full`, hint, { cause });
}
