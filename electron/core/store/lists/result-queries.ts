import type { Database, Statement } from 'better-sqlite3';
import type { ReviewCounts } from '../../../shared/api/runs.ts';
import {
  bestClass,
  CLASS_SET,
  correctedCondition,
  filterConditions,
  foundRows,
  joinConditions,
  REVIEW_JOIN,
  TOP_FOLDER,
  wholeCondition,
} from './result-filter.ts';
import type { FoundChoice, FoundIn, RowFilter } from './result-filter.ts';
import { facetCodeSql, readFacetCode } from './facet-code.ts';
import type { FacetCode } from './facet-code.ts';
import { orderSql } from './result-order.ts';
import type { RowOrder } from './result-order.ts';
import { required } from '../row.ts';
import { RESULT_COLUMNS, toResult } from '../tables/results.ts';
import type { ResultRow, StoredResult } from '../tables/results.ts';

/** A row of a run with where its file lies. */
export interface PlacedRow extends ResultRow {
  folderId: number;
  folder: string; // absolute
}

/** Images with the same two labels in two runs; NOTHING among the classes. */
export interface ClassPairCount {
  classIndex: number;
  otherClass: number | null; // null: not predicted in the other run
  count: number;
}

/** In how many images a class was found. */
export interface FoundCount {
  classIndex: number;
  count: number;
}

/** How many images lie in one directory itself. */
export interface DirectoryCount {
  folderId: number;
  directory: string; // below the folder, with forward slashes; '' for the folder itself
  count: number;
}

/** A run beside another, with the least scores of both; see RowFilter. */
export interface RunPair {
  runId: number;
  minScore: number;
  otherRunId: number;
  otherMinScore: number;
}

/** Images of one sub-folder, '' for none, with the same best class. */
export interface FolderTally {
  folder: string;
  classIndex: number; // NOTHING where nothing was found
  images: number;
  top5: number; // that have a right class among their best five
  directions: number; // scan directions that ran, of all images
  milliseconds: number; // in the engine, of all images
}

// The index holds all that is asked of a result here, so that its receipt stays unread.
const LISTED_TABLES = `FROM results INDEXED BY results_listing
  CROSS JOIN images ON images.id = results.image_id ${REVIEW_JOIN}`;
const LISTED = `${LISTED_TABLES} WHERE results.run_id = :runId AND`;
// From the reviews on, of which there are often few.
const REVIEWED = `FROM reviews CROSS JOIN results INDEXED BY results_listing
  ON results.run_id = :runId AND results.image_id = reviews.image_id
  WHERE reviews.class_set = ${CLASS_SET}`;

/** Statements that read the results of a run with its images and reviews. */
export class ResultQueries {
  readonly #database: Database;
  readonly #rows: Statement<[{ runId: number; imageIds: string }], StoredPlacedRow>;
  readonly #pairs: Statement<[RunPair], ClassPairCount>;
  readonly #shared: Statement<[{ runId: number; otherRunId: number }], number>;
  readonly #problems: Record<'failed' | 'warned', Statement<[{ runId: number; limit: number }], number>>;
  readonly #verified: Statement<[{ runId: number }], number>;
  readonly #tally: Statement<[{ runId: number; rightClasses: string; minScore: number }], FolderTally>;

  constructor(database: Database) {
    this.#database = database;
    this.#rows = database.prepare(`
      SELECT ${RESULT_COLUMNS}, folder_id, folders.path AS folder
      FROM json_each(:imageIds) AS wanted
        CROSS JOIN results ON results.run_id = :runId AND results.image_id = wanted.value
        CROSS JOIN images ON images.id = results.image_id
        CROSS JOIN folders ON folders.id = folder_id ${REVIEW_JOIN}
      ORDER BY wanted.key`);
    this.#pairs = database.prepare(`
      SELECT ${bestClass('one')} AS classIndex, ${bestClass('other', ':otherMinScore')} AS otherClass, count(*) AS count
      FROM results AS one INDEXED BY results_listing
        LEFT JOIN results AS other INDEXED BY results_listing
          ON other.run_id = :otherRunId AND other.image_id = one.image_id
      WHERE one.run_id = :runId AND one.status = 'ok' GROUP BY 1, 2`);
    this.#shared = database
      .prepare<[{ runId: number; otherRunId: number }], number>(
        `SELECT count(*) FROM results AS one INDEXED BY results_by_status
          CROSS JOIN results AS other INDEXED BY results_by_status
            ON other.run_id = :otherRunId AND other.status = 'ok' AND other.image_id = one.image_id
        WHERE one.run_id = :runId AND one.status = 'ok'`,
      )
      .pluck();
    const problems = (index: string, condition: string) =>
      database
        .prepare<[{ runId: number; limit: number }], number>(
          `SELECT image_id FROM results INDEXED BY ${index} CROSS JOIN images ON images.id = image_id
            CROSS JOIN folders ON folders.id = folder_id
          WHERE run_id = :runId AND ${condition} ORDER BY folders.path, relative_path LIMIT :limit`,
        )
        .pluck();
    this.#problems = {
      failed: problems('results_by_status', `status = 'failed'`),
      warned: problems('results_warned', 'warning IS NOT NULL'),
    };
    this.#verified = database.prepare<[{ runId: number }], number>(`SELECT count(*) ${REVIEWED}`).pluck();
    const right = [1, 2, 3, 4, 5].map(
      (rank) => `confidence_${rank} >= :minScore
        AND ${TOP_FOLDER} || '/' || class_${rank} IN (SELECT value FROM json_each(:rightClasses))`,
    );
    this.#tally = database.prepare(`
      SELECT ${TOP_FOLDER} AS folder, ${bestClass('results')} AS classIndex, count(*) AS images,
        coalesce(sum(${right.join(' OR ')}), 0) AS top5,
        sum(blocks_run) AS directions, sum(milliseconds) AS milliseconds
      FROM results CROSS JOIN images ON images.id = image_id
      WHERE run_id = :runId AND status = 'ok' GROUP BY folder, classIndex`);
  }

  /** Ids of the images that pass, in order. */
  find(runId: number, filter: RowFilter, order: RowOrder): Uint32Array {
    const where = wholeCondition(filter);
    const { join, by, parameters } = orderSql(order);
    const statement = this.#database
      .prepare<[object], number>(
        `SELECT results.image_id ${LISTED_TABLES} CROSS JOIN folders ON folders.id = images.folder_id ${join}
        WHERE results.run_id = :runId AND ${where.sql} ORDER BY ${by}`,
      )
      .pluck();
    const { minScore = 0 } = filter;
    return Uint32Array.from(statement.all({ ...where.parameters, ...parameters, runId, minScore }));
  }

  /** How many images pass. */
  count(runId: number, filter: RowFilter): number {
    const { sql, parameters } = wholeCondition(filter);
    const statement = this.#database.prepare<[object], number>(`SELECT count(*) ${LISTED} ${sql}`).pluck();
    return required(statement.get({ ...parameters, runId }));
  }

  /** The rows of the images that are in the run, in the order asked for. */
  rows(runId: number, imageIds: readonly number[]): PlacedRow[] {
    return this.#rows.all({ runId, imageIds: JSON.stringify(imageIds) }).map((row) => ({
      ...toResult(row),
      folderId: row.folder_id,
      folder: row.folder,
    }));
  }

  /**
   * Tells what facets count, for every image that passes the part of the filter that no facet switches off.
   * `classLabels`: as in RowFilter.
   */
  forEachFacet(
    runId: number,
    filter: RowFilter,
    classLabels: readonly string[],
    tell: (code: FacetCode) => void,
  ): void {
    const conditions = filterConditions(filter);
    const flags = {
      corrected: correctedCondition(classLabels, filter.minScore),
      labels: joinConditions(conditions.labels),
      confidence: joinConditions(conditions.confidence),
      status: joinConditions(conditions.status),
    };
    const code = facetCodeSql({
      corrected: flags.corrected.sql,
      labels: flags.labels.sql,
      confidence: flags.confidence.sql,
      status: flags.status.sql,
    });
    const where = joinConditions([...conditions.folder, ...conditions.rest]);
    const { parameters } = joinConditions([where, ...Object.values(flags)]);
    const statement = this.#database
      .prepare<[object], number>(`SELECT ${code} ${LISTED} ${where.sql}`)
      .pluck();
    for (const code of statement.all({ ...parameters, runId })) tell(readFacetCode(code));
  }

  /** How many of the images that pass lie in each directory; the filter's own folder is left out of it. */
  directoryCounts(runId: number, filter: RowFilter): DirectoryCount[] {
    const { sql, parameters } = wholeCondition({ ...filter, folderId: undefined, directory: undefined });
    // Without a condition along the index of directories, so that nothing is sorted.
    const listed =
      sql === '1'
        ? `FROM images INDEXED BY images_by_directory CROSS JOIN results INDEXED BY results_listing
          ON results.run_id = :runId AND results.image_id = images.id`
        : `${LISTED} ${sql}`;
    return this.#database
      .prepare<[object], DirectoryCount>(
        `SELECT folder_id AS folderId, path AS directory, count
        FROM (SELECT directory_id, count(*) AS count ${listed} GROUP BY directory_id)
          JOIN directories ON directories.id = directory_id`,
      )
      .all({ ...parameters, runId });
  }

  /** How many folders below the run's the image that lies deepest is in, of those that pass. */
  directoryDepth(runId: number, filter: RowFilter): number {
    const { folderId, directory } = filter;
    const counted = this.directoryCounts(runId, filter).filter(
      (one) =>
        (folderId === undefined || one.folderId === folderId) &&
        (directory === undefined || `${one.directory}/`.startsWith(`${directory}/`)),
    );
    return counted.reduce((most, one) => Math.max(most, depthOf(one.directory)), 0);
  }

  /** How many images of a run people have verified. */
  verified(runId: number): number {
    return required(this.#verified.get({ runId }));
  }

  /** How many images of a run people have reviewed. `classLabels`, `minScore`: as in RowFilter. */
  reviewed(runId: number, classLabels: readonly string[], minScore: number): ReviewCounts {
    const { sql, parameters } = correctedCondition(classLabels, minScore);
    const corrected = this.#database
      .prepare<[object], number>(`SELECT count(*) ${REVIEWED} AND ${sql}`)
      .pluck();
    return { verified: this.verified(runId), corrected: required(corrected.get({ ...parameters, runId })) };
  }

  /** How many of the images that pass have each label of a person; the filter's own labels are left out of it. */
  humanLabels(runId: number, filter: RowFilter): { label: string; count: number }[] {
    const { sql, parameters } = wholeCondition({ ...filter, labels: undefined });
    return this.#database
      .prepare<[object], { label: string; count: number }>(
        `SELECT reviews.label, count(*) AS count ${LISTED} reviews.label IS NOT NULL AND ${sql}
        GROUP BY reviews.label`,
      )
      .all({ ...parameters, runId });
  }

  /** The first rows of a run that failed, or whose results are to be taken with care, in order of their paths. */
  problems(runId: number, status: 'failed' | 'warned', limit: number): PlacedRow[] {
    return this.rows(runId, this.#problems[status].all({ runId, limit }));
  }

  /** The images of a run that contain one of the classes; as the filter's condition, but along the indexes alone. */
  imagesContaining(runId: number, { table, classes, names }: FoundChoice, minScore: number): number[] {
    const { sql, parameters } = foundRows(table, minScore);
    const touched = `FROM reviews INDEXED BY reviews_with_boxes
      WHERE class_set = ${CLASS_SET} AND boxes IS NOT NULL`;
    return this.#database
      .prepare<[object], number>(
        `SELECT image_id ${sql} AND class IN (SELECT value FROM json_each(:classes))
          AND image_id NOT IN (SELECT image_id ${touched})
        UNION ALL SELECT image_id ${touched} AND EXISTS (SELECT 1 FROM json_each(boxes) AS box
          WHERE box.value ->> 'label' IN (SELECT value FROM json_each(:names)))`,
      )
      .pluck()
      .all({ ...parameters, runId, classes: JSON.stringify(classes), names: JSON.stringify(names) });
  }

  /** In how many of the images that pass each class was found by the model, where no person has touched the boxes. */
  foundCounts(runId: number, filter: RowFilter, table: FoundIn): FoundCount[] {
    const found = foundRows(table, filter.minScore ?? 0);
    const where = wholeCondition(filter);
    const passing =
      where.sql === '1' ? '' : `AND image_id IN (SELECT results.image_id ${LISTED} ${where.sql})`;
    return this.#database
      .prepare<[object], FoundCount>(
        `SELECT class AS classIndex, count(*) AS count ${found.sql} ${passing} AND image_id NOT IN
          (SELECT image_id FROM reviews INDEXED BY reviews_with_boxes
          WHERE class_set = ${CLASS_SET} AND boxes IS NOT NULL)
        GROUP BY class`,
      )
      .all({ ...where.parameters, ...found.parameters, runId });
  }

  /** In how many of the images that pass people have left a box with each label. */
  markedCounts(runId: number, filter: RowFilter): { label: string; count: number }[] {
    const { sql, parameters } = wholeCondition(filter);
    return this.#database
      .prepare<[object], { label: string; count: number }>(
        `SELECT box.value ->> 'label' AS label, count(DISTINCT reviews.image_id) AS count
        FROM reviews INDEXED BY reviews_with_boxes
          CROSS JOIN results ON results.run_id = :runId AND results.image_id = reviews.image_id
          CROSS JOIN images ON images.id = results.image_id CROSS JOIN json_each(reviews.boxes) AS box
        WHERE reviews.class_set = ${CLASS_SET} AND reviews.boxes IS NOT NULL AND ${sql} GROUP BY 1`,
      )
      .all({ ...parameters, runId });
  }

  /**
   * How many objects there are in a run, or areas of classes: those that a person left in an image in the place of the model's.
   * `isReviewed`: only of images that a person has verified; `minScore`: as in RowFilter.
   */
  objects(
    runId: number,
    table: FoundIn,
    { minScore, isReviewed }: { minScore: number; isReviewed: boolean },
  ): number {
    const rows = {
      detections: 'FROM detections WHERE run_id = :runId AND score >= :minScore',
      masks:
        'FROM masks INDEXED BY masks_by_class WHERE run_id = :runId AND number = class AND :minScore >= 0',
    };
    const ofModel = `SELECT count(*) ${rows[table]} AND image_id NOT IN (SELECT image_id
      FROM reviews INDEXED BY reviews_with_boxes WHERE class_set = ${CLASS_SET} AND boxes IS NOT NULL)
      ${isReviewed ? `AND image_id IN (SELECT image_id FROM reviews WHERE class_set = ${CLASS_SET})` : ''}`;
    const ofPeople = `SELECT coalesce(sum(json_array_length(boxes)), 0) FROM reviews INDEXED BY reviews_with_boxes
      CROSS JOIN results ON results.run_id = :runId AND results.image_id = reviews.image_id
      WHERE reviews.class_set = ${CLASS_SET} AND boxes IS NOT NULL`;
    const statement = this.#database.prepare<[object], number>(`SELECT (${ofModel}) + (${ofPeople})`).pluck();
    return required(statement.get({ runId, minScore }));
  }

  /** The predicted images of a run by sub-folder and best class. `right`: as in WrongChoice; `minScore`: as in RowFilter. */
  tally(runId: number, right: readonly string[], minScore: number): FolderTally[] {
    return this.#tally.all({ runId, rightClasses: JSON.stringify(right), minScore });
  }

  /** How many images are predicted in both runs. */
  shared(runId: number, otherRunId: number): number {
    return required(this.#shared.get({ runId, otherRunId }));
  }

  /** How often images of a run got each pair of best classes in it and in another. */
  classPairs(runs: RunPair): ClassPairCount[] {
    return this.#pairs.all(runs);
  }
}

type StoredPlacedRow = StoredResult & { folder_id: number; folder: string };

function depthOf(directory: string): number {
  return directory === '' ? 0 : directory.split('/').length;
}
