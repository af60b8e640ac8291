import type { Dirent, Stats } from 'node:fs';
import { opendir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { AppError, codeOf, hasCode } from '../../shared/errors.ts';

/** A file as the scan found it. */
export interface FoundFile {
  relativePath: string; // with forward slashes
  fileSize: number;
  modifiedMs: number; // whole milliseconds
}

/** Extensions of the formats that Winnow reads, lower case. */
const IMAGE_EXTENSIONS = new Set([
  '.jpg',
  '.jpeg',
  '.jpe',
  '.jfif',
  '.png',
  '.webp',
  '.tif',
  '.tiff',
  '.avif',
  '.gif',
  '.bmp',
  '.dib',
  '.mpo', // JPEGs one behind the other; the first is the picture
  '.jxl',
  '.jp2',
  '.j2k',
  '.j2c',
  '.jpc',
  '.jpf',
  '.jpx',
  '.heic',
  '.heif',
  '.hif',
  '.cr2',
  '.cr3',
  '.nef',
  '.arw',
  '.dng',
  '.orf',
  '.rw2',
  '.raf', // RAW of cameras
]);

/** Files and folders that systems and cameras leave behind, lower case; names that start with a dot are hidden. */
const JUNK_NAMES = new Set([
  'thumbs.db',
  'ehthumbs.db',
  'desktop.ini',
  '__macosx',
  '@eadir',
  '#recycle',
  '$recycle.bin',
  'system volume information',
  'lost+found',
]);

const FILES_AT_ONCE = 512;

/** A sub-folder whose entries could not all be read. */
export interface UnreadableFolder {
  relativePath: string; // '' for the scanned folder itself
  error: Error;
}

interface Folder {
  path: string;
  relativePath: string;
}

/**
 * Finds the image files below `root`, some hundreds at a time and in no particular order. Links are followed, a folder is
 * entered once however many ways lead to it, and real folders come before links to them, so that a file keeps its path.
 * Pipes, sockets and devices are passed over. A folder that cannot be read is reported and the scan goes on. `onUnread`
 * hears of every other file that is no image by its name, with its kind. Rejects with CANCELLED when `signal` is aborted.
 */
export async function* scanFolder(
  root: string,
  onUnreadable: (folder: UnreadableFolder) => void,
  onUnread: (kind: string) => void = () => undefined,
  signal?: AbortSignal,
): AsyncGenerator<FoundFile[]> {
  const entered = new Set<string>();
  const folders: Folder[] = [{ path: root, relativePath: '' }];
  const linkedFolders: Folder[] = [];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop() ?? linkedFolders.shift()) {
    if (signal?.aborted === true) throw new AppError('CANCELLED', `The reading of ${root} was cancelled`);
    try {
      if (!(await enter(folder, entered))) continue;
      yield* scanOneFolder(folder, folders, linkedFolders, onUnread);
    } catch (error) {
      if (!hasCode(error)) throw error;
      onUnreadable({ relativePath: folder.relativePath, error });
    }
  }
}

/** Whether the folder had not been entered before, by whatever path. */
async function enter(folder: Folder, entered: Set<string>): Promise<boolean> {
  const { dev, ino } = await stat(folder.path, { bigint: true });
  const identity = `${dev}:${ino}`;
  if (entered.has(identity)) return false;
  entered.add(identity);
  return true;
}

async function* scanOneFolder(
  folder: Folder,
  folders: Folder[],
  linkedFolders: Folder[],
  onUnread: (kind: string) => void,
): AsyncGenerator<FoundFile[]> {
  let entries: Dirent[] = [];
  const look = async (): Promise<FoundFile[]> => {
    const looked = entries;
    entries = [];
    const found = await Promise.all(looked.map((entry) => lookAt(entry, folder, linkedFolders, onUnread)));
    return found.filter((file) => file !== undefined);
  };
  for await (const entry of await opendir(folder.path, { bufferSize: FILES_AT_ONCE })) {
    if (isJunk(entry.name)) continue;
    if (entry.isDirectory()) folders.push(child(folder, entry.name));
    else if (entry.isSymbolicLink() || (entry.isFile() && isImage(entry.name))) entries.push(entry);
    else if (entry.isFile()) onUnread(kindOf(entry.name));
    if (entries.length >= FILES_AT_ONCE) yield await look();
  }
  yield await look();
}

/** The image file behind an entry; a link to a folder joins `linkedFolders` instead. */
async function lookAt(
  entry: Dirent,
  folder: Folder,
  linkedFolders: Folder[],
  onUnread: (kind: string) => void,
): Promise<FoundFile | undefined> {
  const { path, relativePath } = child(folder, entry.name);
  let stats: Stats;
  try {
    stats = await stat(path);
  } catch (error) {
    // A file that was deleted meanwhile is not there. Anything else is, and reading it will say why it fails;
    // U+FFFD stands for bytes that are no UTF-8, so that its file cannot be found although it is there.
    const deleted = codeOf(error) === 'ENOENT' && entry.isFile() && !entry.name.includes('\ufffd');
    return deleted || !isImage(entry.name) ? undefined : { relativePath, fileSize: 0, modifiedMs: 0 };
  }
  if (stats.isDirectory()) linkedFolders.push({ path, relativePath });
  if (!stats.isFile()) return undefined;
  if (!isImage(entry.name)) {
    onUnread(kindOf(entry.name));
    return undefined;
  }
  return { relativePath, fileSize: stats.size, modifiedMs: Math.floor(stats.mtimeMs) };
}

function child(folder: Folder, name: string): Folder {
  const relativePath = folder.relativePath === '' ? name : `${folder.relativePath}/${name}`;
  return { path: join(folder.path, name), relativePath };
}

/** Whether a file or folder of this name is passed over. */
export function isJunk(name: string): boolean {
  return name.startsWith('.') || JUNK_NAMES.has(name.toLowerCase());
}

/** The kind of a file that is not read: its extension in lower case, '' without one. */
function kindOf(name: string): string {
  return extname(name).toLowerCase();
}

/** Whether a file of this name is an image that Winnow reads. */
export function isImage(name: string): boolean {
  return IMAGE_EXTENSIONS.has(extname(name).toLowerCase());
}
