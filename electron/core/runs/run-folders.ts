import type { Stats } from 'node:fs';
import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { isInside } from '../files/inside.ts';
import { realPath } from '../files/real-path.ts';

/**
 * The folders of a run as the spec of a run holds them: real paths, sorted, each once, none inside another.
 * Throws NOT_FOUND or BAD_ARGUMENT about the first that is no folder.
 */
export async function resolveFolders(folders: readonly string[]): Promise<string[]> {
  const paths = new Set<string>();
  for (const folder of folders) paths.add(await resolveFolder(folder));
  const sorted = [...paths].sort();
  return sorted.filter((path) => !sorted.some((other) => other !== path && isInside(path, other)));
}

/** Whether the folder can be found now; a drive that was unplugged cannot. */
export async function folderExists(folder: string): Promise<boolean> {
  try {
    return (await stat(folder)).isDirectory();
  } catch {
    return false;
  }
}

/** The real path of a folder. Throws NOT_FOUND or BAD_ARGUMENT when it is none. */
export async function resolveFolder(folder: string): Promise<string> {
  const absolute = resolve(folder);
  let real: string;
  let stats: Stats;
  try {
    real = await realPath(absolute);
    stats = await stat(real);
  } catch (error) {
    throw new AppError('NOT_FOUND', `There is no folder ${absolute}`, 'Check its name.', { cause: error });
  }
  if (stats.isDirectory()) return real;
  throw new AppError(
    'BAD_ARGUMENT',
    `Expected a folder, but ${absolute} is a file`,
    'Name the folder that it lies in.',
  );
}
