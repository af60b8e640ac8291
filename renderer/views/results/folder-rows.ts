import type { FacetFolder, FolderPlace } from '../../../electron/shared/api/results.ts';

/** A visible row of the tree of folders. */
export interface FolderRow extends FacetFolder {
  key: string; // by `placeKey`
  position: number; // among its siblings, from 1
  siblings: number; // with itself
}

/** A folder's place as one string, to be used as a key. */
export const placeKey = ({ folderId, path }: FolderPlace): string => `${folderId}/${path}`;

/** The rows of all folders that are not inside a closed one. */
export function shownRows(folders: readonly FacetFolder[], closed: ReadonlySet<string>): FolderRow[] {
  const rows: FolderRow[] = [];
  const groups: FolderRow[][] = []; // by depth: the siblings up to the present row
  const counts = new Map<FolderRow, FolderRow[]>();
  let below: number | undefined; // depth of the last closed folder, in which the row may be
  for (const folder of folders) {
    if (below !== undefined && folder.depth > below) continue;
    const key = placeKey(folder);
    const isOpen = folder.isOpen && !closed.has(key);
    below = isOpen ? undefined : folder.depth;
    groups.length = Math.min(groups.length, folder.depth + 1);
    const group = (groups[folder.depth] ??= []);
    const row = { ...folder, key, isOpen, position: group.length + 1, siblings: 0 };
    group.push(row);
    rows.push(row);
    counts.set(row, group);
  }
  return rows.map((row) => ({ ...row, siblings: counts.get(row)?.length ?? 1 }));
}

function parentOf(rows: readonly FolderRow[], index: number): number | undefined {
  const depth = rows[index]?.depth ?? 0;
  const parent = rows.slice(0, index).findLastIndex((row) => row.depth < depth);
  return parent < 0 ? undefined : parent;
}

/** What a key does at a row of a tree: focuses another row (index), or opens or closes this one. */
export type TreeStep = { to: number } | { open: boolean } | undefined;

/** Keys as in the tree view of the ARIA Authoring Practices; undefined for a key that does nothing. */
export function treeStep(rows: readonly FolderRow[], index: number, key: string): TreeStep {
  const row = rows[index];
  if (row === undefined) return undefined;
  const isOpened = row.hasFolders && row.isOpen;
  switch (key) {
    case 'ArrowDown':
      return { to: Math.min(rows.length - 1, index + 1) };
    case 'ArrowUp':
      return { to: Math.max(0, index - 1) };
    case 'Home':
      return { to: 0 };
    case 'End':
      return { to: rows.length - 1 };
    case 'ArrowRight':
      if (!row.hasFolders) return { to: index };
      return isOpened ? { to: Math.min(rows.length - 1, index + 1) } : { open: true };
    case 'ArrowLeft':
      if (isOpened) return { open: false };
      return { to: parentOf(rows, index) ?? index };
    default:
      return undefined;
  }
}
