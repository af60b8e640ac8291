import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { AppError } from '../../shared/errors.ts';
import { READ_WITHOUT_WAITING } from '../../shared/reading-flags.ts';

/** Opens a file for reading without waiting; whoever asks looks whether it is a regular one. Rejects as the system does. */
export function openWithoutWaiting(path: string): Promise<FileHandle> {
  return open(path, READ_WITHOUT_WAITING);
}

/**
 * Opens a model package; core/files/regular-file.ts is the same for files that the app reads. Rejects with BAD_MODEL for a
 * pipe.
 */
export async function openPackageFile(path: string): Promise<FileHandle> {
  const file = await openWithoutWaiting(path);
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw new AppError('BAD_MODEL', `Expected a model package file, but ${path} is a pipe, device or folder`);
}
