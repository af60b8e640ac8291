import type { ResultFilter } from '../shared/api/results.ts';
import { AppError } from '../shared/errors.ts';
import { displayNames, matchFolders, rightPairs } from './class-names.ts';
import type { Library } from './store/library.ts';
import { classPair, foldText } from './store/result-filter.ts';
import type { Difference, RowFilter, WrongChoice } from './store/result-filter.ts';
import type { RunRow } from './store/runs.ts';

/**
 * Resolves the names in a filter on the results of `run`. A label that no class has is no mistake: people may have given
 * it. Throws NOT_FOUND when the run to compare with is not in the library.
 */
export function resolveFilter(library: Library, run: RunRow, filter: ResultFilter): RowFilter {
  const { labels, text, differsFrom, wrong, ...rest } = filter;
  const names = classLabels(library, run);
  const resolved: RowFilter = { ...rest };
  if (labels !== undefined) resolved.labels = { names: labels, classes: indicesOf(names, labels) };
  if (text !== undefined && text !== '') {
    const part = foldText(text);
    const classes = names.flatMap((name, index) => (foldText(name).includes(part) ? [index] : []));
    resolved.text = { part: text, classes };
  }
  if (filter.status === 'corrected') resolved.classLabels = pairWithLabels(names);
  if (differsFrom !== undefined) resolved.differsFrom = resolveDifference(library, names, differsFrom);
  if (wrong !== undefined) resolved.wrong = resolveWrong(library, run, wrong.folder);
  return resolved;
}

/** The labels of the classes of a run's model as they are shown, by index. */
export function classLabels(library: Library, run: RunRow): string[] {
  return displayNames(library.models.get(run.spec.modelSha256).manifest.labels);
}

/** Each class with its label, as RowFilter's `classLabels`. */
export function pairWithLabels(names: readonly string[]): string[] {
  return names.map((name, index) => `${index} ${name}`);
}

function indicesOf(names: readonly string[], wanted: readonly string[]): number[] {
  const set = new Set(wanted);
  return names.flatMap((name, index) => (set.has(name) ? [index] : []));
}

function resolveDifference(
  library: Library,
  names: readonly string[],
  { runId, label }: NonNullable<ResultFilter['differsFrom']>,
): Difference {
  const other = library.runs.get(runId);
  if (other === undefined) throw new AppError('NOT_FOUND', `There is no run ${runId} to compare with`);
  const otherNames = classLabels(library, other);
  return {
    runId,
    agreeing: agreeingPairs(names, otherNames),
    otherClasses: label === undefined ? undefined : indicesOf(otherNames, [label]),
  };
}

/** classPair of every two classes with the same label. */
function agreeingPairs(names: readonly string[], otherNames: readonly string[]): number[] {
  const others = new Map(otherNames.map((name, index) => [name, index]));
  return names.flatMap((name, index) => {
    const other = others.get(name);
    return other === undefined ? [] : [classPair(index, other)];
  });
}

function resolveWrong(library: Library, run: RunRow, folder: string | undefined): WrongChoice {
  const { labels } = library.models.get(run.spec.modelSha256).manifest;
  const matched = matchFolders(labels, folder === undefined ? library.results.topFolders(run.id) : [folder]);
  return { folders: [...matched.keys()], right: rightPairs(matched) };
}
