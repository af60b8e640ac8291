import {
  FOUND_FILE_FORMATS,
  FOUND_FOLDER_FORMATS,
  TABLE_FORMATS,
} from '../../../electron/shared/api/exports.ts';
import type { ExportFormat } from '../../../electron/shared/api/exports.ts';
import type { ResultFilter } from '../../../electron/shared/api/results.ts';
import type { Task } from '../../../electron/shared/model-package.ts';

/** What an export writes: a table, what was found, or the images themselves in a folder per label. */
export type ExportKind = ExportFormat | 'copy' | 'move';

type FoundKind = (typeof FOUND_FILE_FORMATS)[number] | (typeof FOUND_FOLDER_FORMATS)[number];

/** Formats of what models of a task find. */
const FOUND: Record<Task, FoundKind[]> = {
  classification: [],
  detection: ['detections', 'coco', 'megadetector', 'yolo', 'voc', 'crops', 'overlays'],
  segmentation: ['coco', 'maps', 'overlays'],
};

/** The kinds of export of a run, in groups. */
export function exportKinds(task: Task): { name: 'tables' | 'found' | 'files'; kinds: ExportKind[] }[] {
  return [
    { name: 'tables' as const, kinds: [...TABLE_FORMATS] },
    { name: 'found' as const, kinds: FOUND[task] },
    { name: 'files' as const, kinds: ['copy' as const, 'move' as const] },
  ].filter(({ kinds }) => kinds.length > 0);
}

/** Whether it is about what was found in the images, not about the images alone. */
export function isFound(kind: ExportKind): kind is FoundKind {
  return ([...FOUND_FILE_FORMATS, ...FOUND_FOLDER_FORMATS] as ExportKind[]).includes(kind);
}

/** Whether it writes into a folder of its own. */
export function needsFolder(kind: ExportKind): boolean {
  return isTransfer(kind) || (FOUND_FOLDER_FORMATS as readonly ExportKind[]).includes(kind);
}

const ENDINGS: Partial<Record<ExportKind, string>> = {
  csv: '.csv',
  json: '.json',
  xlsx: '.xlsx',
  detections: '-detections.csv',
  coco: '-coco.json',
  megadetector: '-megadetector.json',
};

/** What a file or folder is called that nobody has named. */
export function suggestedName(runId: number, kind: ExportKind): string {
  return `winnow-run-${runId}${ENDINGS[kind] ?? `-${kind}`}`;
}

export const SCOPES = ['seen', 'all', 'verified'] as const;
export type Scope = (typeof SCOPES)[number];

export function isTransfer(kind: ExportKind): kind is 'copy' | 'move' {
  return kind === 'copy' || kind === 'move';
}

/** The images of a scope, as a filter; `seen` is what the person was looking at. */
export function filterOf(scope: Scope, seen: ResultFilter): ResultFilter {
  return { seen, all: {}, verified: { status: 'verified' as const } }[scope];
}

/** Whether the columns of what is written have names that can be chosen. */
export function hasColumns(kind: ExportKind): boolean {
  return kind === 'csv' || kind === 'xlsx' || kind === 'detections';
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

/**
 * The path for another kind of export: a suggested name becomes the one of that kind, of another name only the ending
 * changes.
 */
export function withKind(path: string, runId: number, before: ExportKind, kind: ExportKind): string {
  const { folder, name } = splitPath(path);
  if (name === suggestedName(runId, before)) return joinPath(folder, suggestedName(runId, kind));
  const ending = /\.[a-z]+$/.exec(ENDINGS[kind] ?? '')?.[0];
  return ending === undefined ? path : path.replace(/\.(csv|json|xlsx)$/i, ending);
}
