import type { Task } from '../../../shared/model-package.ts';
import type { Database, Statement } from 'better-sqlite3';
import type { Suggestion } from '../../../shared/api/results.ts';
import type { HumanBox } from '../../../shared/api/review.ts';
import { required } from '../row.ts';
import { CLASS_SET } from '../lists/result-filter.ts';
import { TASKS } from '../../../shared/tasks.ts';

interface StoredReview {
  label: string;
  boxes: string | null;
}

/** A review as it is kept. */
export interface GivenReview extends StoredReview {
  imageId: number;
  source: string | null; // see ResultRow.reviewedBy
}

/** Statements of the table `reviews` that read; ReviewHistory writes it. */
export class ReviewsTable {
  readonly #given: Statement<[{ runId: number }], GivenReview>;
  readonly #labels: Statement<[{ runId: number }], string>;
  readonly #classSet: Statement<[{ runId: number }], { task: Task; names: string }>;
  readonly #others: Statement<[{ runId: number; imageId: number }], StoredReview>;

  constructor(database: Database) {
    this.#labels = database
      .prepare<[{ runId: number }], string>(
        `SELECT label FROM reviews WHERE class_set = ${CLASS_SET} AND label <> ''
        UNION SELECT box.value ->> 'label' FROM reviews INDEXED BY reviews_with_boxes
          CROSS JOIN json_each(boxes) AS box WHERE class_set = ${CLASS_SET} AND boxes IS NOT NULL`,
      )
      .pluck();
    this.#given = database.prepare(
      `SELECT image_id AS imageId, label, boxes, source FROM reviews WHERE class_set = ${CLASS_SET}`,
    );
    this.#classSet = database.prepare(`SELECT task, names FROM class_sets WHERE id = ${CLASS_SET}`);
    this.#others = database.prepare(`
      SELECT label, boxes FROM reviews INDEXED BY reviews_by_image
      WHERE image_id = :imageId AND class_set <> ${CLASS_SET} ORDER BY verified_at DESC`);
  }

  /** The reviews of a run's class set, by image. */
  *given(runId: number): Generator<GivenReview> {
    yield* this.#given.iterate({ runId });
  }

  /** Every label that people have given to images and boxes in runs of a run's class set, in no order. */
  labels(runId: number): string[] {
    return this.#labels.all({ runId });
  }

  /**
   * What a person said last of an image in runs of other class sets, so far as it is a class of this run's model; undefined
   * when there is nothing.
   */
  suggestion(runId: number, imageId: number): Suggestion | undefined {
    const others = this.#others.all({ runId, imageId });
    if (others.length === 0) return undefined;
    const { task, names } = required(this.#classSet.get({ runId }));
    const own = new Set(JSON.parse(names) as string[]);
    for (const { label, boxes } of others) {
      const marked = boxes === null ? [] : (JSON.parse(boxes) as HumanBox[]);
      const known = marked.filter((box) => own.has(box.label));
      const [first] = known;
      if (TASKS[task].hasScores && first !== undefined) return { label: first.label, boxes: known };
      if (own.has(label)) return { label, boxes: undefined };
    }
    return undefined;
  }
}
