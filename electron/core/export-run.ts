import { resolve } from 'node:path';
import type { ExportSummary } from '../shared/app-api.ts';
import { AppError } from '../shared/errors.ts';
import type { Manifest } from '../shared/model-package.ts';
import { findClasses } from './class-names.ts';
import { csvText } from './export-csv.ts';
import { jsonText } from './export-json.ts';
import { runRows } from './run-rows.ts';
import type { RowPage } from './run-rows.ts';
import type { Library } from './store/library.ts';
import type { ResultFilter } from './store/results.ts';
import type { RunRow } from './store/runs.ts';
import { writeFileWhole } from './write-file.ts';

export interface ExportOptions {
  format: 'csv' | 'json';
  out: string;
  bom?: boolean | undefined; // CSV only
  minConfidence?: number | undefined; // of the best class
  label?: string | undefined; // name or synset of the best class
  only?: 'ok' | 'failed' | undefined;
}

/** Writes the rows of a run that pass the filters. Throws BAD_ARGUMENT for an unknown label, FILE_SYSTEM. */
export async function exportRun(
  library: Library,
  run: RunRow,
  options: ExportOptions,
): Promise<ExportSummary> {
  const model = library.models.get(run.spec.modelSha256);
  const summary = { path: resolve(options.out), rows: 0 };
  const pages = countRows(runRows(library, run, toFilter(options, model.manifest)), summary);
  const text =
    options.format === 'csv' ? csvText(pages, run, model, options.bom ?? false) : jsonText(pages, run, model);
  await writeFileWhole(summary.path, text);
  return summary;
}

function toFilter({ only, minConfidence, label }: ExportOptions, { name, labels }: Manifest): ResultFilter {
  if (label === undefined) return { status: only, minConfidence };
  const classes = findClasses(labels, label);
  if (classes.length === 0) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The model ${name} has no class ${label}`,
      `\`winnow models show ${name}\` lists its classes.`,
    );
  }
  return { status: only, minConfidence, classes };
}

function* countRows(pages: Iterable<RowPage>, summary: ExportSummary): Generator<RowPage> {
  for (const page of pages) {
    summary.rows += page.rows.length;
    yield page;
  }
}
