import type { Database, Statement } from 'better-sqlite3';
import type { ImageStatus } from '../../../shared/run.ts';
import { CLASS_SET } from './result-filter.ts';

/** Statuses of a result, by the numbers that stand for them in columns. */
export const STATUSES: readonly ImageStatus[] = ['pending', 'ok', 'failed'];

/** The values of some results of a run, by image. */
export interface ResultValues {
  imageId: number;
  code: number; // see CODE
  confidence: number | null;
  second: number | null;
}

export interface Directory {
  id: number;
  folderId: number;
  path: string; // below the folder; '' for the folder itself
}

const CODE_BLOCKS = 2 ** 12; // above every number of blocks, with one for none
const CODE_CLASS = CODE_BLOCKS * 4;

/**
 * Class, blocks and status of a result in one number: a row of one number is many times cheaper to take out of SQLite than
 * one of three. 0 stands for no class and for no blocks.
 */
const CODE = `coalesce(class_1 + 1, 0) * ${CODE_CLASS} + coalesce(min(blocks_run, ${CODE_BLOCKS - 2}) + 1, 0) * 4
  + CASE status ${STATUSES.map((name, index) => `WHEN '${name}' THEN ${index}`).join(' ')} END`;

/** The number of the class in a code, -1 without; and so on. */
export const classOfCode = (code: number): number => Math.floor(code / CODE_CLASS) - 1;
export const blocksOfCode = (code: number): number => (Math.floor(code / 4) % CODE_BLOCKS) - 1;
export const statusOfCode = (code: number): number => code % 4;

const LISTED = 'FROM results INDEXED BY results_listing WHERE run_id = :runId';
const PLACED = `FROM results INDEXED BY results_listing CROSS JOIN images ON images.id = image_id
  WHERE run_id = :runId`;

/** How many images lie in a directory itself. */
export interface DirectorySize {
  directoryId: number;
  images: number;
}

/** Ids of directories, both ends included. */
interface Range {
  first: number;
  last: number;
}

type OfRun = [{ runId: number }];

/**
 * Statements that read single columns of very many rows, each in order of the images' ids unless it says otherwise. A column
 * by itself takes a third of the time of rows of objects.
 */
export class ColumnReads {
  readonly #ids: Statement<OfRun, number>;
  readonly #warned: Statement<OfRun, number>;
  readonly #codes: Statement<OfRun, number>;
  readonly #confidences: Statement<OfRun, number | null>;
  readonly #seconds: Statement<OfRun, number | null>;
  readonly #captured: Statement<OfRun, Buffer | null>;
  readonly #paths: Statement<OfRun, Buffer | null>;
  readonly #values: Statement<[{ runId: number; imageIds: string }], ResultValues>;
  readonly #reviewed: Statement<OfRun, number>;
  readonly #labels: Statement<OfRun, string>;
  readonly #reviewsOf: Statement<[{ runId: number; imageIds: string }], { imageId: number; label: string }>;
  readonly #classSet: Statement<OfRun, number>;
  readonly #folders: Statement<OfRun, number>;
  readonly #total: Statement<OfRun, number>;
  readonly #isWhole: Statement<OfRun, number>;
  readonly #inFolder: Statement<[number], number>;
  readonly #directories: Statement<OfRun, Directory>;
  readonly #byDirectory: Statement<[Range], number>;
  readonly #directorySizes: Statement<[Range], DirectorySize>;

  constructor(database: Database) {
    const column = <Value>(sql: string) => database.prepare<OfRun, Value>(sql).pluck();
    const ordered = 'ORDER BY image_id';
    this.#ids = column(`SELECT image_id ${LISTED} ${ordered}`);
    this.#warned = column(
      'SELECT image_id FROM results INDEXED BY results_warned WHERE run_id = :runId AND warning IS NOT NULL',
    );
    this.#codes = column(`SELECT ${CODE} ${LISTED} ${ordered}`);
    this.#confidences = column(`SELECT confidence_1 ${LISTED} ${ordered}`);
    this.#seconds = column(`SELECT confidence_2 ${LISTED} ${ordered}`);
    const texts = (text: string) =>
      column<Buffer | null>(`SELECT CAST(group_concat(text, char(0)) AS BLOB)
        FROM (SELECT ${text} AS text ${PLACED} ${ordered})`);
    this.#captured = texts(`coalesce(captured_at, '')`);
    // lower() of SQLite folds the case of ASCII letters alone, as LIKE and NOCASE do.
    this.#paths = texts('lower(relative_path)');
    this.#values = database.prepare(`
      SELECT image_id AS imageId, ${CODE} AS code, confidence_1 AS confidence, confidence_2 AS second
      FROM json_each(:imageIds) AS wanted
        CROSS JOIN results INDEXED BY results_listing ON run_id = :runId AND image_id = wanted.value`);
    const reviews = `FROM reviews WHERE class_set = ${CLASS_SET} ${ordered}`;
    this.#reviewed = column(`SELECT image_id ${reviews}`);
    this.#labels = column(`SELECT label ${reviews}`);
    this.#reviewsOf = database.prepare(`
      SELECT image_id AS imageId, label FROM json_each(:imageIds) AS wanted
        CROSS JOIN reviews ON class_set = ${CLASS_SET} AND image_id = wanted.value`);
    this.#classSet = column(`SELECT ${CLASS_SET}`);
    const folders = `FROM runs CROSS JOIN json_each(spec, '$.folders') AS named
      CROSS JOIN folders ON folders.path = named.value WHERE runs.id = :runId`;
    this.#folders = column(`SELECT folders.id ${folders} ORDER BY folders.path`);
    const ofFolders = `WHERE folder_id IN (SELECT folders.id ${folders})`;
    this.#total = column('SELECT total(images) FROM run_counts WHERE run_id = :runId');
    this.#isWhole = column(`
      SELECT (SELECT count(*) FROM images ${ofFolders}) = total(images) AND total(images) = total(images) FILTER (${ofFolders})
      FROM run_counts WHERE run_id = :runId`);
    this.#inFolder = database
      .prepare<[number], number>('SELECT id FROM images WHERE folder_id = ? ORDER BY relative_path')
      .pluck();
    this.#directories = database.prepare(`
      SELECT id, folder_id AS folderId, path FROM directories
      ${ofFolders} ORDER BY id`);
    const ranged = 'FROM images INDEXED BY images_by_directory WHERE directory_id BETWEEN :first AND :last';
    this.#byDirectory = database
      .prepare<[Range], number>(`SELECT id ${ranged} ORDER BY directory_id`)
      .pluck();
    this.#directorySizes = database.prepare(
      `SELECT directory_id AS directoryId, count(*) AS images ${ranged} GROUP BY directory_id`,
    );
  }

  /** The images of a run. */
  ids(runId: number): Uint32Array {
    return new Uint32Array(this.#ids.all({ runId })); // `from` takes an iterator's time
  }

  /** The images of a run whose results are to be taken with care. */
  warned(runId: number): number[] {
    return this.#warned.all({ runId });
  }

  codes(runId: number): number[] {
    return this.#codes.all({ runId });
  }

  /** Of the best class of each result, and of the second best; NaN without. */
  confidences(runId: number): Float64Array {
    return toColumn(this.#confidences.all({ runId }));
  }

  seconds(runId: number): Float64Array {
    return toColumn(this.#seconds.all({ runId }));
  }

  /** When the pictures were taken, '' where that is not known, as UTF-8 with a zero between each two texts. */
  captured(runId: number): Buffer {
    return this.#captured.get({ runId }) ?? Buffer.alloc(0);
  }

  /** The relative paths, ASCII letters in lower case, in the same way. */
  paths(runId: number): Buffer {
    return this.#paths.get({ runId }) ?? Buffer.alloc(0);
  }

  /** Of those images that are in the run, in no order. */
  values(runId: number, imageIds: readonly number[]): ResultValues[] {
    return this.#values.all({ runId, imageIds: JSON.stringify(imageIds) });
  }

  /** The images that people have reviewed as ones of the run's classes, and what they said. */
  reviews(runId: number): { imageIds: number[]; labels: string[] } {
    return { imageIds: this.#reviewed.all({ runId }), labels: this.#labels.all({ runId }) };
  }

  /** The same of some images, in no order. */
  reviewsOf(runId: number, imageIds: readonly number[]): { imageId: number; label: string }[] {
    return this.#reviewsOf.all({ runId, imageIds: JSON.stringify(imageIds) });
  }

  /** The class set of a run; see CLASS_SET. */
  classSet(runId: number): number | undefined {
    return this.#classSet.get({ runId });
  }

  /** All images of the folders of a run, in the run or not, in order of their paths. */
  pathOrder(runId: number): number[][] {
    return this.#folders.all({ runId }).map((folderId) => this.#inFolder.all(folderId));
  }

  /** How many images a run has. */
  total(runId: number): number {
    return this.#total.get({ runId }) ?? 0;
  }

  /** The images of a run in order of their paths, if they are all that its folders have; else undefined. */
  wholeByPath(runId: number): Uint32Array | undefined {
    if (this.#isWhole.get({ runId }) !== 1) return undefined;
    const folders = this.pathOrder(runId);
    const imageIds = new Uint32Array(folders.reduce((sum, { length }) => sum + length, 0));
    let next = 0;
    for (const images of folders) {
      imageIds.set(images, next);
      next += images.length;
    }
    return imageIds;
  }

  /** The directories of the folders of a run, in order of their ids. */
  directories(runId: number): Directory[] {
    return this.#directories.all({ runId });
  }

  /** All images of directories, by directory: those of the first size lie in the first one, and so on. */
  byDirectory(first: number, last: number): { imageIds: number[]; sizes: DirectorySize[] } {
    const range = { first, last };
    return { imageIds: this.#byDirectory.all(range), sizes: this.#directorySizes.all(range) };
  }
}

function toColumn(values: readonly (number | null)[]): Float64Array {
  const column = new Float64Array(values.length);
  for (let row = 0; row < values.length; row++) column[row] = values[row] ?? NaN;
  return column;
}
