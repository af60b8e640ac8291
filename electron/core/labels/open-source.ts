import { mkdir, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { AppError, isMissing } from '../../shared/errors.ts';
import { listFiles } from '../files/list-files.ts';
import { openRegularFile } from '../files/regular-file.ts';
import type { LabelFile, LabelSource } from './label-format.ts';
import { markedEncoding, toReadError } from './label-text.ts';
import { unpackZip } from './unpack-zip.ts';

const LOOKED_AT = 1 << 16; // bytes of a file that tell its format

/**
 * What lies at a path that a person names: a file, a folder, or a zip, which is unpacked into the folder `unpackTo`. Throws
 * NOT_FOUND, FILE_SYSTEM, or BAD_ARGUMENT for what is neither.
 */
export async function openSource(path: string, unpackTo: string): Promise<LabelSource> {
  const absolute = resolve(path);
  if (await isFolder(absolute)) return folderSource(absolute);
  if (!(await isZip(absolute))) return fileSource(absolute);
  await mkdir(unpackTo, { recursive: true });
  const skipped = await unpackZip(absolute, unpackTo);
  const source = await folderSource(unpackTo);
  if (source.files?.includes('xl/workbook.xml') === true)
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected labels in ${absolute}, but it is a workbook of Excel`,
      'Save its sheet as CSV, and name that.',
    );
  const [only, ...others] = source.files ?? [];
  // An archive of one file is that file.
  const isOne = only !== undefined && others.length === 0;
  return { ...(isOne ? await fileSource(join(unpackTo, only)) : source), skipped };
}

async function isFolder(path: string): Promise<boolean> {
  const stats = await stat(path).catch((error: unknown) => {
    if (!isMissing(error)) throw error;
    throw new AppError('NOT_FOUND', `There is no file or folder ${path}`, 'Check its name.', {
      cause: error,
    });
  });
  return stats.isDirectory();
}

async function folderSource(path: string): Promise<LabelSource> {
  return { path, files: await listFiles(path), start: '', bytes: new Uint8Array() };
}

/** A file of labels by itself. */
export async function fileSource(path: string): Promise<LabelSource> {
  return { ...(await peekFile(path)), files: undefined };
}

/** The beginning of a file: at most so many bytes of it. Throws NOT_FOUND, FILE_SYSTEM, or BAD_ARGUMENT for what is no file. */
export async function peekFile(path: string, most = LOOKED_AT): Promise<LabelFile> {
  try {
    await using file = await openRegularFile(path, 'labels');
    const { buffer, bytesRead } = await file.read(Buffer.alloc(most), 0, most, 0);
    const bytes = buffer.subarray(0, bytesRead);
    const start = new TextDecoder(markedEncoding(bytes) ?? 'utf-8').decode(bytes, { stream: true });
    return { path, start, bytes };
  } catch (error) {
    throw toReadError(error, path);
  }
}

/** Whether it is an archive; no folder is. Throws NOT_FOUND, FILE_SYSTEM or BAD_ARGUMENT. */
export async function isZip(path: string): Promise<boolean> {
  if (await isFolder(path)) return false;
  await using file = await openRegularFile(path, 'labels');
  const { buffer } = await file.read(Buffer.alloc(4), 0, 4, 0);
  return buffer.toString('latin1') === 'PK\x03\x04';
}
