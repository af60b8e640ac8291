import { setImmediate } from 'node:timers/promises';
import { AppError } from '../../shared/errors.ts';
import { IdSet } from '../../shared/id-set.ts';
import { scanFolder } from '../files/scan-folder.ts';
import type { FoundFile, UnreadableFolder } from '../files/scan-folder.ts';
import type { Library } from '../store/library.ts';

const FILES_PER_TRANSACTION = 4000;
const PATHS_PER_PAGE = 20_000;

export interface FolderScanListener {
  /** Hears of every file, inside the transaction that saves it. */
  onFile?: (imageId: number, file: FoundFile) => void;
  /** Hears of images of the folder that were not found, inside the transaction that notes it. */
  onGone?: (imageIds: readonly number[]) => void;
  /** Hears after each transaction how many files were found so far in this folder. */
  onFound: (files: number) => void;
  /** Hears of each sub-folder that could not be read. */
  onNotice: (message: string) => void;
}

export interface ScanNews {
  added: number;
  changed: number;
  vanished: number;
}

/**
 * Scans a folder into the library; only what has changed is written. Scans of one folder may overlap: each sees the whole
 * of it. Ends early with undefined, and forgets no file, when `signal` is aborted. Throws FILE_SYSTEM when the folder
 * itself cannot be read.
 */
export async function scanIntoLibrary(
  library: Library,
  path: string,
  signal: AbortSignal,
  listener: FolderScanListener,
): Promise<ScanNews | undefined> {
  const { id: folderId } = library.folders.ensure(path);
  const scan = library.folders.beginScan(folderId);
  const news: ScanNews = { added: 0, changed: 0, vanished: 0 };
  const seen = new IdSet();
  const unreadable: string[] = []; // sub-folders, each with a '/' behind
  const unread = new Map<string, number>();
  const onUnread = (kind: string) => void unread.set(kind, (unread.get(kind) ?? 0) + 1);
  const onUnreadable = ({ relativePath, error }: UnreadableFolder) => {
    if (relativePath === '') {
      throw new AppError('FILE_SYSTEM', `The folder ${path} cannot be read: ${error.message}`, undefined, {
        cause: error,
      });
    }
    unreadable.push(`${relativePath}/`);
    listener.onNotice(`The folder ${path}/${relativePath} cannot be read and is left out: ${error.message}`);
  };
  const files = scanFolder(path, onUnreadable, onUnread);
  let found = 0;
  const save = (group: readonly FoundFile[]) => {
    library.transaction(() => {
      for (const file of group) {
        const imageId = see(library, { folderId, scan }, file, news);
        seen.add(imageId);
        listener.onFile?.(imageId, file);
      }
    });
    listener.onFound((found += group.length));
  };
  let group: FoundFile[] = [];
  for await (const some of files) {
    if (signal.aborted) return undefined;
    group.push(...some);
    if (group.length < FILES_PER_TRANSACTION) continue;
    save(group);
    group = [];
  }
  save(group);
  for (const gone of await findGone(library, folderId, seen, unreadable)) {
    library.transaction(() => {
      news.vanished += library.images.markGone(gone, scan);
      listener.onGone?.(gone);
    });
    await setImmediate();
  }
  library.folders.endScan(folderId, scan, Object.fromEntries(unread));
  return news;
}

/** Saves a file unless the library knows it as it is; one that was gone counts as added when it is there again. */
function see(
  library: Library,
  { folderId, scan }: { folderId: number; scan: number },
  file: FoundFile,
  news: ScanNews,
): number {
  const known = library.images.known(folderId, file.relativePath);
  const isThere = known !== undefined && known.gone === 0;
  if (isThere && known.fileSize === file.fileSize && known.modifiedMs === file.modifiedMs) return known.id;
  if (isThere) news.changed++;
  else news.added++;
  return library.images.see(folderId, file, scan);
}

/** Images of a folder that a scan did not see, in groups; what lies in a sub-folder that cannot be read may be there. */
async function findGone(
  library: Library,
  folderId: number,
  seen: IdSet,
  unreadable: readonly string[],
): Promise<number[][]> {
  const groups: number[][] = [];
  let group: number[] = [];
  let after = '';
  for (;;) {
    const page = library.images.paths(folderId, after, PATHS_PER_PAGE);
    for (const { id, relativePath } of page) {
      if (seen.has(id) || unreadable.some((folder) => relativePath.startsWith(folder))) continue;
      group.push(id);
      if (group.length < FILES_PER_TRANSACTION) continue;
      groups.push(group);
      group = [];
    }
    const last = page.at(-1);
    if (last === undefined) break;
    after = last.relativePath;
    await setImmediate();
  }
  return group.length > 0 ? [...groups, group] : groups;
}
