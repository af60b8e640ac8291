import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { FolderContents } from '../../shared/api/folders.ts';
import { AppError } from '../../shared/errors.ts';
import { isImage, isJunk } from './scan-folder.ts';

/** What lies in a folder: its sub-folders and how many images. Throws FILE_SYSTEM when it may not be read. */
export async function browseFolder(path: string): Promise<FolderContents> {
  let entries: Dirent[];
  try {
    entries = await readdir(path, { withFileTypes: true });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new AppError('FILE_SYSTEM', `The folder ${path} cannot be read: ${reason}`, 'Choose another one.', {
      cause: error,
    });
  }
  const shown = entries.filter(({ name }) => !isJunk(name));
  const kinds = await Promise.all(shown.map((entry) => isFolder(entry, path)));
  const names = shown.filter((_, index) => kinds[index]).map(({ name }) => name);
  const parent = dirname(path);
  return {
    path,
    parent: parent === path ? undefined : parent,
    folders: names
      .sort(new Intl.Collator('en', { numeric: true }).compare)
      .map((name) => ({ name, path: join(path, name) })),
    images: shown.filter(({ name }, index) => kinds[index] === false && isImage(name)).length,
  };
}

/** Undefined for a link that leads nowhere. */
async function isFolder(entry: Dirent, path: string): Promise<boolean | undefined> {
  if (!entry.isSymbolicLink()) return entry.isDirectory();
  try {
    return (await stat(join(path, entry.name))).isDirectory();
  } catch {
    return undefined;
  }
}
