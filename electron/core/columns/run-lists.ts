import type { Changes } from '../store/change-log.ts';
import type { Library } from '../store/library.ts';
import { ColumnQueries } from './column-queries.ts';
import { LastUsed } from './last-used.ts';
import { RunChanged } from './run-changed.ts';
import { RunColumns } from './run-columns.ts';

/**
 * Runs whose columns are kept, 30 to 100 bytes an image: one that is looked at, one that it is compared with, the one
 * before.
 */
const KEPT_RUNS = 3;

/** The columns of the runs that were asked about last, kept as long as they say what the library says. */
export class RunLists {
  readonly #library: Library;
  readonly #queries: ColumnQueries;
  readonly #runs = new LastUsed<number, RunColumns>(KEPT_RUNS);

  constructor(library: Library) {
    this.#library = library;
    this.#queries = new ColumnQueries(library, (runId) => this.#columnsOf(runId));
  }

  /** Takes notice of what has changed since the last call. */
  update({ all, results, reviews, paths, captured }: Changes): void {
    if (all || paths) this.#runs.clear();
    for (const columns of this.#runs.all()) {
      const { runId, classSet } = columns;
      if (captured) columns.dropCaptured();
      if (results.has(runId)) {
        const images = results.get(runId);
        if (images === undefined || !columns.updateResults(images)) this.#runs.delete(runId);
      }
      if (classSet !== undefined && reviews.has(classSet)) columns.updateReviews(reviews.get(classSet));
    }
    if (all || paths || captured || results.size > 0) this.#queries.forgetOrders();
  }

  /** Answers from the columns; all are read anew when they do not fit together. */
  answer<T>(work: (queries: ColumnQueries) => T): T {
    try {
      return work(this.#queries);
    } catch (error) {
      if (!(error instanceof RunChanged)) throw error;
      this.#runs.clear();
      this.#queries.forgetOrders();
      return work(this.#queries);
    }
  }

  #columnsOf(runId: number): RunColumns {
    return this.#runs.get(runId, () => new RunColumns(this.#library.columnReads, runId));
  }
}
