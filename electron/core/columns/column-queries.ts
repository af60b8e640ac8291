import { STATUSES } from '../store/lists/column-reads.ts';
import type { Library } from '../store/library.ts';
import { confidenceBin } from '../store/lists/facet-code.ts';
import type { FacetCode } from '../store/lists/facet-code.ts';
import type { ListQueries } from '../store/lists/list-queries.ts';
import { NOTHING } from '../store/lists/result-filter.ts';
import type { FoundIn, RowFilter } from '../store/lists/result-filter.ts';
import type { RowOrder } from '../store/lists/result-order.ts';
import type { DirectoryCount, FoundCount } from '../store/lists/result-queries.ts';
import { LastUsed } from './last-used.ts';
import { orderRows } from './row-order.ts';
import { correctedTest, every, isBlank, rowTests } from './row-tests.ts';
import type { RowTest } from './row-tests.ts';
import { NO_CLASS } from './run-columns.ts';
import type { ColumnPart, RunColumns } from './run-columns.ts';

/** Orders that are kept for a run: the one before comes back often. */
const KEPT_ORDERS = 3;

const NOTHING_COUNTED: FacetCode = {
  classIndex: undefined,
  bin: undefined,
  status: 'pending',
  verified: false,
  corrected: false,
  blank: false,
  inLabels: false,
  inConfidence: false,
  inStatus: false,
};

/** ListQueries of the runs of a library, from columns in memory. */
export class ColumnQueries implements ListQueries {
  readonly #library: Library;
  readonly #columnsOf: (runId: number) => RunColumns;
  /** Orders of rows by what they were asked for with; they hold until something changes. */
  readonly #orders = new LastUsed<string, Uint32Array>(KEPT_ORDERS);

  constructor(library: Library, columnsOf: (runId: number) => RunColumns) {
    this.#library = library;
    this.#columnsOf = columnsOf;
  }

  /** What was read has changed. */
  forgetOrders(): void {
    this.#orders.clear();
  }

  /** Reads a part of a run's columns before something needs it. */
  readAhead(runId: number, part: ColumnPart): undefined {
    this.#columnsOf(runId).read(part);
    return undefined;
  }

  find(runId: number, filter: RowFilter, order: RowOrder): Uint32Array {
    const columns = this.#columnsOf(runId);
    const test = this.#whole(columns, filter);
    if (test === undefined && order.sort === 'path') return columns.imagesByPath();
    const rows = this.#order(columns, order, filter.minScore ?? 0);
    if (test === undefined) return rows.map((row) => columns.ids[row] ?? 0);
    // Tested in the order in which the columns lie in memory: in another one it takes ten times as long.
    const passes = new Uint8Array(columns.length);
    for (let row = 0; row < columns.length; row++) if (test(row)) passes[row] = 1;
    const imageIds = new Uint32Array(rows.length);
    let found = 0;
    for (const row of rows) if (passes[row] === 1) imageIds[found++] = columns.ids[row] ?? 0;
    return imageIds.slice(0, found);
  }

  count(runId: number, filter: RowFilter): number {
    const columns = this.#columnsOf(runId);
    const test = this.#whole(columns, filter);
    if (test === undefined) return columns.total;
    let count = 0;
    for (let row = 0; row < columns.length; row++) if (test(row)) count++;
    return count;
  }

  forEachFacet(
    runId: number,
    filter: RowFilter,
    classLabels: readonly string[],
    tell: (code: FacetCode) => void,
  ): void {
    const columns = this.#columnsOf(runId);
    const { minScore = 0 } = filter;
    const { labels, confidence, status, folder, rest } = this.#tests(columns, filter);
    const test = every([folder, rest]);
    const isCorrected = correctedTest(columns, classLabels, minScore);
    const code: FacetCode = { ...NOTHING_COUNTED }; // one for all rows: a million would have to be cleared away
    for (let row = 0; row < columns.length; row++) {
      if (test !== undefined && !test(row)) continue;
      const best = columns.bestClass(row, minScore);
      code.classIndex = best === NO_CLASS ? undefined : best;
      code.bin = best > NOTHING ? confidenceBin(columns.confidence[row] ?? 0) : undefined;
      code.status = STATUSES[columns.status[row] ?? 0] ?? 'pending';
      code.blank = isBlank(columns, row, minScore);
      code.verified = (columns.review[row] ?? -1) >= 0;
      code.corrected = code.verified && isCorrected(row);
      code.inLabels = labels === undefined || labels(row);
      code.inConfidence = confidence === undefined || confidence(row);
      code.inStatus = status === undefined || status(row);
      tell(code);
    }
  }

  directoryCounts(runId: number, filter: RowFilter): DirectoryCount[] {
    const columns = this.#columnsOf(runId);
    const { list, ofRow } = columns.directories;
    const counts = new Uint32Array(list.length);
    const test = this.#whole(columns, { ...filter, folderId: undefined, directory: undefined });
    for (let row = 0; row < columns.length; row++) {
      const index = ofRow[row] ?? -1;
      if (index >= 0 && (test === undefined || test(row))) counts[index] = (counts[index] ?? 0) + 1;
    }
    return list.flatMap(({ folderId, path: directory }, index) => {
      const count = counts[index] ?? 0;
      return count === 0 ? [] : [{ folderId, directory, count }];
    });
  }

  verified(runId: number): number {
    return this.#columnsOf(runId).review.reduce((count, review) => count + (review >= 0 ? 1 : 0), 0);
  }

  humanLabels(runId: number, filter: RowFilter): { label: string; count: number }[] {
    const columns = this.#columnsOf(runId);
    const test = this.#whole(columns, { ...filter, labels: undefined });
    const counts = new Uint32Array(columns.labels.length);
    columns.review.forEach((review, row) => {
      if (review >= 0 && (test === undefined || test(row))) counts[review] = (counts[review] ?? 0) + 1;
    });
    return columns.labels.flatMap((label, index) => {
      const count = counts[index] ?? 0;
      return count === 0 ? [] : [{ label, count }];
    });
  }

  /** Along the index of what was found. */
  foundCounts(runId: number, filter: RowFilter, table: FoundIn): FoundCount[] {
    return this.#library.resultQueries.foundCounts(runId, filter, table);
  }

  markedCounts(runId: number, filter: RowFilter): { label: string; count: number }[] {
    return this.#library.resultQueries.markedCounts(runId, filter);
  }

  #tests(columns: RunColumns, filter: RowFilter) {
    return rowTests(columns, filter, {
      columnsOf: this.#columnsOf,
      imagesContaining: (runId, choice, minScore) =>
        this.#library.resultQueries.imagesContaining(runId, choice, minScore),
    });
  }

  #whole(columns: RunColumns, filter: RowFilter): RowTest {
    return every(Object.values(this.#tests(columns, filter)));
  }

  #order(columns: RunColumns, order: RowOrder, minScore: number): Uint32Array {
    const key = JSON.stringify([columns.runId, order, minScore]);
    return this.#orders.get(key, () => orderRows(columns, order, minScore, this.#columnsOf));
  }
}
