import { chmodSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { resolve } from 'node:path';

/** Of folders that Winnow makes for what is the person's own. */
export const PRIVATE_FOLDER = { recursive: true, mode: 0o700 } as const;

/** Mode of the library and its backups. */
export const PRIVATE_FILE = 0o600;

/** Set for folders that several people share: files of the group, and only their owners may remove them. */
const SHARED = 0o3000;

/** Takes from others what a file of this person's allows them; none of another's, and nothing where it cannot be changed. */
export function tightenFile(path: string): void {
  tighten(path, PRIVATE_FILE);
}

/** The same of a folder that is Winnow's own. One that is shared on purpose, or the person's home, stays as it is. */
export function tightenFolder(path: string): void {
  if (resolve(path) !== homedir()) tighten(path, PRIVATE_FOLDER.mode);
}

function tighten(path: string, most: number): void {
  if (process.platform === 'win32') return; // has no such modes
  const stats = statSync(path, { throwIfNoEntry: false });
  if (stats === undefined || stats.uid !== process.getuid?.()) return;
  const isShared = stats.isDirectory() && (stats.mode & SHARED) !== 0;
  if (isShared || (stats.mode & 0o077) === 0) return;
  try {
    chmodSync(path, stats.mode & most);
  } catch {
    // A file system without modes, or one that may not be written.
  }
}
