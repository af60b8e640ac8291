import { Option } from 'commander';
import type { Command } from 'commander';
import type { AppService } from '../core/app-service.ts';
import { EXPORT_FORMATS } from '../shared/api/exports.ts';
import type { ExportFormat, ExportSummary } from '../shared/api/exports.ts';
import { withApp } from './app.ts';
import { EXIT } from './exit.ts';
import { addFilterOptions, toFilter } from './filter-options.ts';
import type { FilterOptions } from './filter-options.ts';
import { count, oneLine } from './format.ts';
import { watchExport } from './interrupt.ts';
import { addLibraryOption } from './options.ts';
import type { LibraryOption } from './options.ts';
import { runNumber } from './runs.ts';

interface ExportOptions extends LibraryOption, FilterOptions {
  format: ExportFormat;
  out: string;
  bom?: boolean;
}

const SHOWN_FAILURES = 20;

/** `winnow export`. */
export function addExportCommand(program: Command, finish: (exitCode: number) => void): void {
  const command = program
    .command('export')
    .description('write the results of a run')
    .argument('<run>', 'its number', runNumber)
    .addOption(new Option('--format <format>').choices(EXPORT_FORMATS).makeOptionMandatory())
    .requiredOption('--out <path>', 'file to write, or folder of yolo, voc, crops, overlays and maps')
    .option('--bom', 'start the CSV with a byte order mark, for spreadsheets');
  addLibraryOption(addFilterOptions(command)).action(
    async (runId: number, { library, ...options }: ExportOptions) => {
      finish(report(await withApp(library, (app) => exportRun(app, runId, options))));
    },
  );
}

async function exportRun(app: AppService, runId: number, { format, out, bom, ...options }: ExportOptions) {
  const filter = await toFilter(app, runId, options);
  return watchExport(app, () => app.exportRun({ runId, format, out, bom, filter }));
}

/** Says what was written, and which pictures could not be had; returns the exit code. */
function report({ path, rows, found, failures = [] }: ExportSummary): number {
  const what =
    found === undefined ? count(rows, 'row') : `${count(found, 'object')} in ${count(rows, 'image')}`;
  process.stdout.write(`Wrote ${oneLine(path)} (${what}).\n`);
  if (failures.length === 0) return EXIT.done;
  process.stdout.write(`${count(failures.length, 'image')} left out:\n`);
  for (const failure of failures.slice(0, SHOWN_FAILURES))
    process.stdout.write(`${oneLine(failure.path)}: ${oneLine(failure.error)}\n`);
  if (failures.length > SHOWN_FAILURES) process.stdout.write('and others\n');
  return EXIT.someImagesFailed;
}
