import { link, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { codeOf } from '../../shared/errors.ts';
import { lookAt } from './file-identity.ts';
import { partialPath, removeAbandoned } from './partial-files.ts';

/** File systems without hard links answer with one of these, and two of them with EXDEV. */
const NO_LINKS = new Set(['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'EXDEV']);
/** File systems on which a folder cannot be made sure of answer with one of these. */
const NO_SYNC = new Set(['EINVAL', 'EPERM', 'EACCES', 'EISDIR', 'ENOTSUP', 'EOPNOTSUPP', 'EBADF']);

/** Gives a file that is complete its name; `partial` is gone afterwards. */
export type Placing = (partial: string, path: string) => Promise<void>;

/**
 * Writes a file or folder beside its place first, by `fill`, and then gives it its name, so that it is there whole or not at
 * all, and lasts through a power cut. What killed processes have left in its folder is removed before. Errors pass
 * through, and nothing is left then.
 */
export async function placeWhole(
  path: string,
  fill: (partial: string) => Promise<void>,
  place: Placing = rename,
): Promise<void> {
  const folder = dirname(path);
  await removeAbandoned(folder);
  const partial = partialPath(folder);
  try {
    await fill(partial);
    await place(partial, path);
  } catch (error) {
    await rm(partial, { recursive: true, force: true });
    throw error;
  }
  await syncFolder(folder);
}

/** Gives a file its name; rejects with EEXIST, and overwrites nothing, when that is taken. */
export async function placeNew(partial: string, path: string): Promise<void> {
  try {
    await link(partial, path); // a rename would overwrite
  } catch (error) {
    if (!isWithoutLinks(error)) throw error;
    if (await isThere(path))
      throw Object.assign(new Error(`EEXIST: file already exists, ${path}`), { code: 'EEXIST' });
    await rename(partial, path);
    return;
  }
  await rm(partial);
}

/** Whether anything has this name, be it a link that leads nowhere. */
export async function isThere(path: string): Promise<boolean> {
  return (await lookAt(path)) !== undefined;
}

/** Whether the system says that a file cannot have two names: there, or on two drives. */
export function isWithoutLinks(error: unknown): boolean {
  return NO_LINKS.has(codeOf(error) ?? '');
}

/** Makes new names in a folder last through a power cut. Windows has no handle for folders and needs none. */
export async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r').catch(unlessUnknown);
  try {
    await handle?.sync().catch(unlessUnknown);
  } finally {
    await handle?.close();
  }
}

function unlessUnknown(error: unknown): undefined {
  if (NO_SYNC.has(codeOf(error) ?? '')) return undefined;
  throw error;
}
