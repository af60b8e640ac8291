import { stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { AppError, hasCode } from '../../shared/errors.ts';
import type { ImageFacts } from '../../shared/engine-api.ts';
import { LARGEST_FILE, PictureError } from '../../shared/picture-problem.ts';
import type { PictureProblemCode } from '../../shared/picture-problem.ts';
import { openWithoutWaiting } from './regular-file.ts';

const reasons: Record<string, PictureProblemCode> = {
  ENOENT: 'gone',
  ENOTDIR: 'gone',
  EACCES: 'notAllowed',
  EPERM: 'notAllowed',
  ELOOP: 'linkLoop',
  EISDIR: 'notAFile',
  ENXIO: 'notAFile',
  EIO: 'diskFailed',
};

/** The bytes of a file, and the version of it that they are. Throws PictureError. */
export async function readImageFile(path: string): Promise<{
  bytes: Buffer;
  version: NonNullable<ImageFacts['version']>;
}> {
  let file: FileHandle | undefined;
  try {
    file = await openWithoutWaiting(path);
    const stats = await file.stat();
    if (!stats.isFile()) throw new PictureError({ code: 'notAFile' });
    if (stats.size > LARGEST_FILE)
      throw new PictureError({ code: 'fileTooLarge', details: `${stats.size} bytes` });
    const bytes = await file.readFile();
    return { bytes, version: { fileSize: stats.size, modifiedMs: Math.floor(stats.mtimeMs) } };
  } catch (error) {
    throw toPictureError(error, path);
  } finally {
    await file?.close();
  }
}

/** Whether the file at `path` is still the version that was read; not when there was none to read. */
export async function isCurrent(path: string, version: ImageFacts['version']): Promise<boolean> {
  if (version === undefined) return false;
  try {
    const { size, mtimeMs } = await stat(path);
    return size === version.fileSize && Math.floor(mtimeMs) === version.modifiedMs;
  } catch {
    return false; // gone meanwhile; reading it will say so
  }
}

function toPictureError(error: unknown, path: string): unknown {
  if (error instanceof AppError || !hasCode(error)) return error;
  // U+FFFD stands for bytes that are no UTF-8: the file is there, but its name cannot be said.
  const isBadName = error.code === 'ENOENT' && path.includes('\ufffd');
  const code = isBadName ? 'badName' : (reasons[error.code] ?? 'unreadable');
  return new PictureError({ code, details: error.message }, { cause: error });
}
