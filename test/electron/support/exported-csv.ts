import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { AppService } from '../../../electron/core/app-service.ts';
import type { AppArguments } from '../../../electron/shared/app-api.ts';
import { csvRows } from './csv.ts';

/** Exports run 1 as CSV beside `folder`, and reads it back with a parser that is not ours. */
export async function exportedCsv(
  app: AppService,
  folder: string,
  options: Partial<AppArguments<'exportRun'>> = {},
) {
  const out = join(dirname(folder), 'out.csv');
  const summary = await app.exportRun({ runId: 1, format: 'csv', out, ...options });
  const text = readFileSync(out, 'utf8');
  const records = csvRows(text, { bom: true });
  return { summary, text, records, paths: records.map((record) => record['relative_path']) };
}
