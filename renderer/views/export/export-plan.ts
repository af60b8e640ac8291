import type { ExportFormatInfo } from '../../../electron/shared/api/exports.ts';
import type { ResultFilter } from '../../../electron/shared/api/results.ts';
import type { MessageKey } from '../../lib/text/messages.ts';

/** What an export writes: a table, what was found, or the images themselves in a folder per label. */
export type ExportKind = NamedBehind<MessageKey, 'export.kind.'>;

type FoundKind = NamedBehind<MessageKey, 'export.about.'>;

type NamedBehind<Key, Prefix extends string> = Key extends `${Prefix}${infer Name}` ? Name : never;

/** A format whose name has messages; test/renderer/views/words.test.ts checks that every format's has. */
export interface NamedFormat extends ExportFormatInfo {
  name: Exclude<ExportKind, 'copy' | 'move'>;
}

/** The format that is chosen until those of the run are known. */
export const CSV: NamedFormat = {
  name: 'csv',
  of: 'files',
  place: 'file',
  ending: '.csv',
  options: ['bom', 'columns'],
};

/** What can be chosen in the export of a run. */
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

/** Whether a choice writes what was found in the images, not a row per image. */
export function isFound(choice: Choice): choice is NamedFormat & { name: FoundKind } {
  return 'of' in choice && choice.of === 'found';
}

/** Whether a choice writes into a new folder. */
export function needsFolder(choice: Choice): boolean {
  return isTransfer(choice) || choice.place === 'folder';
}

/** The suggested name of a file or folder. */
export function suggestedName(runId: number, choice: Choice): string {
  const about = isTransfer(choice) || isFound(choice) ? `-${choice.name}` : '';
  return `winnow-run-${runId}${about}${isTransfer(choice) ? '' : choice.ending}`;
}

export const SCOPES = ['seen', 'all', 'verified'] as const;
export type Scope = (typeof SCOPES)[number];

export function isTransfer(choice: Choice): choice is { name: 'copy' | 'move' } {
  return !('of' in choice);
}

/** The images of a scope, as a filter; `seen` is the filter of the results that the person came from. */
export function filterOf(scope: Scope, seen: ResultFilter): ResultFilter {
  return { seen, all: {}, verified: { status: 'verified' as const } }[scope];
}

/** Whether a choice has this option. */
export function hasOption(choice: Choice, option: ExportFormatInfo['options'][number]): boolean {
  return !isTransfer(choice) && choice.options.includes(option);
}

/** Splits a path, with either separator, into its folder and name. */
export function splitPath(path: string): { folder: string; name: string } {
  const end = Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'));
  const folder = path.slice(0, Math.max(end, 0));
  const isRoot = end >= 0 && /^([a-z]:)?$/i.test(folder); // of which the separator is a part
  return { folder: isRoot ? path.slice(0, end + 1) : folder, name: path.slice(end + 1) };
}

/** The path of a name in a folder, with the separator of the folder's path. */
export function joinPath(folder: string, name: string): string {
  const separator = folder.includes('\\') && !folder.includes('/') ? '\\' : '/';
  return folder.endsWith(separator) ? folder + name : folder + separator + name;
}

/**
 * The path for another choice: a suggested name becomes that choice's suggestion; of any other name only the ending
 * changes, where it is one of `endings`.
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
