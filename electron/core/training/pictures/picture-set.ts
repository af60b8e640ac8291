import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Box } from '../../../shared/engine-api.ts';
import { AppError } from '../../../shared/errors.ts';
import { foldClass } from '../../models/class-names.ts';
import { resolveFolder } from '../../runs/run-folders.ts';
import { isJunk, scanFolder } from '../../files/scan-folder.ts';
import type { UnreadableFolder } from '../../files/scan-folder.ts';

/** A picture to learn from, or to test with, and its class. */
export interface LabelledFile {
  path: string; // absolute
  relativePath: string; // to the folder, as it is shown; of a run's pictures the path
  className: string;
  box?: Box | undefined; // the part of the picture that is of the class, in pixels of the upright one
  fileSize: number; // bytes
  modifiedMs: number;
}

/** The pictures that a training is about, in order of their paths. */
export interface PictureSet {
  source: string; // as Training says it
  files: LabelledFile[];
  /** Names of sub-folders without any. */
  empty: string[];
  /** Folders that cannot be read. */
  unreadable: { relativePath: string; error: string }[];
}

/**
 * The pictures in the sub-folders of a folder, each of which is a class with all that lies below it; what lies directly
 * in the folder is passed over. Throws NOT_FOUND or BAD_ARGUMENT for what is no folder, and FILE_SYSTEM when the folder
 * cannot be read; CANCELLED when `signal` is aborted.
 */
export async function scanClassFolders(folder: string, signal?: AbortSignal): Promise<PictureSet> {
  const root = await resolveFolder(folder);
  const unreadable: PictureSet['unreadable'] = [];
  const files: LabelledFile[] = [];
  const names = await folderNames(root);
  const onUnreadable = ({ relativePath, error }: UnreadableFolder) => {
    if (relativePath === '') throw cannotRead(root, error);
    unreadable.push({ relativePath, error: `the folder cannot be read: ${error.message}` });
  };
  const scan = scanFolder(root, onUnreadable, undefined, signal);
  for await (const some of scan) {
    for (const { relativePath, fileSize, modifiedMs } of some) {
      const end = relativePath.indexOf('/');
      if (end < 0) continue;
      const className = relativePath.slice(0, end);
      files.push({ path: join(root, relativePath), relativePath, className, fileSize, modifiedMs });
    }
  }
  const filled = new Set(files.map(({ className }) => className));
  const empty = names.filter((name) => !filled.has(name));
  return { source: root, files: files.sort(byPath), empty, unreadable };
}

/** The order of pictures does not depend on that of the file system. */
export function byPath(one: { relativePath: string }, other: { relativePath: string }): number {
  return one.relativePath < other.relativePath ? -1 : 1;
}

/** Of the sub-folders, links to folders among them. */
async function folderNames(root: string): Promise<string[]> {
  const entries = await readdir(root, { withFileTypes: true }).catch((error: unknown) => {
    throw cannotRead(root, error);
  });
  const names: string[] = [];
  for (const entry of entries) {
    if (isJunk(entry.name)) continue;
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(join(root, entry.name))))) {
      names.push(entry.name);
    }
  }
  return names.sort();
}

async function isFolder(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    return false; // a link to nothing
  }
}

function cannotRead(folder: string, cause: unknown): AppError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new AppError('FILE_SYSTEM', `The folder ${folder} cannot be read: ${reason}`, 'Check permissions.', {
    cause,
  });
}

/**
 * Names of the classes, in no order. Throws BAD_ARGUMENT when there are not at least two, or when two are the same but for
 * their case: no file system and no person would tell them apart everywhere.
 */
export function classNames({ source, files }: PictureSet): string[] {
  const names = [...new Set(files.map(({ className }) => className))].sort();
  const [only] = names;
  if (only === undefined) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Training needs a sub-folder with pictures for every class, but ${source} has none`,
      'Sort pictures into folders that are named like their classes.',
    );
  }
  if (names.length === 1) {
    throw new AppError(
      'BAD_ARGUMENT',
      `Training needs at least two classes, but ${source} has one: ${only}`,
      'Add pictures of what it is to be told apart from.',
    );
  }
  refuseAlike(names);
  return names;
}

/** Throws BAD_ARGUMENT when two names of classes are the same but for their case. */
export function refuseAlike(names: readonly string[]): void {
  const folded = new Map<string, string>();
  for (const name of names) {
    const other = folded.get(foldClass(name));
    if (other !== undefined) {
      throw new AppError(
        'BAD_ARGUMENT',
        `Names of classes must differ in more than case, but there are ${other} and ${name}`,
        'Rename one of them, or put their pictures together.',
      );
    }
    folded.set(foldClass(name), name);
  }
}
