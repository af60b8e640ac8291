import type { Database, Statement } from 'better-sqlite3';

/** Statements of the table `reviews` that read; ReviewHistory writes it. */
export class ReviewsTable {
  readonly #labels: Statement<[], string>;

  constructor(database: Database) {
    this.#labels = database.prepare<[], string>('SELECT DISTINCT label FROM reviews').pluck();
  }

  /** Every label that people have given, in no order. */
  labels(): string[] {
    return this.#labels.all();
  }
}
