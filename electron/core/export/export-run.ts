import type { ColumnSet, ExportPreview, ExportSummary } from '../../shared/api/exports.ts';
import type { ResultFilter } from '../../shared/api/results.ts';
import type { EngineApi } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { FileContent } from '../files/write-file.ts';
import { classLabels, leastScoreOf, resolveFilter } from '../results/resolve-filter.ts';
import { countBoxes } from '../results/box-counts.ts';
import { runRows } from '../results/run-rows.ts';
import type { RowPage } from '../results/run-rows.ts';
import type { ResultRow } from '../store/tables/results.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { columnNames, valuesOf } from './columns.ts';
import type { CountedRow, Exported, ExportedTable } from './columns.ts';
import type { ExportFormat, TableFormat } from './format.ts';
import { formatsOf } from './formats.ts';
import type { FoundContent } from './found-content.ts';
import { foundImages } from './found-images.ts';
import type { FoundImage } from './found-images.ts';
import { OutputNames } from './output-names.ts';
import { writeFolderWhole } from './write-folder.ts';

const PREVIEWED_ROWS = 10;
const TOLD_FAILURES = 1000;

/** Where the text of an export goes. */
export interface ExportSink {
  path: string; // as it is told
  write(content: FileContent, signal: AbortSignal): Promise<void>;
}

export interface ExportOptions {
  format: ExportFormat; // see findFormat
  /** Gives a place for the file, once nothing else speaks against the export; throws when it may not be written. */
  file: () => Promise<ExportSink>;
  /** Likewise for a format that is a folder: its path. */
  folder: () => Promise<string>;
  bom: boolean; // of formats that have the option
  columns: ColumnSet; // likewise
  filter: ResultFilter;
  signal: AbortSignal;
  /** Hears how many images are written. */
  onProgress: (done: number, total: number) => void;
}

/**
 * Writes the results of a run that pass the filter, as a whole file or folder or none. Throws BAD_ARGUMENT for a format that
 * the run's task does not have or a folder that holds files, FILE_SYSTEM, or CANCELLED when the signal is aborted.
 */
export async function exportRun(
  { library, engine }: { library: Library; engine: EngineApi },
  run: RunRow,
  options: ExportOptions,
): Promise<ExportSummary> {
  const exported = toExported(library, run);
  requireFormat(exported, options.format);
  const { format } = options;
  if (format.of === 'files') return exportTable(library, exported, format, options);
  const total = countRows(library, run, options.filter);
  const summary = { path: '', rows: 0, found: 0 };
  const failures: { path: string; error: string }[] = [];
  const names = new OutputNames(run.spec.folders);
  let read = 0;
  const content: FoundContent = {
    exported,
    names,
    engine,
    library,
    images: () => {
      read = 0;
      return watched(foundImages(library, exported, options.filter, names), (some) =>
        options.onProgress((read += some.length), total),
      );
    },
    count: ({ objects }: FoundImage) => {
      summary.rows++;
      summary.found += objects.length;
    },
    onFailure: (path, error) => {
      if (failures.length < TOLD_FAILURES) failures.push({ path, error });
    },
  };
  if (format.place === 'file') {
    const file = await options.file();
    summary.path = file.path;
    const table = toTable(library, exported, options);
    await file.write(format.write(content, table, options.bom), options.signal);
  } else {
    summary.path = await options.folder();
    await writeFolderWhole(summary.path, options.signal, (target) => format.write(content, target));
  }
  return failures.length === 0 ? summary : { ...summary, failures };
}

async function exportTable(
  library: Library,
  exported: Exported,
  format: TableFormat,
  { file, bom, columns, filter, signal, onProgress }: ExportOptions,
): Promise<ExportSummary> {
  const { run } = exported;
  const out = await file();
  const summary = { path: out.path, rows: 0 };
  const total = countRows(library, run, filter);
  const table = toTable(library, exported, { columns, filter });
  const pages = watched(countedRows(library, table, filter), ({ rows }) =>
    onProgress((summary.rows += rows.length), total),
  );
  await out.write(format.write(pages, table, bom), signal);
  return summary;
}

/** The first rows as the table will have them. */
export function previewExport(
  library: Library,
  run: RunRow,
  columns: ColumnSet,
  filter: ResultFilter,
): ExportPreview {
  const table = toTable(library, toExported(library, run), { columns, filter });
  const rows: string[][] = [];
  for (const page of countedRows(library, table, filter)) {
    const wanted = page.rows.slice(0, PREVIEWED_ROWS - rows.length);
    rows.push(...wanted.map((row) => valuesOf(page.folder, row, table).map((value) => String(value ?? ''))));
    if (rows.length === PREVIEWED_ROWS) break;
  }
  return { columns: columnNames(table), rows, total: countRows(library, run, filter) };
}

function requireFormat({ run, model }: Exported, { name, tasks }: ExportFormat): void {
  const { task } = model.manifest;
  if (tasks.includes(task)) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `Expected a run of a ${tasks.join(' or ')} model for the format ${name}, but run ${run.id} is of a ${task} model`,
    `It can be written as ${formatsOf(task)
      .map((format) => format.name)
      .join(', ')}.`,
  );
}

/** A run with its models. */
export function toExported(library: Library, run: RunRow): Exported {
  const { find, modelSha256 } = run.spec;
  const finder = find && library.models.get(find.modelSha256);
  return { run, model: library.models.get(modelSha256), finder };
}

/** The rows of a run, with the labels of their boxes where it finds first. */
function* countedRows(
  library: Library,
  { run, names, minScore }: ExportedTable,
  filter: ResultFilter,
): Generator<RowPage<CountedRow>> {
  for (const { folder, rows } of runRows(library, run, filter)) {
    const isCounted = run.spec.find !== undefined;
    const ids = isCounted ? rows.map(({ imageId }) => imageId) : [];
    const found = library.found.detections(run.id, ids);
    const boxesOf = (row: ResultRow) =>
      row.status === 'ok' || row.humanBoxes !== undefined
        ? countBoxes(row, found.get(row.imageId) ?? [], names, minScore)
        : undefined;
    yield { folder, rows: isCounted ? rows.map((row) => ({ ...row, boxes: boxesOf(row) })) : rows };
  }
}

/** With what tables say of a run's images that pass the filter. */
function toTable(
  library: Library,
  exported: Exported,
  { columns, filter }: Pick<ExportOptions, 'columns' | 'filter'>,
): ExportedTable {
  const { run } = exported;
  return {
    ...exported,
    set: columns,
    names: classLabels(library, run),
    minScore: leastScoreOf(library, run, filter.minScore),
    depth: library.resultQueries.directoryDepth(run.id, resolveFilter(library, run, filter)),
  };
}

function countRows(library: Library, run: RunRow, filter: ResultFilter): number {
  return library.resultQueries.count(run.id, resolveFilter(library, run, filter));
}

function* watched<T>(pages: Iterable<T>, onPage: (page: T) => void): Generator<T> {
  for (const page of pages) {
    yield page;
    onPage(page);
  }
}
