import { resolve } from 'node:path';
import type { ExportPreview, ExportSummary } from '../../shared/api/exports.ts';
import type { ResultFilter } from '../../shared/api/results.ts';
import { csvText } from './csv.ts';
import { columnNames, valuesOf } from './columns.ts';
import type { Exported, Value } from './columns.ts';
import { jsonText } from './json.ts';
import { resolveFilter } from '../resolve-filter.ts';
import { runRows } from '../run-rows.ts';
import type { RowPage } from '../run-rows.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/runs.ts';
import { writeFileWhole } from '../write-file.ts';
import type { FileContent } from '../write-file.ts';
import { xlsxFile } from './xlsx.ts';

const PREVIEWED_ROWS = 10;

export interface ExportOptions {
  format: 'csv' | 'json' | 'xlsx';
  out: string;
  bom: boolean; // CSV only
  filter: ResultFilter;
  signal: AbortSignal;
  /** Hears how many rows are written. */
  onProgress: (done: number, total: number) => void;
}

/**
 * Writes the rows of a run that pass the filter, as a whole file or none. Throws FILE_SYSTEM, or CANCELLED when the
 * signal is aborted.
 */
export async function exportRun(
  library: Library,
  run: RunRow,
  options: ExportOptions,
): Promise<ExportSummary> {
  const { filter, onProgress } = options;
  const summary = { path: resolve(options.out), rows: 0 };
  const total = countRows(library, run, filter);
  const pages = watched(runRows(library, run, filter), (rows) => onProgress((summary.rows += rows), total));
  await writeFileWhole(summary.path, contentOf(pages, toExported(library, run), options), options.signal);
  return summary;
}

/** The first rows as the table will have them. */
export function previewExport(library: Library, run: RunRow, filter: ResultFilter): ExportPreview {
  const exported = toExported(library, run);
  const rows: string[][] = [];
  for (const page of runRows(library, run, filter)) {
    const wanted = page.rows.slice(0, PREVIEWED_ROWS - rows.length);
    rows.push(
      ...wanted.map((row) => valuesOf(page.folder, row, exported).map((value) => String(value ?? ''))),
    );
    if (rows.length === PREVIEWED_ROWS) break;
  }
  return { columns: [...columnNames], rows, total: countRows(library, run, filter) };
}

function toExported(library: Library, run: RunRow): Exported {
  return { run, model: library.models.get(run.spec.modelSha256) };
}

function countRows(library: Library, run: RunRow, filter: ResultFilter): number {
  return library.resultQueries.count(run.id, resolveFilter(library, run, filter));
}

function contentOf(
  pages: Iterable<RowPage>,
  exported: Exported,
  { format, bom }: ExportOptions,
): FileContent {
  if (format === 'csv') return csvText(pages, exported, bom);
  if (format === 'json') return jsonText(pages, exported);
  return xlsxFile(tableRows(pages, exported), { name: `Run ${exported.run.id}`, columns: columnNames });
}

function* tableRows(pages: Iterable<RowPage>, exported: Exported): Generator<Value[]> {
  for (const { folder, rows } of pages) for (const row of rows) yield valuesOf(folder, row, exported);
}

function* watched(pages: Iterable<RowPage>, onRows: (rows: number) => void): Generator<RowPage> {
  for (const page of pages) {
    yield page;
    onRows(page.rows.length);
  }
}
