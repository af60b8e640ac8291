import { AppError } from '../shared/errors.ts';
import { scanFolder } from './scan-folder.ts';
import type { FoundFile } from './store/images.ts';
import type { FolderRow } from './store/folders.ts';
import type { Library } from './store/library.ts';

const FILES_PER_TRANSACTION = 4000;

export interface FolderScanListener {
  /** Hears of every file, inside the transaction that saves it. */
  onFile?: (imageId: number, file: FoundFile) => void;
  /** Hears after each transaction how many files were found so far in this folder. */
  onFound: (files: number) => void;
  /** Hears of each sub-folder that could not be read. */
  onNotice: (message: string) => void;
}

export interface ScanNews {
  scan: number; // its number; images of the folder with a smaller one have vanished
  added: number;
  changed: number;
  vanished: number;
}

/**
 * Scans a folder into the library. Scans of one folder may overlap: each sees the whole of it. Ends early with undefined,
 * and forgets no file, when `signal` is aborted. Throws FILE_SYSTEM when the folder itself cannot be read.
 */
export async function scanIntoLibrary(
  library: Library,
  path: string,
  signal: AbortSignal,
  listener: FolderScanListener,
): Promise<ScanNews | undefined> {
  const folder = library.folders.ensure(path);
  const news = { scan: library.folders.beginScan(folder.id), added: 0, changed: 0, vanished: 0 };
  const files = scanFolder(path, ({ relativePath, error }) => {
    if (relativePath === '') {
      throw new AppError('FILE_SYSTEM', `The folder ${path} cannot be read: ${error.message}`, undefined, {
        cause: error,
      });
    }
    library.images.seeUnder(folder.id, relativePath, news.scan);
    listener.onNotice(`The folder ${path}/${relativePath} cannot be read and is left out: ${error.message}`);
  });
  let found = 0;
  const save = (group: readonly FoundFile[]) => {
    library.transaction(() => {
      for (const file of group) {
        const imageId = see(library, folder, file, news);
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
  news.vanished = library.images.countGone(folder.id, folder.finishedScan, news.scan);
  library.folders.endScan(folder.id, news.scan);
  return news;
}

/** Saves a file that was found; a file that had vanished counts as added when it is there again. */
function see(library: Library, folder: FolderRow, file: FoundFile, news: ScanNews): number {
  const known = library.images.known(folder.id, file.relativePath);
  if (known === undefined || known.scan < folder.finishedScan) news.added++;
  else if (known.fileSize !== file.fileSize || known.modifiedMs !== file.modifiedMs) news.changed++;
  return library.images.see(folder.id, file, news.scan);
}
