import { Option } from 'commander';
import type { Command } from 'commander';
import type { AppService } from '../core/app-service.ts';
import { withApp } from './app.ts';
import { addFilterOptions, toFilter } from './filter-options.ts';
import type { FilterOptions } from './filter-options.ts';
import { count, oneLine } from './format.ts';
import { watchExport } from './interrupt.ts';
import { addLibraryOption } from './options.ts';
import type { LibraryOption } from './options.ts';
import { runNumber } from './runs.ts';

interface ExportOptions extends LibraryOption, FilterOptions {
  format: 'csv' | 'json' | 'xlsx';
  out: string;
  bom?: boolean;
}

/** `winnow export`. */
export function addExportCommand(program: Command): void {
  const command = program
    .command('export')
    .description('write the results of a run')
    .argument('<run>', 'its number', runNumber)
    .addOption(new Option('--format <format>').choices(['csv', 'json', 'xlsx']).makeOptionMandatory())
    .requiredOption('--out <file>', 'file to write')
    .option('--bom', 'start the CSV with a byte order mark, for spreadsheets');
  addLibraryOption(addFilterOptions(command)).action(
    async (runId: number, { library, ...options }: ExportOptions) => {
      const { path, rows } = await withApp(library, (app) => exportRun(app, runId, options));
      process.stdout.write(`Wrote ${oneLine(path)} (${count(rows, 'row')}).\n`);
    },
  );
}

async function exportRun(app: AppService, runId: number, { format, out, bom, ...options }: ExportOptions) {
  const filter = await toFilter(app, runId, options);
  return watchExport(app, () => app.exportRun({ runId, format, out, bom, filter }));
}
