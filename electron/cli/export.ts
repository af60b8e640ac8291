import { Option } from 'commander';
import type { Command } from 'commander';
import type { AppService } from '../core/app-service.ts';
import type { ExportFormat } from '../core/export/format.ts';
import { EXPORT_FORMATS } from '../core/export/formats.ts';
import { COLUMN_SETS } from '../shared/api/exports.ts';
import type { ColumnSet, ExportSummary } from '../shared/api/exports.ts';
import { withApp } from './app.ts';
import { EXIT } from './exit.ts';
import { addFilterOptions, toFilter } from './filter-options.ts';
import type { FilterOptions } from './filter-options.ts';
import { count, oneLine } from './format.ts';
import { watchExport } from './interrupt.ts';
import { addForceOption, addLibraryOption } from './options.ts';
import type { LibraryOption } from './options.ts';
import { runNumber } from './runs.ts';
import { sayer, STANDARD_OUTPUT, writeOut } from './standard-output.ts';

interface ExportOptions extends LibraryOption, FilterOptions {
  format: string;
  out: string;
  bom?: boolean;
  columns?: ColumnSet;
  force?: boolean;
}

const SHOWN_FAILURES = 20;

/** Names of the formats that `isMeant`. */
function named(isMeant: (format: ExportFormat) => boolean): string[] {
  return EXPORT_FORMATS.filter(isMeant).map(({ name }) => name);
}

function withOption(option: ExportFormat['options'][number]): string {
  return named(({ options }) => options.includes(option)).join(', ');
}

/** `winnow export`. */
export function addExportCommand(program: Command, finish: (exitCode: number) => void): void {
  const command = program
    .command('export')
    .description('write the results of a run')
    .argument('<run>', 'its number', runNumber)
    .addOption(new Option('--format <format>').choices(named(() => true)).makeOptionMandatory())
    .requiredOption(
      '--out <path>',
      `file to write, or folder of ${named(({ place }) => place === 'folder').join(', ')}; - writes text to standard output`,
    )
    .option('--bom', `start the file with a byte order mark, for spreadsheets: of ${withOption('bom')}`)
    .addOption(
      new Option(
        '--columns <names>',
        `column names of ${withOption('columns')}: standard (label is what holds) or classic (label is the model's, as in earlier exports)`,
      ).choices(COLUMN_SETS),
    );
  addForceOption(command);
  addLibraryOption(addFilterOptions(command)).action(
    async (runId: number, { library, ...options }: ExportOptions) => {
      finish(report(await withApp(library, (app) => exportRun(app, runId, options)), sayer(options.out)));
    },
  );
}

async function exportRun(app: AppService, runId: number, options: ExportOptions): Promise<ExportSummary> {
  const { format, out, bom, columns, force, ...filters } = options;
  const request = { runId, format, bom, columns, filter: await toFilter(app, runId, filters) };
  return watchExport(app, () =>
    out === STANDARD_OUTPUT ? app.exportText(request, writeOut) : app.exportRun({ ...request, out, force }),
  );
}

/** Says what was written, and which pictures could not be had; returns the exit code. */
function report({ path, rows, found, failures = [] }: ExportSummary, say: (text: string) => void): number {
  const what =
    found === undefined ? count(rows, 'row') : `${count(found, 'object')} in ${count(rows, 'image')}`;
  say(`Wrote ${oneLine(path)} (${what}).\n`);
  if (failures.length === 0) return EXIT.done;
  say(`${count(failures.length, 'image')} left out:\n`);
  for (const failure of failures.slice(0, SHOWN_FAILURES))
    say(`${oneLine(failure.path)}: ${oneLine(failure.error)}\n`);
  if (failures.length > SHOWN_FAILURES) say('and others\n');
  return EXIT.someImagesFailed;
}
