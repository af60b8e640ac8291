import type { ExportFormatInfo } from '../../../electron/shared/api/exports.ts';
import type { ResultFilter } from '../../../electron/shared/api/results.ts';
import type { MessageKey } from '../../lib/text/messages.ts';

/** What an export writes: a table, what was found, or the images themselves in a folder per label. */
export type ExportKind = NamedBehind<MessageKey, 'export.kind.'>;

type FoundKind = NamedBehind<MessageKey, 'export.about.'>;

type NamedBehind<Key, Prefix extends string> = Key extends `${Prefix}${infer Name}` ? Name : never;

/** A format whose name has its messages; test/renderer/views/words.test.ts makes sure that all have. */
export interface NamedFormat extends ExportFormatInfo {
  name: Exclude<ExportKind, 'copy' | 'move'>;
}

/** What is chosen until the formats of the run are known. */
export const CSV: NamedFormat = {
  name: 'csv',
  of: 'files',
  place: 'file',
  ending: '.csv',
  options: ['bom', 'columns'],
};

/** What the person can choose of a run. */
export type Choice = NamedFormat | { name: 'copy' | 'move' };

/** The kinds of export of a run, in groups. */
export function exportGroups(
  formats: readonly NamedFormat[],
): { name: 'tables' | 'found' | 'files'; choices: Choice[] }[] {
  return [
    { name: 'tables' as const, choices: formats.filter((format) => format.of === 'files') },
    { name: 'found' as const, choices: formats.filter((format) => format.of === 'found') },
    { name: 'files' as const, choices: [{ name: 'copy' as const }, { name: 'move' as const }] },
  ].filter(({ choices }) => choices.length > 0);
}

/** Whether it is about what was found in the images, not about the images alone. */
export function isFound(choice: Choice): choice is NamedFormat & { name: FoundKind } {
  return 'of' in choice && choice.of === 'found';
}

/** Whether it writes into a folder of its own. */
export function needsFolder(choice: Choice): boolean {
  return isTransfer(choice) || choice.place === 'folder';
}

/** What a file or folder is called that nobody has named. */
export function suggestedName(runId: number, choice: Choice): string {
  const about = isTransfer(choice) || isFound(choice) ? `-${choice.name}` : '';
  return `winnow-run-${runId}${about}${isTransfer(choice) ? '' : choice.ending}`;
}

export const SCOPES = ['seen', 'all', 'verified'] as const;
export type Scope = (typeof SCOPES)[number];

export function isTransfer(choice: Choice): choice is { name: 'copy' | 'move' } {
  return !('of' in choice);
}

/** The images of a scope, as a filter; `seen` is what the person was looking at. */
export function filterOf(scope: Scope, seen: ResultFilter): ResultFilter {
  return { seen, all: {}, verified: { status: 'verified' as const } }[scope];
}

/** Whether something of it can be chosen. */
export function hasOption(choice: Choice, option: ExportFormatInfo['options'][number]): boolean {
  return !isTransfer(choice) && choice.options.includes(option);
}

/** The parts of a path, with the separators that it has. */
export function splitPath(path: string): { folder: string; name: string } {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  const folder = path.slice(0, Math.max(end, 0));
  const isRoot = end >= 0 && /^([a-z]:)?$/i.test(folder); // whose separator is a part of it
  return { folder: isRoot ? path.slice(0, end + 1) : folder, name: path.slice(end + 1) };
}

/** A name in a folder; the separator is the one that the folder's path has. */
export function joinPath(folder: string, name: string): string {
  const separator = folder.includes('\\') && !folder.includes('/') ? '\\' : '/';
  return folder.endsWith(separator) ? folder + name : folder + separator + name;
}

/**
 * The path for another choice: a suggested name becomes the one of that choice, of another name only the ending changes,
 * where it is one of `endings`.
 */
export function withChoice(
  path: string,
  runId: number,
  { before, next, endings }: { before: Choice; next: Choice; endings: readonly string[] },
): string {
  const { folder, name } = splitPath(path);
  if (name === suggestedName(runId, before)) return joinPath(folder, suggestedName(runId, next));
  const old = endings.find((ending) => ending !== '' && path.toLowerCase().endsWith(ending));
  if (isTransfer(next) || next.ending === '' || old === undefined) return path;
  return path.slice(0, -old.length) + next.ending;
}
