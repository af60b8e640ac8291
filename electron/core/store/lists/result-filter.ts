import type { ResultFilter } from '../../../shared/api/results.ts';
import { foldName } from '../../../shared/fold-name.ts';

/**
 * A ResultFilter whose names were resolved to classes of the models concerned (core/results/resolve-filter.ts), so that SQL
 * can decide row by row. What is left out lets everything through.
 */
export interface RowFilter {
  /** Of a detection model: what lies below it is not found, and an image without anything else is blank. */
  minScore?: number | undefined;
  minConfidence?: number | undefined; // of the best class that was found
  maxConfidence?: number | undefined; // itself included
  status?: ResultFilter['status'];
  folderId?: number | undefined;
  directory?: string | undefined; // below the folder, with all that is in it
  labels?: LabelChoice | undefined;
  contains?: FoundChoice | undefined;
  text?: { part: string; classes: readonly number[] } | undefined; // classes: whose label has the part
  /** With the status 'corrected': every class, and NOTHING, with its label, as `<class> <label>`. */
  classLabels?: readonly string[] | undefined;
  differsFrom?: Difference | undefined;
  wrong?: WrongChoice | undefined;
}

/** In place of a class: the image was predicted, but nothing was found in it. Its label is ''. */
export const NOTHING = -1;

/** Labels of people, and the model's classes with one of those labels, NOTHING among them. */
export interface LabelChoice {
  names: readonly string[];
  classes: readonly number[];
}

/** Classes that are to have been found in an image, or marked by a person who has touched its boxes. */
export interface FoundChoice extends LabelChoice {
  table: FoundIn;
}

/** Where what a model found lies: its objects, or the areas of its classes. */
export type FoundIn = 'detections' | 'masks';

export interface Difference {
  runId: number; // the other run
  /** Pairs of classes that have the same label in both models: classPair(class, class in the other run). */
  agreeing: readonly number[];
  otherClasses?: readonly number[] | undefined; // the class there must be one of them
  minScore?: number | undefined; // there, as in RowFilter
}

export interface WrongChoice {
  folders: readonly string[]; // sub-folders that are named after classes
  right: readonly string[]; // `<folder>/<class>` of every pair that is no mistake
}

/** One condition of a filter on the tables `results`, `images` and `reviews`, with what is bound to its parameters. */
export interface Condition {
  sql: string;
  parameters: Record<string, string | number>;
}

/** Parts of a filter that facets switch off one at a time, and the rest. */
export type FilterPart = 'labels' | 'confidence' | 'status' | 'folder' | 'rest';

/** SQL for the class set of the run `:runId`: its reviews count in the run, those of other sets do not. */
export const CLASS_SET = `(SELECT class_set FROM models JOIN runs ON model_sha256 = sha256 WHERE runs.id = :runId)`;

/** Tables that the conditions are about, for a FROM that starts with `results`. `:runId` is the caller's. */
export const REVIEW_JOIN = `LEFT JOIN reviews
  ON reviews.class_set = ${CLASS_SET} AND reviews.image_id = results.image_id`;

const PAIR = 2 ** 20; // above every number of classes

/**
 * SQL for the best class of a result: NOTHING for a prediction in which nothing has the least score, NULL where there is no
 * prediction. `least`: the parameter with that score. In rows this rule is held-label.ts.
 */
export function bestClass(table: string, least = ':minScore'): string {
  return `CASE WHEN ${table}.confidence_1 >= ${least} THEN ${table}.class_1
    WHEN ${table}.status = 'ok' THEN ${NOTHING} END`;
}

/** SQL for the confidence of the best class; NULL where nothing was found. */
export function bestConfidence(table: string, least = ':minScore'): string {
  return `CASE WHEN ${table}.confidence_1 >= ${least} THEN ${table}.confidence_1 END`;
}

/** SQL that is true where nothing is in the image: as a person says, else as the model does. */
export function isBlank(least = ':minScore'): string {
  // Without the class, as bestClass has it: indexes that hold the confidence answer it.
  return `CASE WHEN reviews.label IS NULL THEN results.status = 'ok' AND coalesce(results.confidence_1 < ${least}, 1)
    ELSE reviews.label = '' END`;
}

/** SQL that is true where something is in the image. */
const HAS_LABEL = `CASE WHEN reviews.label IS NULL THEN (${bestClass('results')}) > ${NOTHING} ELSE reviews.label <> '' END`;

/** One number for a class and the class of the same image in another run. */
export function classPair(classIndex: number, otherClass: number): number {
  return classIndex * PAIR + otherClass;
}

/** The two classes of a classPair. */
export function splitPair(pair: number): [classIndex: number, otherClass: number] {
  const classIndex = Math.floor((pair - NOTHING) / PAIR);
  return [classIndex, pair - classIndex * PAIR];
}

/** SQL for the classPair of two rows of `results`. `otherLeast`: the parameter with the least score of the other. */
export function pairOfClasses(table: string, otherTable: string, otherLeast: string): string {
  return `(${bestClass(table)}) * ${PAIR} + (${bestClass(otherTable, otherLeast)})`;
}

/** Reviewed with another label than the model's, which may have none. `classLabels`: as in RowFilter. */
export function correctedCondition(classLabels: readonly string[], minScore = 0): Condition {
  return {
    sql: `CASE WHEN reviews.label IS NULL THEN 0 WHEN (${bestClass('results')}) IS NULL THEN 1
      ELSE (${bestClass('results')}) || ' ' || reviews.label NOT IN (SELECT value FROM json_each(:classLabels)) END`,
    parameters: { classLabels: JSON.stringify(classLabels), minScore },
  };
}

const WARNED = `results.image_id IN (SELECT image_id FROM results INDEXED BY results_warned
  WHERE run_id = :runId AND warning IS NOT NULL)`;

/** `:runId` is the caller's. */
const STATUS_SQL = {
  ok: `results.status = 'ok'`,
  failed: `results.status = 'failed'`,
  pending: `results.status = 'pending'`,
  warned: WARNED,
  problem: `results.status = 'failed' OR ${WARNED}`,
  verified: 'reviews.label IS NOT NULL',
  labelled: HAS_LABEL,
  blank: isBlank(),
  unverified: `results.status = 'ok' AND reviews.label IS NULL`,
};

/** The conditions of a filter, by part; a part without any is an empty list. This is the one place that states them. */
export function filterConditions(filter: RowFilter): Record<FilterPart, Condition[]> {
  const { minScore = 0 } = filter;
  return {
    labels: filter.labels === undefined ? [] : [labelCondition(filter.labels, minScore)],
    confidence: [
      ...when(
        filter.minConfidence,
        'results.confidence_1 >= max(:minConfidence, :minScore)',
        'minConfidence',
      ),
      ...when(
        filter.maxConfidence,
        'results.confidence_1 BETWEEN :minScore AND :maxConfidence',
        'maxConfidence',
      ),
    ].map(({ sql, parameters }) => ({ sql, parameters: { ...parameters, minScore } })),
    status: filter.status === undefined ? [] : [statusCondition(filter.status, filter)],
    folder: [
      ...when(filter.folderId, 'images.folder_id = :folderId', 'folderId'),
      ...(filter.directory === undefined ? [] : [directoryCondition(filter.directory)]),
    ],
    rest: [
      ...(filter.contains === undefined ? [] : [foundCondition(filter.contains, minScore)]),
      ...(filter.text === undefined ? [] : [textCondition(filter.text, minScore)]),
      ...(filter.differsFrom === undefined ? [] : [differenceCondition(filter.differsFrom, minScore)]),
      ...(filter.wrong === undefined ? [] : [wrongCondition(filter.wrong, minScore)]),
    ],
  };
}

/** The conditions in one, for the WHERE of a statement; true when there is none. */
export function joinConditions(conditions: readonly Condition[]): Condition {
  const parameters = Object.assign({}, ...conditions.map((condition) => condition.parameters)) as Record<
    string,
    string | number
  >;
  return { sql: conditions.map(({ sql }) => `(${sql})`).join(' AND ') || '1', parameters };
}

/** The whole filter as one condition. */
export function wholeCondition(filter: RowFilter): Condition {
  return joinConditions(Object.values(filterConditions(filter)).flat());
}

function when(value: number | undefined, sql: string, name: string): Condition[] {
  return value === undefined ? [] : [{ sql, parameters: { [name]: value } }];
}

function statusCondition(
  status: NonNullable<ResultFilter['status']>,
  { classLabels = [], minScore = 0 }: RowFilter,
): Condition {
  if (status === 'corrected') return correctedCondition(classLabels, minScore);
  return { sql: STATUS_SQL[status], parameters: { minScore } };
}

/** A directory with all below it: '0' follows '/', so that these bounds hold every path that starts with `<directory>/`. */
function directoryCondition(directory: string): Condition {
  return {
    sql: `images.directory_id IN (SELECT id FROM directories
      WHERE path = :directory OR (path > :directory || '/' AND path < :directory || '0'))`,
    parameters: { directory },
  };
}

function labelCondition({ names, classes }: LabelChoice, minScore: number): Condition {
  return {
    sql: `CASE WHEN reviews.label IS NULL
      THEN (${bestClass('results')}) IN (SELECT value FROM json_each(:labelClasses))
      ELSE reviews.label IN (SELECT value FROM json_each(:labelNames)) END`,
    parameters: { labelClasses: JSON.stringify(classes), labelNames: JSON.stringify(names), minScore },
  };
}

/** What the model found is looked up once for all images, since an image has many objects. `:runId` is the caller's. */
function foundCondition({ table, classes, names }: FoundChoice, minScore: number): Condition {
  const { sql, parameters } = foundRows(table, minScore);
  return {
    sql: `CASE WHEN reviews.boxes IS NULL
      THEN results.image_id IN
        (SELECT image_id ${sql} AND class IN (SELECT value FROM json_each(:foundClasses)))
      ELSE EXISTS (SELECT 1 FROM json_each(reviews.boxes) AS box
        WHERE box.value ->> 'label' IN (SELECT value FROM json_each(:foundNames))) END`,
    parameters: { ...parameters, foundClasses: JSON.stringify(classes), foundNames: JSON.stringify(names) },
  };
}

/** The classes that a run found in its images, each once an image, as FROM and WHERE. `:runId` is the caller's. */
export function foundRows(table: FoundIn, minScore: number): Condition {
  if (table === 'masks')
    return {
      sql: 'FROM masks INDEXED BY masks_by_class WHERE number = class AND run_id = :runId',
      parameters: {},
    };
  return {
    sql: `FROM detections INDEXED BY detections_by_class
      WHERE best = 1 AND run_id = :runId AND score >= :minScore`,
    parameters: { minScore },
  };
}

/** SQLite knows the case of ASCII letters alone; `fold` is ours (library.ts) and slower. */
function textCondition({ part, classes }: NonNullable<RowFilter['text']>, minScore: number): Condition {
  const plain = /^\p{ASCII}*$/u.test(part);
  const has = plain
    ? (column: string) => `${column} LIKE :text ESCAPE '\\'`
    : (column: string) => `instr(fold(${column}), :text) > 0`;
  return {
    sql: `${has('images.relative_path')} OR CASE WHEN reviews.label IS NULL
      THEN (${bestClass('results')}) IN (SELECT value FROM json_each(:textClasses))
      ELSE ${has('reviews.label')} END`,
    parameters: {
      text: plain ? `%${part.replace(/[\\%_]/g, '\\$&')}%` : foldName(part),
      textClasses: JSON.stringify(classes),
      minScore,
    },
  };
}

function differenceCondition(
  { runId, agreeing, otherClasses, minScore: otherMinScore = 0 }: Difference,
  minScore: number,
): Condition {
  const there =
    otherClasses === undefined
      ? ''
      : `AND (${bestClass('other', ':otherMinScore')}) IN (SELECT value FROM json_each(:otherClasses))`;
  return {
    sql: `results.status = 'ok' AND EXISTS (
      SELECT 1 FROM results AS other
      WHERE other.run_id = :otherRunId AND other.image_id = results.image_id AND other.status = 'ok' ${there}
        AND ${pairOfClasses('results', 'other', ':otherMinScore')} NOT IN (SELECT value FROM json_each(:agreeing)))`,
    parameters: {
      otherRunId: runId,
      minScore,
      otherMinScore,
      agreeing: JSON.stringify(agreeing),
      ...(otherClasses === undefined ? {} : { otherClasses: JSON.stringify(otherClasses) }),
    },
  };
}

/** The sub-folder of the run's folder that an image lies in; '' when it lies directly in the folder. */
export const TOP_FOLDER = `substr(images.relative_path, 1, instr(images.relative_path, '/') - 1)`;

function wrongCondition({ folders, right }: WrongChoice, minScore: number): Condition {
  return {
    sql: `results.status = 'ok' AND ${TOP_FOLDER} IN (SELECT value FROM json_each(:classFolders))
      AND ${TOP_FOLDER} || '/' || (${bestClass('results')}) NOT IN (SELECT value FROM json_each(:rightClasses))`,
    parameters: { classFolders: JSON.stringify(folders), rightClasses: JSON.stringify(right), minScore },
  };
}
