import type { FolderListing, FolderScan } from '../../../electron/shared/api/folders.ts';
import { announce } from './announcer.svelte.ts';
import { t } from '../text/i18n.svelte.ts';
import { attempt, notices } from './notices.svelte.ts';
import { queue } from './queue.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

class Folders {
  /** Undefined until read. */
  list: FolderListing[] | undefined = $state.raw();
  /** Why they could not be read. */
  error: unknown = $state.raw();
  /** Ids of the ticked folders, which a new run labels; it labels all when none is ticked. */
  ticked: number[] = $state.raw([]);
  /** Paths that are being added or scanned again. */
  busy: string[] = $state.raw([]);

  async load(): Promise<void> {
    try {
      this.list = await api.listFolders({});
      this.error = undefined;
      const ids = this.list.map(({ id }) => id);
      if (this.ticked.some((id) => !ids.includes(id)))
        this.ticked = this.ticked.filter((id) => ids.includes(id));
    } catch (error) {
      this.error = error;
    }
  }

  /** The folders that a new run labels. */
  get chosen(): FolderListing[] {
    const there = (this.list ?? []).filter(({ missing }) => !missing);
    const ticked = there.filter(({ id }) => this.ticked.includes(id));
    return ticked.length === 0 ? there : ticked;
  }

  tick(folderId: number): void {
    this.ticked = this.ticked.includes(folderId)
      ? this.ticked.filter((id) => id !== folderId)
      : [...this.ticked, folderId];
  }

  /** Adds folders to the library, one after the other; resolves to those that could be. */
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
      changed,
      vanished,
    }),
  );
  for (const message of sentences) notices.add({ tone: 'warning', message });
}

export const folders = new Folders();

/** Address of the view New run for the folders ticked in the library: path and query. */
export function newRunAddress(): [path: string, query: Record<string, string>] {
  const { chosen, ticked } = folders;
  const ids = chosen.filter(({ id }) => ticked.includes(id)).map(({ id }) => id);
  return ['/new-run', ids.length === 0 ? {} : { folders: ids.join(',') }];
}
