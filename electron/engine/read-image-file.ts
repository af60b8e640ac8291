import { constants } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { AppError } from '../shared/errors.ts';
import type { ImageFacts } from '../shared/engine-api.ts';

const LARGEST_FILE = 1024 ** 3; // bytes

/** Opening a pipe would wait for its writer; with this flag it does not. Windows has neither. */
const OPEN_FLAGS =
  process.platform === 'win32' ? constants.O_RDONLY : constants.O_RDONLY | constants.O_NONBLOCK;

const reasons: Record<string, string> = {
  ENOENT: 'the file does not exist any more',
  EACCES: 'the file may not be read',
  EPERM: 'the file may not be read',
  ELOOP: 'the link leads back to itself',
  EISDIR: 'a folder stands where the file was',
  EIO: 'the disk failed while the file was read',
};

/** The bytes of a file, and the version of it that they are. Throws BAD_IMAGE with the reason. */
export async function readImageFile(path: string): Promise<{
  bytes: Buffer;
  version: NonNullable<ImageFacts['version']>;
}> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, OPEN_FLAGS);
    const stats = await file.stat();
    if (!stats.isFile())
      throw new AppError('BAD_IMAGE', 'a pipe, device or folder stands where the file was');
    if (stats.size > LARGEST_FILE) {
      throw new AppError(
        'BAD_IMAGE',
        `the file has ${stats.size} bytes, more than the limit of ${LARGEST_FILE}`,
      );
    }
    const bytes = await file.readFile();
    return { bytes, version: { fileSize: stats.size, modifiedMs: Math.floor(stats.mtimeMs) } };
  } catch (error) {
    throw toBadImage(error, path);
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

function toBadImage(error: unknown, path: string): unknown {
  if (error instanceof AppError || !(error instanceof Error) || !('code' in error)) return error;
  const code = String(error.code);
  const reason =
    code === 'ENOENT' && path.includes('\ufffd')
      ? 'the file name is not valid UTF-8'
      : (reasons[code] ?? `the file cannot be read (${code})`);
  return new AppError('BAD_IMAGE', reason, undefined, { cause: error });
}
