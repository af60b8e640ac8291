import type { ResultFilter } from '../../shared/api/results.ts';
import { foldName } from '../../shared/fold-name.ts';
import { IdSet } from '../../shared/id-set.ts';
import { STATUSES } from '../store/lists/column-reads.ts';
import type { Directory } from '../store/lists/column-reads.ts';
import { NOTHING, splitPair } from '../store/lists/result-filter.ts';
import type {
  Difference,
  FilterPart,
  FoundChoice,
  LabelChoice,
  RowFilter,
  WrongChoice,
} from '../store/lists/result-filter.ts';
import { NO_CLASS } from './run-columns.ts';
import type { RunColumns } from './run-columns.ts';

/** Whether a row passes; undefined where every row does. */
export type RowTest = ((row: number) => boolean) | undefined;

/** What tests need of other tables than the columns. */
export interface TestSources {
  columnsOf: (runId: number) => RunColumns;
  /** The images that contain one of the classes; as `foundCondition` of store/result-filter.ts. */
  imagesContaining: (runId: number, choice: FoundChoice, minScore: number) => readonly number[];
}

/**
 * The parts of a filter as tests of rows. They say what `filterConditions` of store/result-filter.ts says in SQL, many times
 * faster; a test compares them on random filters.
 */
export function rowTests(
  columns: RunColumns,
  filter: RowFilter,
  sources: TestSources,
): Record<FilterPart, RowTest> {
  const { minScore = 0, labels, status, contains, text, differsFrom, wrong } = filter;
  return {
    labels: labels && labelTest(columns, labels, minScore),
    confidence: confidenceTest(columns, filter),
    status: status && statusTest(columns, status, filter),
    folder: folderTest(columns, filter),
    rest: every([
      contains && containsTest(columns, sources.imagesContaining(columns.runId, contains, minScore)),
      text && textTest(columns, text, minScore),
      differsFrom && differenceTest(columns, sources.columnsOf(differsFrom.runId), differsFrom, minScore),
      wrong && wrongTest(columns, wrong, minScore),
    ]),
  };
}

/** Passes what passes all of the tests. */
export function every(tests: readonly RowTest[]): RowTest {
  const [first, second, ...others] = tests.filter((test) => test !== undefined);
  if (first === undefined || second === undefined) return first;
  return every([(row) => first(row) && second(row), ...others]);
}

function labelTest(columns: RunColumns, { names, classes }: LabelChoice, minScore: number): RowTest {
  const [wantedNames, wantedClasses] = [new Set(names), new Set(classes)];
  const wanted = columns.labels.map((label) => wantedNames.has(label));
  return (row) => {
    const review = columns.review[row] ?? -1;
    return review < 0 ? wantedClasses.has(columns.bestClass(row, minScore)) : wanted[review] === true;
  };
}

function confidenceTest(
  { confidence }: RunColumns,
  { minScore = 0, minConfidence, maxConfidence }: RowFilter,
): RowTest {
  if (minConfidence === undefined && maxConfidence === undefined) return undefined;
  const [least, most] = [Math.max(minConfidence ?? 0, minScore), maxConfidence ?? Infinity];
  return (row) => {
    const value = confidence[row] ?? NaN;
    return value >= least && value <= most;
  };
}

function statusTest(
  columns: RunColumns,
  status: NonNullable<ResultFilter['status']>,
  { classLabels = [], minScore = 0 }: RowFilter,
): RowTest {
  const isReviewed = (row: number) => (columns.review[row] ?? -1) >= 0;
  switch (status) {
    case 'verified':
      return isReviewed;
    case 'unverified':
      return (row) => columns.isPredicted(row) && !isReviewed(row);
    case 'corrected':
      return correctedTest(columns, classLabels, minScore);
    case 'blank':
      return (row) => isBlank(columns, row, minScore);
    case 'labelled':
      return (row) =>
        isReviewed(row) ? columns.labelOf(row) !== '' : columns.bestClass(row, minScore) > NOTHING;
    case 'warned':
      return (row) => columns.isWarned(row);
    case 'problem':
      return (row) => columns.status[row] === STATUSES.indexOf('failed') || columns.isWarned(row);
    case 'ok':
    case 'failed':
    case 'pending': {
      const code = STATUSES.indexOf(status);
      return (row) => columns.status[row] === code;
    }
  }
}

/** Nothing is in the image: as a person says, else as the model does. */
export function isBlank(columns: RunColumns, row: number, minScore: number): boolean {
  return (columns.review[row] ?? -1) >= 0
    ? columns.labelOf(row) === ''
    : columns.bestClass(row, minScore) === NOTHING;
}

/** Reviewed with another label than the model's. `classLabels`: as in RowFilter. */
export function correctedTest(
  columns: RunColumns,
  classLabels: readonly string[],
  minScore: number,
): (row: number) => boolean {
  const classes = new Map(
    classLabels.map((text) => {
      const space = text.indexOf(' ');
      return [text.slice(space + 1), Number(text.slice(0, space))];
    }),
  );
  const classOfLabel = Int32Array.from(columns.labels, (label) => classes.get(label) ?? NO_CLASS);
  return (row) => {
    const review = columns.review[row] ?? -1;
    if (review < 0) return false;
    const best = columns.bestClass(row, minScore);
    return best === NO_CLASS || classOfLabel[review] !== best;
  };
}

function folderTest(columns: RunColumns, { folderId, directory }: RowFilter): RowTest {
  if (folderId === undefined && directory === undefined) return undefined;
  const isIn = ({ folderId: folder, path }: Directory) =>
    (folderId === undefined || folder === folderId) &&
    (directory === undefined || path === directory || path.startsWith(`${directory}/`));
  const { list, ofRow } = columns.directories;
  const wanted = list.map(isIn);
  return (row) => wanted[ofRow[row] ?? -1] === true;
}

function containsTest({ ids }: RunColumns, imageIds: readonly number[]): RowTest {
  const found = new IdSet(imageIds);
  return (row) => found.has(ids[row] ?? 0);
}

function textTest(
  columns: RunColumns,
  { part, classes }: NonNullable<RowFilter['text']>,
  minScore: number,
): RowTest {
  const marks = new Uint8Array(columns.length);
  columns.paths.mark(part, marks);
  const wantedClasses = new Set(classes);
  const has = holds(part);
  const wanted = columns.labels.map(has);
  return (row) => {
    if (marks[row] === 1) return true;
    const review = columns.review[row] ?? -1;
    return review < 0 ? wantedClasses.has(columns.bestClass(row, minScore)) : wanted[review] === true;
  };
}

/** Whether a label has a text in it, in any case: of ASCII letters alone where the text has no others. */
function holds(part: string): (label: string) => boolean {
  const plain = /^\p{ASCII}*$/u.test(part);
  const lower = (text: string) => text.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
  const wanted = plain ? lower(part) : foldName(part);
  return (label) => (plain ? lower(label) : foldName(label)).includes(wanted);
}

function differenceTest(
  columns: RunColumns,
  other: RunColumns,
  { agreeing, otherClasses, minScore: otherMinScore = 0 }: Difference,
  minScore: number,
): RowTest {
  const [agrees, wanted] = [pairTest(agreeing), otherClasses && new Set(otherClasses)];
  return (row) => {
    const there = other.rowOf(columns.ids[row] ?? 0);
    if (there < 0 || !columns.isPredicted(row) || !other.isPredicted(there)) return false;
    const otherClass = other.bestClass(there, otherMinScore);
    if (wanted !== undefined && !wanted.has(otherClass)) return false;
    return !agrees(columns.bestClass(row, minScore), otherClass);
  };
}

/**
 * Whether two classes are one of the pairs. Looked up by the first class: a set of a million numbers above 32 bits is slow.
 */
export function pairTest(pairs: readonly number[]): (classIndex: number, otherClass: number) => boolean {
  const others: number[][] = []; // by class, NOTHING first
  for (const pair of pairs) {
    const [classIndex, otherClass] = splitPair(pair);
    (others[classIndex - NOTHING] ??= []).push(otherClass);
  }
  return (classIndex, otherClass) => others[classIndex - NOTHING]?.includes(otherClass) === true;
}

function wrongTest(columns: RunColumns, { folders, right }: WrongChoice, minScore: number): RowTest {
  const [named, rightPairs] = [new Set(folders), new Set(right)];
  const { list, ofRow } = columns.directories;
  const tops = list.map(({ path }) => path.split('/', 1)[0] ?? '');
  return (row) => {
    const top = tops[ofRow[row] ?? -1];
    if (top === undefined || !named.has(top) || !columns.isPredicted(row)) return false;
    return !rightPairs.has(`${top}/${columns.bestClass(row, minScore)}`);
  };
}
