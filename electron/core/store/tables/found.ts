import type { Database, Statement } from 'better-sqlite3';
import { required } from '../row.ts';
import type { Box, BoxScores, LabelledDetection, Region } from '../../../shared/engine-api.ts';

/** A detection of a run; `number` is its rank by score, from 0. */
export interface StoredDetection {
  number: number;
  classIndex: number;
  score: number;
  box: Box;
  maskArea: number; // pixels
  scores?: BoxScores | undefined; // of a run that finds first
}

/** The pixels of a detection, or of a class of a segmented picture. */
export interface StoredMask {
  number: number; // the detection's, or the class
  classIndex: number;
  area: number; // pixels
  counts: string; // see Mask of engine-api.ts
}

interface DetectionRow extends Box, Omit<StoredDetection, 'box' | 'scores'> {
  imageId: number;
  foundClass: number | null;
  foundScore: number | null;
  labelScore: number | null;
}

/** How much of a class there is in a run: objects, or pixels. */
export interface ClassAmount {
  classIndex: number;
  amount: number;
}

/** What a box was found as: of a run that finds first the finder's class and score, of another its own. */
const [FOUND_CLASS, FOUND_SCORE] = ['coalesce(found_class, class)', 'coalesce(found_score, score)'];

/** Statements of the tables `detections` and `masks`. */
export class FoundTable {
  readonly #clear: Statement<[number, number]>[];
  readonly #addDetection: Statement<[object]>;
  readonly #addMask: Statement<[object]>;
  readonly #detections: Statement<[object], DetectionRow>;
  readonly #finders: Statement<[object], DetectionRow>;
  readonly #masks: Statement<[object], StoredMask & { imageId: number }>;
  readonly #objects: Statement<[number, number], ClassAmount>;
  readonly #pending: Statement<[object], number>;
  readonly #areas: Statement<[number], ClassAmount>;
  readonly #hasMasks: Statement<[number], number>;

  constructor(database: Database) {
    this.#clear = ['detections', 'masks'].map((table) =>
      database.prepare(`DELETE FROM ${table} WHERE run_id = ? AND image_id = ?`),
    );
    this.#addDetection = database.prepare(`
      INSERT INTO detections (run_id, image_id, number, class, score, x, y, width, height, best,
        found_class, found_score, label_score)
      VALUES (:runId, :imageId, :number, :classIndex, :score, :x, :y, :width, :height, :best,
        :foundClass, :foundScore, :labelScore)`);
    this.#addMask = database.prepare(`
      INSERT INTO masks (run_id, image_id, number, class, area, counts)
      VALUES (:runId, :imageId, :number, :classIndex, :area, :counts)`);
    this.#detections = database.prepare(`
      SELECT found.image_id AS imageId, found.number, found.class AS classIndex, score, x, y, width, height,
        coalesce(area, 0) AS maskArea, found_class AS foundClass, found_score AS foundScore,
        label_score AS labelScore
      FROM json_each(:imageIds) AS wanted
        CROSS JOIN detections AS found ON found.run_id = :runId AND found.image_id = wanted.value
        LEFT JOIN masks
          ON masks.run_id = found.run_id AND masks.image_id = found.image_id AND masks.number = found.number
      WHERE score >= :minScore AND found.number < :most ORDER BY wanted.key, found.number`);
    // Beside each label, where there is one, stands what it was found as.
    this.#finders = database.prepare(`
      SELECT found.image_id AS imageId, found.number, ${FOUND_CLASS} AS classIndex, ${FOUND_SCORE} AS score,
        x, y, width, height, 0 AS maskArea, NULL AS foundClass, NULL AS foundScore, NULL AS labelScore
      FROM json_each(:imageIds) AS wanted
        CROSS JOIN detections AS found ON found.run_id = :runId AND found.image_id = wanted.value
      WHERE ${FOUND_SCORE} >= :minScore ORDER BY wanted.key, ${FOUND_SCORE} DESC, found.number`);
    this.#masks = database.prepare(`
      SELECT image_id AS imageId, number, class AS classIndex, area, counts
      FROM json_each(:imageIds) AS wanted CROSS JOIN masks ON run_id = :runId AND image_id = wanted.value
      ORDER BY wanted.key, number`);
    this.#objects = database.prepare(`
      SELECT class AS classIndex, count(*) AS amount FROM detections WHERE run_id = ? AND score >= ?
      GROUP BY class ORDER BY amount DESC, class`);
    this.#pending = database
      .prepare<[object], number>(
        `SELECT count(*) FROM results INDEXED BY results_by_status
          CROSS JOIN detections ON detections.run_id = :finderId AND detections.image_id = results.image_id
        WHERE results.run_id = :runId AND status = 'pending' AND ${FOUND_SCORE} >= :minScore
          AND ${FOUND_CLASS} NOT IN (SELECT value FROM json_each(:passed))`,
      )
      .pluck();
    this.#areas = database.prepare(`
      SELECT class AS classIndex, sum(area) AS amount FROM masks INDEXED BY masks_by_class
      WHERE run_id = ? AND number = class GROUP BY class ORDER BY amount DESC, class`);
    this.#hasMasks = database.prepare<[number], number>('SELECT 1 FROM masks WHERE run_id = ?').pluck();
  }

  /** Replaces what a run found in an image. `detections`: best first. The caller has a transaction. */
  save(
    runId: number,
    imageId: number,
    { detections = [], regions = [] }: { detections?: LabelledDetection[]; regions?: Region[] },
  ): void {
    this.clear(runId, imageId);
    const place = { runId, imageId };
    const classes = new Set<number>();
    for (const [number, { classIndex, score, box, mask, scores }] of detections.entries()) {
      const best = Number(!classes.has(classIndex));
      classes.add(classIndex);
      const { x, y, width, height } = box;
      const both = {
        foundClass: scores?.classIndex ?? null,
        foundScore: scores?.found ?? null,
        labelScore: scores?.label ?? null,
      };
      this.#addDetection.run({ ...place, number, classIndex, score, x, y, width, height, best, ...both });
      if (mask !== undefined)
        this.#addMask.run({ ...place, number, classIndex, area: mask.area, counts: mask.counts });
    }
    for (const { classIndex, mask } of regions) {
      const { area, counts } = mask;
      this.#addMask.run({ ...place, number: classIndex, classIndex, area, counts });
    }
  }

  /** Forgets what a run found in an image. */
  clear(runId: number, imageId: number): void {
    for (const statement of this.#clear) statement.run(runId, imageId);
  }

  /**
   * Detections of at least `minScore` by image, best first, at most `most` of each; images without any are left out.
   */
  detections(
    runId: number,
    imageIds: readonly number[],
    minScore = 0,
    most: number = Number.MAX_SAFE_INTEGER,
  ): Map<number, StoredDetection[]> {
    const rows = this.#detections.all({ runId, imageIds: JSON.stringify(imageIds), minScore, most });
    return grouped(rows, toDetection);
  }

  /**
   * What the boxes of a run were found as, of at least `minScore`, best first, by image: without the labels that a run that
   * finds first has given them, and without their masks. Images without any are left out.
   */
  foundAs(runId: number, imageIds: readonly number[], minScore: number): Map<number, StoredDetection[]> {
    const rows = this.#finders.all({ runId, imageIds: JSON.stringify(imageIds), minScore });
    return grouped(rows, toDetection);
  }

  /** Masks by image, in order of their numbers; images without any are left out. */
  masks(runId: number, imageIds: readonly number[]): Map<number, StoredMask[]> {
    const rows = this.#masks.all({ runId, imageIds: JSON.stringify(imageIds) });
    return grouped(rows, ({ number, classIndex, area, counts }) => ({ number, classIndex, area, counts }));
  }

  /** Objects of at least `minScore` by class, most frequent first. */
  objects(runId: number, minScore: number): ClassAmount[] {
    return this.#objects.all(runId, minScore);
  }

  /** Boxes of at least `minScore` in images that a run has yet to label; of the finder's classes all but `passed`. */
  countPending(runId: number, finderId: number, minScore: number, passed: readonly number[]): number {
    return required(this.#pending.get({ runId, finderId, minScore, passed: JSON.stringify(passed) }));
  }

  /** Whether anything that a run found has a mask. */
  hasMasks(runId: number): boolean {
    return this.#hasMasks.get(runId) !== undefined;
  }

  /** Pixels of each class of a segmentation model in all images, largest first. */
  areas(runId: number): ClassAmount[] {
    return this.#areas.all(runId);
  }
}

function toDetection(row: DetectionRow): StoredDetection {
  const { number, classIndex, score, maskArea, x, y, width, height, foundClass, foundScore, labelScore } =
    row;
  const detection = { number, classIndex, score, box: { x, y, width, height }, maskArea };
  if (foundClass === null || foundScore === null) return detection;
  const scores = { classIndex: foundClass, found: foundScore, label: labelScore ?? undefined };
  return { ...detection, scores };
}

function grouped<Row extends { imageId: number }, Value>(
  rows: readonly Row[],
  toValue: (row: Row) => Value,
): Map<number, Value[]> {
  const groups = new Map<number, Value[]>();
  for (const row of rows) {
    const group = groups.get(row.imageId);
    if (group === undefined) groups.set(row.imageId, [toValue(row)]);
    else group.push(toValue(row));
  }
  return groups;
}
