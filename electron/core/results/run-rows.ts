import type { ResultFilter } from '../../shared/api/results.ts';
import { resolveFilter } from './resolve-filter.ts';
import type { Library } from '../store/library.ts';
import type { ResultRow } from '../store/tables/results.ts';
import type { RunRow } from '../store/tables/runs.ts';

const ROWS_PER_PAGE = 1000;

/** Consecutive rows of a run that lie in one of its folders. */
export interface RowPage<Row extends ResultRow = ResultRow> {
  folder: string; // absolute
  rows: Row[];
}

/** The rows of a run by folder and path, a page at a time, so that any number of rows needs little memory. */
export function* runRows(library: Library, run: RunRow, filter: ResultFilter = {}): Generator<RowPage> {
  const resolved = resolveFilter(library, run, filter);
  for (const folder of run.spec.folders) {
    let after = '';
    for (;;) {
      const rows = library.results.page(run.id, folder, after, ROWS_PER_PAGE, resolved);
      const last = rows.at(-1);
      if (last === undefined) break;
      yield { folder, rows };
      after = last.relativePath;
    }
  }
}
