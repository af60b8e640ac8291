import type { FolderListing, FolderScan } from '../../electron/shared/api/folders.ts';
import { announce } from './announcer.svelte.ts';
import { format, t } from './i18n.svelte.ts';
import { attempt, notices } from './notices.svelte.ts';
import { queue } from './queue.svelte.ts';
import { api } from './winnow.svelte.ts';

class Folders {
  /** Undefined until they were read. */
  list: FolderListing[] | undefined = $state.raw();
  /** Why they could not be read. */
  error: unknown = $state.raw();
  /** Paths that are being added or scanned again. */
  busy: string[] = $state.raw([]);

  async load(): Promise<void> {
    try {
      this.list = await api.listFolders({});
      this.error = undefined;
    } catch (error) {
      this.error = error;
    }
  }

  /** Takes folders into the library, one after the other; comes back with those that are in it now. */
  async add(paths: string[]): Promise<FolderListing[]> {
    const added: FolderListing[] = [];
    for (const path of paths) {
      const scan = await this.scan(path, () => api.addFolder({ path }));
      if (scan) added.push(scan.folder);
    }
    return added;
  }

  async rescan({ id, path }: FolderListing): Promise<void> {
    await this.scan(path, () => api.rescanFolder({ folderId: id }));
  }

  async remove({ id, name }: FolderListing): Promise<void> {
    await attempt(async () => {
      await api.removeFolder({ folderId: id });
      announce(t('library.removed', { name }));
    });
    await this.load();
  }

  private async scan(path: string, work: () => Promise<FolderScan>): Promise<FolderScan | undefined> {
    this.busy = [...this.busy, path];
    const scan = await attempt(work);
    this.busy = this.busy.filter((other) => other !== path);
    queue.scanning = undefined;
    if (scan) tellScan(scan);
    await this.load();
    return scan;
  }
}

function tellScan({ folder, added, changed, vanished, notices: sentences }: FolderScan): void {
  announce(
    t('library.scanned', {
      name: folder.name,
      added,
      addedText: format.count(added),
      changed,
      changedText: format.count(changed),
      vanished,
      vanishedText: format.count(vanished),
    }),
  );
  for (const message of sentences) notices.add({ tone: 'warning', message });
}

export const folders = new Folders();
