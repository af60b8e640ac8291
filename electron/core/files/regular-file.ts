import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { AppError } from '../../shared/errors.ts';

/** Opening a pipe would wait for its writer; with this flag it does not. Windows has neither. */
const FLAGS = process.platform === 'win32' ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NONBLOCK;

/**
 * Opens a file that a person names for reading. Rejects with BAD_ARGUMENT when it is no regular file, which might never come
 * to its end, and as the system does when it cannot be opened. `what`: `labels`, `checkpoint`, ...
 */
export async function openRegularFile(path: string, what: string): Promise<FileHandle> {
  const file = await open(path, FLAGS);
  const stats = await file.stat();
  if (stats.isFile()) return file;
  await file.close();
  const kind = stats.isDirectory() ? 'a folder' : 'a pipe or device';
  throw new AppError('BAD_ARGUMENT', `Expected a ${what} file, but ${path} is ${kind}`, 'Name a file.');
}
