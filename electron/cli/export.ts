import { Option } from 'commander';
import type { Command } from 'commander';
import { withApp } from './app.ts';
import { count, oneLine } from './format.ts';
import { addLibraryOption, number } from './options.ts';
import type { LibraryOption } from './options.ts';
import { runNumber } from './runs.ts';

interface ExportOptions extends LibraryOption {
  format: 'csv' | 'json';
  out: string;
  bom?: boolean;
  minConfidence?: number;
  label?: string;
  only?: 'ok' | 'failed';
}

/** `winnow export`. */
export function addExportCommand(program: Command): void {
  const command = program
    .command('export')
    .description('write the results of a run')
    .argument('<run>', 'its number', runNumber)
    .addOption(new Option('--format <format>').choices(['csv', 'json']).makeOptionMandatory())
    .requiredOption('--out <file>', 'file to write')
    .option('--bom', 'start the CSV with a byte order mark, for spreadsheets')
    .option('--min-confidence <x>', 'only images whose best class has at least this confidence', number)
    .option('--label <name>', 'only images with this label (a name or a synset)')
    .addOption(
      new Option('--only <status>', 'only images that were labelled, or only those that failed').choices([
        'ok',
        'failed',
      ]),
    );
  addLibraryOption(command).action(async (runId: number, { library, ...options }: ExportOptions) => {
    const { path, rows } = await withApp(library, (app) => app.exportRun({ runId, ...options }));
    process.stdout.write(`Wrote ${oneLine(path)} (${count(rows, 'row')}).\n`);
  });
}
