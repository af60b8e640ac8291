import { basename } from 'node:path';
import type { FacetFolder, FolderPlace, ResultFilter } from '../../shared/api/results.ts';
import type { DirectoryCount } from '../store/lists/result-queries.ts';
import type { Library } from '../store/library.ts';
import type { ListQueries } from '../store/lists/list-queries.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { resolveFilter } from './resolve-filter.ts';

/** A folder with its images, those below it included. */
interface Node {
  path: string;
  images: number;
  children: Map<string, Node>; // by name
}

/**
 * The folders of a run with counts of the images that pass the filter without its folder, as the rows of a tree: the folders
 * of the run, and what lies directly in those that are open. The only folder of a run is always open, as are those above the
 * folder that the filter names.
 */
export function listFolderTree(
  library: Library,
  queries: ListQueries,
  run: RunRow,
  filter: ResultFilter,
  open: readonly FolderPlace[],
): FacetFolder[] {
  const counts = queries.directoryCounts(run.id, resolveFilter(library, run, filter));
  const chosen = { folderId: filter.folderId, path: filter.folder ?? '' };
  const roots = run.spec.folders.flatMap((path) => {
    const folder = library.folders.find(path);
    return folder === undefined ? [] : [{ folder, root: emptyNode('') }];
  });
  const byId = new Map(roots.map(({ folder, root }) => [folder.id, root]));
  for (const count of counts) add(byId, count);
  const isOpen = openTest(open, chosen);
  return roots.flatMap(({ folder, root }) => {
    if (folder.id === chosen.folderId || roots.length === 1) makeChain(root, chosen.path);
    const rows: FacetFolder[] = [];
    const list = (node: Node, name: string, depth: number) => {
      const opened = (depth === 0 && roots.length === 1) || isOpen(folder.id, node.path);
      const { path, images, children } = node;
      rows.push({
        folderId: folder.id,
        path,
        name,
        depth,
        images,
        isOpen: opened,
        hasFolders: children.size > 0,
      });
      if (!opened) return;
      for (const [childName, child] of [...children].sort(byName)) list(child, childName, depth + 1);
    };
    list(root, basename(folder.path) || folder.path, 0);
    return rows;
  });
}

function openTest(open: readonly FolderPlace[], chosen: { folderId: number | undefined; path: string }) {
  const opened = new Set(open.map(({ folderId, path }) => `${folderId}/${path}`));
  return (folderId: number, path: string): boolean => {
    const isAbove = path === '' ? chosen.path !== '' : chosen.path.startsWith(`${path}/`);
    return opened.has(`${folderId}/${path}`) || (isAbove && (chosen.folderId ?? folderId) === folderId);
  };
}

function add(roots: ReadonlyMap<number, Node>, { folderId, directory, count }: DirectoryCount): void {
  const root = roots.get(folderId);
  if (root === undefined) return;
  for (const node of [root, ...makeChain(root, directory)]) node.images += count;
}

/** The folders on the way to a path below a folder, made where there are none. */
function makeChain(root: Node, path: string): Node[] {
  const chain: Node[] = [];
  let node = root;
  for (const name of path === '' ? [] : path.split('/')) {
    const child = node.children.get(name) ?? emptyNode(node.path === '' ? name : `${node.path}/${name}`);
    node.children.set(name, child);
    chain.push((node = child));
  }
  return chain;
}

function emptyNode(path: string): Node {
  return { path, images: 0, children: new Map() };
}

const { compare } = new Intl.Collator('en', { numeric: true });
const byName = ([one]: [string, Node], [other]: [string, Node]) => compare(one, other);
