import type { FacetFolder, FolderPlace } from '../../../electron/shared/api/results.ts';

/** A row of the tree of folders that is seen. */
export interface FolderRow extends FacetFolder {
  key: string; // of its place
  position: number; // among the folders beside it, from 1
  siblings: number; // itself included
}

/** A folder's place as one text. */
export const placeKey = ({ folderId, path }: FolderPlace): string => `${folderId}/${path}`;

/** The rows without those that lie in a folder that a person has closed. */
export function shownRows(folders: readonly FacetFolder[], closed: ReadonlySet<string>): FolderRow[] {
  const rows: FolderRow[] = [];
  const groups: FolderRow[][] = []; // by depth: the folders beside each other, up to the row that is looked at
  const counts = new Map<FolderRow, FolderRow[]>();
  let below: number | undefined; // depth of the closed folder that the row may lie in
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

/** What a key does at a row of a tree: the keyboard goes to another row, or the row is opened or closed. */
export type TreeStep = { to: number } | { open: boolean } | undefined;

/** The keys of the tree view of the ARIA Authoring Practices; undefined for a key that does nothing there. */
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
