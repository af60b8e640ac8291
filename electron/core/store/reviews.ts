import type { Database, Statement } from 'better-sqlite3';

/** Statements of the table `reviews` that read; ReviewHistory writes it. */
export class ReviewsTable {
  readonly #labels: Statement<[], string>;

  constructor(database: Database) {
    this.#labels = database
      .prepare<[], string>(
        `SELECT label FROM reviews WHERE label <> ''
        UNION SELECT box.value ->> 'label' FROM reviews INDEXED BY reviews_with_boxes
          CROSS JOIN json_each(boxes) AS box WHERE boxes IS NOT NULL`,
      )
      .pluck();
  }

  /** Every label that people have given to images and boxes, in no order. */
  labels(): string[] {
    return this.#labels.all();
  }
}
