import { AppError } from '../shared/errors.ts';
import { scanFolder } from './scan-folder.ts';
import type { FoundFile } from './store/images.ts';
import type { Library } from './store/library.ts';

const FILES_PER_TRANSACTION = 4000;

export interface ScanListener {
  /** Hears after each transaction how many files were found so far. */
  onFound(files: number): void;
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
  let found = 0;
  for (const path of run.spec.folders) {
    const folder = library.folders.ensure(path);
    const scan = library.folders.beginScan(folder.id);
    const save = (files: readonly FoundFile[]) =>
      library.transaction(() => {
        for (const file of files)
          library.results.enqueue(run.id, library.images.see(folder.id, file, scan), file);
      });
    const files = scanFolder(path, ({ relativePath, error }) => {
      if (relativePath === '') {
        throw new AppError('FILE_SYSTEM', `The folder ${path} cannot be read: ${error.message}`, undefined, {
          cause: error,
        });
      }
      library.images.seeUnder(folder.id, relativePath, scan);
      listener.onNotice(
        `The folder ${path}/${relativePath} cannot be read and is left out: ${error.message}`,
      );
    });
    let group: FoundFile[] = [];
    for await (const some of files) {
      if (signal.aborted) return;
      group.push(...some);
      if (group.length < FILES_PER_TRANSACTION) continue;
      save(group);
      listener.onFound((found += group.length));
      group = [];
    }
    save(group);
    listener.onFound((found += group.length));
    library.results.dropVanished(run.id, folder.id, scan);
  }
}
