import { COLUMN_PARTS } from '../columns/run-columns.ts';
import type { ColumnPart } from '../columns/run-columns.ts';
import type { RunRow } from '../store/tables/runs.ts';

/**
 * Has the columns of a run read before they are asked for: of a million images that takes two seconds. One part is read after
 * the other, so that questions get in between.
 */
export class ReadAhead {
  readonly #read: (run: RunRow, part: ColumnPart) => Promise<unknown>;
  #runId: number | undefined;

  constructor(read: (run: RunRow, part: ColumnPart) => Promise<unknown>) {
    this.#read = read;
  }

  /** Begins with a run, unless it was the last; one that is being read is left. */
  async begin(run: RunRow): Promise<void> {
    if (this.#runId === run.id) return;
    this.#runId = run.id;
    for (const part of COLUMN_PARTS) {
      if (this.#runId !== run.id) return;
      try {
        await this.#read(run, part);
      } catch {
        return; // whoever needs the part asks again, and hears why
      }
    }
  }

  stop(): void {
    this.#runId = undefined;
  }
}
