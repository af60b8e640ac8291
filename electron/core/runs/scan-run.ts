import type { FolderCounts } from '../../shared/run.ts';
import { scanIntoLibrary } from './scan-library.ts';
import type { Library } from '../store/library.ts';

export interface ScanListener {
  /** Hears after each transaction how many files were found so far, in all and folder by folder. */
  onFound(files: number, folders: FolderCounts[]): void;
  /** Hears of each sub-folder that could not be read. */
  onNotice(message: string): void;
}

/**
 * Scans the folders of a run into the library: files that are new or changed become pending, files that have
 * vanished leave the run. Ends early, without forgetting any, when `signal` is aborted.
 * Throws FILE_SYSTEM when one of the folders itself cannot be read.
 */
export async function scanRun(
  library: Library,
  run: { id: number; spec: { folders: readonly string[] } },
  signal: AbortSignal,
  listener: ScanListener,
): Promise<void> {
  const scanned: FolderCounts[] = [];
  for (const path of run.spec.folders) {
    const folder: FolderCounts = { path, total: 0, done: 0 };
    scanned.push(folder);
    const news = await scanIntoLibrary(library, path, signal, {
      onFile: (imageId, file) => library.results.enqueue(run.id, imageId, file),
      onGone: (imageIds) => void library.results.drop(run.id, imageIds),
      onFound: (files) => {
        folder.total = files;
        const total = scanned.reduce((sum, one) => sum + one.total, 0);
        listener.onFound(
          total,
          scanned.map((one) => ({ ...one })),
        );
      },
      onNotice: (message) => listener.onNotice(message),
    });
    if (news === undefined) return;
  }
}
