import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { AppError, codeOf } from '../../shared/errors.ts';
import { READ_WITHOUT_WAITING } from '../../shared/reading-flags.ts';

/**
 * Opens a file that a person names for reading. Rejects with BAD_ARGUMENT when it is no regular file, which might never come
 * to its end, and as the system does when it cannot be opened. `what`: `labels`, `checkpoint`, ...
 */
export async function openRegularFile(path: string, what: string): Promise<FileHandle> {
  const file = await open(path, READ_WITHOUT_WAITING).catch((cause: unknown) => {
    throw isPipe(cause) ? noFile(path, what, 'a pipe or device', cause) : cause;
  });
  const stats = await file.stat();
  if (stats.isFile()) return file;
  await file.close();
  const kind = stats.isDirectory() ? 'a folder' : 'a pipe or device';
  throw noFile(path, what, kind);
}

/** The bytes of a file that a person names. Rejects as openRegularFile does, and with BAD_ARGUMENT above `largest` bytes. */
export async function readRegularFile(path: string, what: string, largest: number): Promise<Buffer> {
  await using file = await openRegularFile(path, what);
  const { size } = await file.stat();
  if (size <= largest) return await file.readFile();
  const most = `at most ${largest} bytes are read`;
  throw new AppError('BAD_ARGUMENT', `The ${what} file ${path} has ${size} bytes, and ${most}`);
}

/** What the system says of sockets, and of devices that are not there. */
function isPipe(error: unknown): boolean {
  const code = codeOf(error);
  return code === 'ENXIO' || code === 'ENODEV';
}

function noFile(path: string, what: string, kind: string, cause?: unknown): AppError {
  return new AppError('BAD_ARGUMENT', `Expected a ${what} file, but ${path} is ${kind}`, 'Name a file.', {
    cause,
  });
}
