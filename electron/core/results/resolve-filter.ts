import type { ClassNames, ResultFilter, ResultSort } from '../../shared/api/results.ts';
import { AppError } from '../../shared/errors.ts';
import { foldName } from '../../shared/fold-name.ts';
import type { Task } from '../../shared/model-package.ts';
import { displayNames, matchFolders, rightPairs } from '../models/class-names.ts';
import type { Library } from '../store/library.ts';
import { BLANK } from './box-counts.ts';
import { leastScore } from './held-label.ts';
import { classPair, NOTHING } from '../store/lists/result-filter.ts';
import type { Difference, FoundIn, RowFilter, WrongChoice } from '../store/lists/result-filter.ts';
import type { RowOrder } from '../store/lists/result-order.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { TASKS } from '../../shared/tasks.ts';

/**
 * Resolves the names in a filter on the results of `run`. A label that no class has is no mistake: people may have given
 * it. Throws NOT_FOUND when the run to compare with is not in the library.
 */
export function resolveFilter(library: Library, run: RunRow, filter: ResultFilter): RowFilter {
  const { labels, contains, text, differsFrom, wrong, folder, ...rest } = filter;
  const names = classLabels(library, run);
  const { task } = library.models.get(run.spec.modelSha256).manifest;
  const resolved: RowFilter = { ...rest, minScore: leastScore(task, filter.minScore, run.spec) };
  if (folder !== undefined && folder !== '') resolved.directory = folder;
  if (labels !== undefined) {
    const called = run.spec.find !== undefined && labels.includes(BLANK) ? [...labels, ''] : labels;
    resolved.labels = { names: called, classes: indicesOf(names, called) };
  }
  if (contains !== undefined) {
    const choice = { names: contains, classes: indicesOf(names, contains) };
    resolved.contains = { ...choice, table: foundIn(task) };
  }
  if (text !== undefined && text !== '') {
    const part = foldName(text);
    const classes = names.flatMap((name, index) => (foldName(name).includes(part) ? [index] : []));
    resolved.text = { part: text, classes };
  }
  if (filter.status === 'corrected') resolved.classLabels = pairWithLabels(names);
  if (differsFrom !== undefined)
    resolved.differsFrom = resolveDifference(library, names, differsFrom, filter.minScore);
  if (wrong !== undefined) resolved.wrong = resolveWrong(library, run, wrong.folder);
  return resolved;
}

/**
 * Resolves the run that a sort of the results of `run` compares with. Throws BAD_ARGUMENT when it needs one that is not
 * named, NOT_FOUND when that is not in the library.
 */
export function resolveOrder(
  library: Library,
  run: RunRow,
  sort: ResultSort,
  { comparedWith, minScore }: { comparedWith: number | undefined; minScore: number | undefined },
): RowOrder {
  if (sort !== 'disagreement') return { sort };
  if (comparedWith === undefined)
    throw new AppError(
      'BAD_ARGUMENT',
      `The sort disagreement needs a run to compare run ${run.id} with`,
      'Name it as comparedWith.',
    );
  const names = classLabels(library, run);
  const difference = resolveDifference(library, names, { runId: comparedWith }, minScore);
  return { sort, comparedWith: difference };
}

/** The score below which what a run found counts as not found; see leastScore. */
export function leastScoreOf(library: Library, run: RunRow, wanted?: number): number {
  return leastScore(library.models.get(run.spec.modelSha256).manifest.task, wanted, run.spec);
}

/** The labels of the classes of a run's model as they are shown, by index. */
export function classLabels(library: Library, run: RunRow): string[] {
  return displayNames(library.models.get(run.spec.modelSha256).manifest.labels);
}

/** What images and boxes of a run can be called. */
export function listClassNames(library: Library, run: RunRow): ClassNames {
  const classes = new Set(classLabels(library, run));
  const own = library.reviews.labels(run.id).filter((label) => !classes.has(label));
  const { compare } = new Intl.Collator('en', { numeric: true });
  return { classes: [...classes].sort(compare), own: own.sort(compare) };
}

/** Each class with its label, as RowFilter's `classLabels`. */
export function pairWithLabels(names: readonly string[]): string[] {
  return [...names.map((name, index) => `${index} ${name}`), `${NOTHING} `];
}

/** Where the library keeps what a model of a task found. */
export function foundIn(task: Task): FoundIn {
  return TASKS[task].foundIn ?? 'detections';
}

/** The classes with one of the labels; '' is that of NOTHING. */
function indicesOf(names: readonly string[], wanted: readonly string[]): number[] {
  const set = new Set(wanted);
  const classes = names.flatMap((name, index) => (set.has(name) ? [index] : []));
  return set.has('') ? [...classes, NOTHING] : classes;
}

function resolveDifference(
  library: Library,
  names: readonly string[],
  { runId, label }: NonNullable<ResultFilter['differsFrom']>,
  minScore: number | undefined,
): Difference {
  const other = library.runs.get(runId);
  if (other === undefined) throw new AppError('NOT_FOUND', `There is no run ${runId} to compare with`);
  const otherNames = classLabels(library, other);
  return {
    runId,
    agreeing: agreeingPairs(names, otherNames),
    otherClasses: label === undefined ? undefined : indicesOf(otherNames, [label]),
    minScore: leastScoreOf(library, other, minScore),
  };
}

/** classPair of every two classes with the same label, and of NOTHING in both. */
function agreeingPairs(names: readonly string[], otherNames: readonly string[]): number[] {
  const others = new Map(otherNames.map((name, index) => [name, index]));
  const pairs = names.flatMap((name, index) => {
    const other = others.get(name);
    return other === undefined ? [] : [classPair(index, other)];
  });
  return [...pairs, classPair(NOTHING, NOTHING)];
}

function resolveWrong(library: Library, run: RunRow, folder: string | undefined): WrongChoice {
  const { labels } = library.models.get(run.spec.modelSha256).manifest;
  const matched = matchFolders(labels, folder === undefined ? library.results.topFolders(run.id) : [folder]);
  return { folders: [...matched.keys()], right: rightPairs(matched) };
}
