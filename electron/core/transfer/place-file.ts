import { constants } from 'node:fs';
import { copyFile, link, lstat, rm, stat, unlink, utimes } from 'node:fs/promises';

/** File systems without hard links, or two of them, answer with one of these. */
const NO_LINKS = new Set(['EXDEV', 'EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL']);

/** Copies a file with its time of modification. Rejects with EEXIST, and overwrites nothing, when `place` is taken. */
export async function copyTo(source: string, place: string): Promise<void> {
  const { atimeMs, mtimeMs } = await stat(source);
  await copyFile(source, place, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
  await utimes(place, atimeMs / 1000, mtimeMs / 1000);
}

/**
 * Moves a file, to another drive too. Rejects with EEXIST, and overwrites nothing, when `place` is taken. A rename would
 * overwrite, so the file gets its new name before it loses the old one.
 */
export async function moveTo(source: string, place: string): Promise<void> {
  if ((await lstat(source)).isSymbolicLink())
    throw new Error('it is a link to another file; it can be copied');
  try {
    await link(source, place);
  } catch (error) {
    if (!NO_LINKS.has(codeOf(error) ?? '')) throw error;
    await copyTo(source, place);
  }
  try {
    await unlink(source);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return; // gone meanwhile: what is at its place is all there is
    await rm(place, { force: true });
    throw error;
  }
}

/** `ENOENT` and the like; undefined for what is no error of the system. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
