import type { ResultFilter } from '../../../electron/shared/api/results.ts';

/** What an export writes: a table, or the images themselves in a folder per label. */
export const EXPORT_KINDS = ['csv', 'json', 'xlsx', 'copy', 'move'] as const;
export type ExportKind = (typeof EXPORT_KINDS)[number];

export const SCOPES = ['seen', 'all', 'verified'] as const;
export type Scope = (typeof SCOPES)[number];

export function isTransfer(kind: ExportKind): kind is 'copy' | 'move' {
  return kind === 'copy' || kind === 'move';
}

/** The images of a scope, as a filter; `seen` is what the person was looking at. */
export function filterOf(scope: Scope, seen: ResultFilter): ResultFilter {
  return { seen, all: {}, verified: { status: 'verified' as const } }[scope];
}

/** The parts of a path, with the separators that it has. */
export function splitPath(path: string): { folder: string; name: string } {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  return { folder: path.slice(0, end < 0 ? 0 : end), name: path.slice(end + 1) };
}

/** A name in a folder; the separator is the one that the folder's path has. */
export function joinPath(folder: string, name: string): string {
  const separator = folder.includes('\\') && !folder.includes('/') ? '\\' : '/';
  return folder.endsWith(separator) ? folder + name : folder + separator + name;
}

/** The path for another kind of table: only the ending changes. */
export function withEnding(path: string, kind: ExportKind): string {
  return isTransfer(kind) ? path : path.replace(/\.(csv|json|xlsx)$/i, `.${kind}`);
}
