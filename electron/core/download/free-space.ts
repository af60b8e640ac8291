import { statfs } from 'node:fs/promises';
import { AppError } from '../../shared/errors.ts';
import { megabytes } from './megabytes.ts';

/** Left over on the disk, for what else is written meanwhile. */
const MARGIN = 64 * 2 ** 20;

/** Rejects with DISK_FULL when a folder's disk has less room than is needed. `what`: the beginning of the sentence. */
export async function requireSpace(folder: string, bytes: number, what: string): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  const free = bavail * bsize;
  if (free >= bytes + MARGIN) return;
  throw new AppError(
    'DISK_FULL',
    `${what} needs ${megabytes(bytes + MARGIN)} in ${folder}, but ${megabytes(free)} are free there`,
    'Make room, then go on.',
  );
}
