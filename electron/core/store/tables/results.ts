import type { Database, Statement } from 'better-sqlite3';
import type {
  ClassProbability,
  ImageOutcome,
  LabelledDetection,
  Region,
} from '../../../shared/engine-api.ts';
import { problemText, toPictureProblem } from '../../../shared/picture-problem.ts';
import type { PictureProblem } from '../../../shared/picture-problem.ts';
import type { FolderCounts, ImageStatus, Receipt, RunCounts } from '../../../shared/run.ts';
import type { HumanBox } from '../../../shared/api/review.ts';
import { directionsRun } from '../../models/receipt-counts.ts';
import type { FoundTable } from './found.ts';
import type { FoundFile } from '../../files/scan-folder.ts';
import { bestClass, NOTHING, REVIEW_JOIN, TOP_FOLDER, wholeCondition } from '../lists/result-filter.ts';
import type { RowFilter } from '../lists/result-filter.ts';
import { required } from '../row.ts';

/** A file that a run has yet to predict. */
export interface PendingImage {
  imageId: number;
  folder: string; // absolute
  relativePath: string;
}

/** What another tool found in an image, or what it said of why it found nothing out. */
export type ToolOutcome =
  | {
      status: 'ok';
      top: ClassProbability[]; // see ImageOutcome
      detections?: LabelledDetection[]; // best first
      regions?: Region[];
    }
  | { status: 'failed'; reason: string };

/** One file of a run as the library holds it; classes are indices into the model's labels. */
export interface ResultRow {
  imageId: number;
  relativePath: string;
  fileSize: number;
  modifiedMs: number;
  width: number | undefined;
  height: number | undefined;
  capturedAt: string | undefined; // see ImageFacts
  capturedFraction: string | undefined;
  capturedOffset: string | undefined;
  status: ImageStatus;
  top: ClassProbability[];
  receipt: Receipt | undefined;
  blocksRun: number | undefined; // scan directions that ran, over all blocks; of segmentation the mean of the windows
  error: string | undefined; // why it failed, in one sentence
  warning: string | undefined; // why it is to be taken with care, in one sentence
  problem: PictureProblem | undefined; // the same by its code, with what the decoder said
  humanLabel: string | undefined; // as a person verified it; '' where a person left no box
  humanBoxes: HumanBox[] | undefined; // as a person left them; undefined where nobody has touched them
  verified: boolean;
  reviewedBy?: string; // who gave the review, where it was read from elsewhere
}

/** Images with the same best class. */
export interface LabelCount {
  classIndex: number; // NOTHING where nothing was found
  count: number;
}

export const RANKS = [1, 2, 3, 4, 5] as const;
const top5 = RANKS.flatMap((rank) => [`class_${rank}`, `confidence_${rank}`]);
const predicted = [...top5, 'directions', 'survived', 'milliseconds', 'blocks_run'];
const told = ['error', 'warning', 'problem', 'problem_details'];
/** What is computed of an image, and what is told of it. */
export const computed = [...predicted, ...told];
/** What StoredResult holds, from the tables `images`, `results` and `reviews`. */
export const RESULT_COLUMNS = `images.id, relative_path, images.file_size, images.modified_ms, width, height, captured_at,
  captured_fraction, captured_offset, status, ${computed.join(', ')}, reviews.label AS human_label, reviews.boxes AS human_boxes,
  reviews.source AS review_source`;

/** Statements of the table `results`. */
export class ResultsTable {
  readonly #version: Statement<[number, number], { fileSize: number | null; modifiedMs: number | null }>;
  readonly #enqueue: Statement<[number, number, number | null, number | null]>;
  readonly #reset: Statement<[number, number]>;
  readonly #drop: Statement<[number, string]>;
  readonly #pending: Statement<[number, number, number], PendingImage>;
  readonly #save: Statement;
  readonly #add: Statement;
  readonly #warned: Statement<[number], number>;
  readonly #counts: Statement<[number], { status: ImageStatus; count: number }>;
  readonly #labelCounts: Statement<[{ runId: number; minScore: number }], LabelCount>;
  readonly #blank: Statement<[{ runId: number; minScore: number }], number>;
  readonly #topFolders: Statement<[number], string>;
  readonly #folderCounts: Statement<[number], FolderCounts>;
  readonly #database: Database;
  readonly #found: FoundTable;

  constructor(database: Database, found: FoundTable) {
    this.#database = database;
    this.#found = found;
    this.#version = database.prepare(
      'SELECT file_size AS fileSize, modified_ms AS modifiedMs FROM results WHERE run_id = ? AND image_id = ?',
    );
    this.#enqueue = database.prepare(`
      INSERT INTO results (run_id, image_id, status, file_size, modified_ms) VALUES (?, ?, 'pending', ?, ?)
      ON CONFLICT (run_id, image_id) DO UPDATE SET
        status = 'pending', file_size = excluded.file_size, modified_ms = excluded.modified_ms,
        ${computed.map((column) => `${column} = NULL`).join(', ')}
      WHERE file_size IS NOT excluded.file_size OR modified_ms IS NOT excluded.modified_ms`);
    this.#reset = database.prepare(`
      UPDATE results SET status = 'pending', file_size = NULL, modified_ms = NULL,
        ${computed.map((column) => `${column} = NULL`).join(', ')}
      WHERE run_id = ? AND image_id = ?`);
    this.#drop = database.prepare(
      'DELETE FROM results WHERE run_id = ? AND image_id IN (SELECT value FROM json_each(?))',
    );
    this.#pending = database.prepare(`
      SELECT image_id AS imageId, folders.path AS folder, relative_path AS relativePath
      FROM results JOIN images ON images.id = image_id JOIN folders ON folders.id = folder_id
      WHERE run_id = ? AND status = 'pending' AND image_id > ? ORDER BY image_id LIMIT ?`);
    this.#save = database.prepare(`
      UPDATE results SET status = ?, file_size = ?, modified_ms = ?,
        ${computed.map((column) => `${column} = ?`).join(', ')}
      WHERE run_id = ? AND image_id = ?`);
    this.#add = database.prepare(`
      INSERT INTO results (run_id, image_id, status, file_size, modified_ms,
        ${top5.join(', ')}, error, problem, problem_details)
      SELECT ?, id, ?, file_size, modified_ms, ${top5.map(() => '?').join(', ')}, ?, ?, ? FROM images WHERE id = ?`);
    this.#counts = database.prepare(
      'SELECT status, sum(images) AS count FROM run_counts WHERE run_id = ? GROUP BY status',
    );
    this.#warned = database
      .prepare<[number], number>(
        'SELECT count(*) FROM results INDEXED BY results_warned WHERE run_id = ? AND warning IS NOT NULL',
      )
      .pluck();
    this.#labelCounts = database.prepare(`
      SELECT ${bestClass('results')} AS classIndex, count(*) AS count FROM results INDEXED BY results_listing
      WHERE run_id = :runId AND status = 'ok' GROUP BY 1 ORDER BY count DESC, 1`);
    this.#blank = database
      .prepare<[{ runId: number; minScore: number }], number>(
        // What is counted beside the results are those at the scores that are asked for nearly always.
        `SELECT CASE :minScore
          WHEN 0 THEN (SELECT coalesce(sum(empty), 0) FROM run_counts WHERE run_id = :runId AND status = 'ok')
          WHEN 0.5 THEN (SELECT coalesce(sum(unsure), 0) FROM run_counts WHERE run_id = :runId AND status = 'ok')
          ELSE (SELECT count(*) FROM results INDEXED BY results_listing
            WHERE run_id = :runId AND (${bestClass('results')}) IS ${NOTHING}) END`,
      )
      .pluck();
    this.#folderCounts = database.prepare(`
      SELECT path, sum(images) AS total, sum(images * (status <> 'pending')) AS done
      FROM run_counts JOIN folders ON folders.id = folder_id WHERE run_id = ?
      GROUP BY folder_id HAVING total > 0`);
    this.#topFolders = database
      .prepare<[number], string>(
        `SELECT DISTINCT ${TOP_FOLDER} AS folder FROM results JOIN images ON images.id = image_id
        WHERE run_id = ? AND instr(relative_path, '/') > 0 ORDER BY folder`,
      )
      .pluck();
  }

  /** Makes a file of the run pending, unless the run already has a result for this version of it. */
  enqueue(runId: number, imageId: number, { fileSize, modifiedMs }: FoundFile): void {
    // Most files of a folder that is scanned again: reading alone is several times faster.
    const known = this.#version.get(runId, imageId);
    if (known?.fileSize === fileSize && known.modifiedMs === modifiedMs) return;
    const { changes } = this.#enqueue.run(runId, imageId, fileSize, modifiedMs);
    if (changes > 0) this.#found.clear(runId, imageId);
  }

  /** Makes images of the run pending, as if they had never been predicted. */
  reset(runId: number, imageIds: readonly number[]): void {
    for (const imageId of imageIds) {
      this.#reset.run(runId, imageId);
      this.#found.clear(runId, imageId);
    }
  }

  /** Takes images out of the run; returns how many of them were in it. */
  drop(runId: number, imageIds: readonly number[]): number {
    return this.#drop.run(runId, JSON.stringify(imageIds)).changes;
  }

  /** The next pending files behind `afterImageId`, in order of their ids. */
  pending(runId: number, afterImageId: number, limit: number): PendingImage[] {
    return this.#pending.all(runId, afterImageId, limit);
  }

  /**
   * Replaces the result of an image. `windows` of a segmented picture went into its receipt. The caller has a transaction.
   */
  save(runId: number, imageId: number, outcome: ImageOutcome, windows = 1): void {
    const { version } = outcome.facts;
    const top = outcome.status === 'ok' ? outcome.top : [];
    const receipt = outcome.status === 'ok' ? outcome.receipt : undefined;
    const problem = outcome.status === 'ok' ? outcome.warning : outcome.problem;
    const sentence = problem === undefined ? null : problemText(problem);
    this.#save.run(
      outcome.status,
      version?.fileSize ?? null,
      version?.modifiedMs ?? null,
      ...RANKS.flatMap((rank) => [top[rank - 1]?.classIndex ?? null, top[rank - 1]?.confidence ?? null]),
      receipt?.directions ?? null,
      receipt?.survived ?? null,
      receipt?.milliseconds ?? null,
      receipt === undefined ? null : Math.round(directionsRun(receipt) / windows),
      outcome.status === 'failed' ? sentence : null,
      outcome.status === 'ok' ? sentence : null,
      problem?.code ?? null,
      problem?.details ?? null,
      runId,
      imageId,
    );
    this.#found.save(runId, imageId, outcome.status === 'ok' ? outcome : {});
  }

  /** The result of an image that is new in another tool's run, of its file as the library knows it. The caller has a transaction. */
  add(runId: number, imageId: number, outcome: ToolOutcome): void {
    const top = outcome.status === 'ok' ? outcome.top : [];
    const problem: PictureProblem | undefined =
      outcome.status === 'failed' ? { code: 'otherTool', details: outcome.reason } : undefined;
    this.#add.run(
      runId,
      outcome.status,
      ...RANKS.flatMap((rank) => [top[rank - 1]?.classIndex ?? null, top[rank - 1]?.confidence ?? null]),
      problem === undefined ? null : problemText(problem),
      problem?.code ?? null,
      problem?.details ?? null,
      imageId,
    );
    this.#found.save(runId, imageId, outcome.status === 'ok' ? outcome : {});
  }

  counts(runId: number): RunCounts {
    const counts: RunCounts = { total: 0, pending: 0, ok: 0, failed: 0 };
    for (const { status, count } of this.#counts.all(runId)) {
      counts[status] = count;
      counts.total += count;
    }
    return counts;
  }

  /** How many images have a result that is to be taken with care. */
  warned(runId: number): number {
    return required(this.#warned.get(runId));
  }

  /** How many images have each class as the model's best one, most frequent first. `minScore`: as in RowFilter. */
  labelCounts(runId: number, minScore: number): LabelCount[] {
    return this.#labelCounts.all({ runId, minScore });
  }

  /** Predicted images in which the model found nothing. `minScore`: as in RowFilter. */
  countBlank(runId: number, minScore: number): number {
    return required(this.#blank.get({ runId, minScore }));
  }

  /** Images of a run and how many of them are predicted or failed, for each folder that has any. */
  folderCounts(runId: number): FolderCounts[] {
    return this.#folderCounts.all(runId);
  }

  /** First-level sub-folders of the run's folders that hold images of the run, in order. */
  topFolders(runId: number): string[] {
    return this.#topFolders.all(runId);
  }

  /** Rows of one folder in order of their paths, from the first behind `after` ('' starts). */
  page(runId: number, folder: string, after: string, limit: number, filter: RowFilter = {}): ResultRow[] {
    const { sql, parameters } = wholeCondition(filter);
    // CROSS JOIN keeps the order: along the index of paths, so that nothing is ever sorted.
    const statement = this.#database.prepare<[object], StoredResult>(`
      SELECT ${RESULT_COLUMNS} FROM images
        CROSS JOIN results ON results.run_id = :runId AND results.image_id = images.id ${REVIEW_JOIN}
      WHERE folder_id = (SELECT id FROM folders WHERE path = :folder) AND relative_path > :after AND ${sql}
      ORDER BY relative_path LIMIT :limit`);
    return statement.all({ ...parameters, runId, folder, after, limit }).map(toResult);
  }
}

type Rank = (typeof RANKS)[number];
type StoredTop = { [K in `class_${Rank}` | `confidence_${Rank}`]: number | null };

export interface StoredResult extends StoredTop {
  id: number;
  relative_path: string;
  file_size: number;
  modified_ms: number;
  width: number | null;
  height: number | null;
  captured_at: string | null;
  captured_fraction: string | null;
  captured_offset: string | null;
  status: ImageStatus;
  directions: Uint8Array | null;
  survived: Uint8Array | null;
  milliseconds: number | null;
  blocks_run: number | null;
  error: string | null;
  warning: string | null;
  problem: string | null;
  problem_details: string | null;
  human_label: string | null;
  human_boxes: string | null;
  review_source: string | null;
}

export function toResult(row: StoredResult): ResultRow {
  const { directions, survived, milliseconds } = row;
  return {
    imageId: row.id,
    relativePath: row.relative_path,
    fileSize: row.file_size,
    modifiedMs: row.modified_ms,
    width: row.width ?? undefined,
    height: row.height ?? undefined,
    capturedAt: row.captured_at ?? undefined,
    capturedFraction: row.captured_fraction ?? undefined,
    capturedOffset: row.captured_offset ?? undefined,
    status: row.status,
    top: RANKS.flatMap((rank) => {
      const [classIndex, confidence] = [row[`class_${rank}`], row[`confidence_${rank}`]];
      return classIndex === null || confidence === null ? [] : [{ classIndex, confidence }];
    }),
    receipt:
      directions === null || survived === null || milliseconds === null
        ? undefined
        : { directions, survived, milliseconds },
    blocksRun: row.blocks_run ?? undefined,
    error: row.error ?? undefined,
    warning: row.warning ?? undefined,
    problem: toPictureProblem(row.problem ?? undefined, row.problem_details ?? undefined),
    humanLabel: row.human_label ?? undefined,
    humanBoxes: row.human_boxes === null ? undefined : (JSON.parse(row.human_boxes) as HumanBox[]),
    verified: row.human_label !== null,
    ...(row.review_source !== null && { reviewedBy: row.review_source }),
  };
}
