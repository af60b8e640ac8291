import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';

interface Folder {
  path: string;
  relativePath: string; // with forward slashes; '' for the folder that is listed
}

/**
 * Relative paths, with forward slashes and in order, of the files below a folder. Links are followed, a folder is entered once
 * however many ways lead to it, and links to nothing are passed over. Rejects as the system does when one cannot be read.
 */
export async function listFiles(root: string): Promise<string[]> {
  const entered = new Set<string>();
  const folders: Folder[] = [{ path: root, relativePath: '' }];
  const linked: Folder[] = []; // after the real ones, so that a file keeps its path
  const files: string[] = [];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop() ?? linked.shift()) {
    const { dev, ino } = await stat(folder.path, { bigint: true });
    const identity = `${dev}:${ino}`;
    if (entered.has(identity)) continue;
    entered.add(identity);
    for (const entry of await readdir(folder.path, { withFileTypes: true })) {
      const child = {
        path: join(folder.path, entry.name),
        relativePath: folder.relativePath === '' ? entry.name : `${folder.relativePath}/${entry.name}`,
      };
      const kind = await kindOf(entry, child.path);
      if (kind === 'file') files.push(child.relativePath);
      if (kind === 'folder') (entry.isSymbolicLink() ? linked : folders).push(child);
    }
  }
  return files.sort();
}

/** Undefined for a link to nothing. Pipes and devices count as files: whoever reads one says what it is. */
async function kindOf(entry: Dirent, path: string): Promise<'file' | 'folder' | undefined> {
  const target = entry.isSymbolicLink() ? await stat(path).catch(() => undefined) : entry;
  if (target === undefined) return undefined;
  return target.isDirectory() ? 'folder' : 'file';
}
