import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { AppService } from '../core/app-service.ts';
import type { TransferPlan, TransferSummary } from '../shared/api/exports.ts';
import { AppError } from '../shared/errors.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { EXIT } from './exit.ts';
import { addFilterOptions, toFilter } from './filter-options.ts';
import type { FilterOptions } from './filter-options.ts';
import { bytes, count, oneLine } from './format.ts';
import { watchExport } from './interrupt.ts';
import { addLibraryOption } from './options.ts';
import type { LibraryOption } from './options.ts';
import { runNumber } from './runs.ts';
import { print } from './terminal.ts';

interface SortOptions extends LibraryOption, FilterOptions {
  to?: string;
  copy?: boolean;
  move?: boolean;
  dryRun?: boolean;
  resume?: number;
}

const SHOWN_FAILURES = 20;

const STATES = { transferring: 'interrupted', undoing: 'undoing interrupted' };

/** `winnow sort` and `winnow unsort`. */
export function addSortCommands(program: Command, finish: (exitCode: number) => void): void {
  const sort = program
    .command('sort')
    .description('copy or move the images of a run into a folder per label')
    .argument('[run]', 'its number', runNumber)
    .option('--to <folder>', 'folder that gets a sub-folder per label')
    .option('--copy', 'leave the images where they are')
    .option('--move', 'take them away from where they are')
    .option('--dry-run', 'only say what would be done')
    .option('--resume <number>', 'go on with a sorting that was interrupted', transferNumber);
  addLibraryOption(addFilterOptions(sort)).action(
    async (runId: number | undefined, { library, ...options }: SortOptions) => {
      finish(await withApp(library, (app) => sortOrResume(app, runId, options)));
    },
  );

  const unsort = program
    .command('unsort')
    .description('undo a sorting, or list those that can be undone')
    .argument('[number]', 'its number', transferNumber);
  addLibraryOption(unsort).action(async (transferId: number | undefined, { library }: LibraryOption) => {
    finish(await withApp(library, (app) => (transferId === undefined ? list(app) : undo(app, transferId))));
  });
}

async function sortOrResume(
  app: AppService,
  runId: number | undefined,
  options: SortOptions,
): Promise<number> {
  const { to, resume, ...others } = options;
  if (resume !== undefined) {
    if (runId !== undefined || to !== undefined || Object.keys(others).length > 0)
      throw new AppError(
        'BAD_ARGUMENT',
        '--resume says which run, where to and how by itself',
        'Leave the rest out.',
      );
    return report(await watchExport(app, () => app.resumeTransfer({ transferId: resume })));
  }
  if (runId === undefined || to === undefined)
    throw new AppError(
      'BAD_ARGUMENT',
      'The number of a run and --to must be given',
      '`winnow runs` lists the runs.',
    );
  return sortRun(app, runId, { ...options, to });
}

async function sortRun(
  app: AppService,
  runId: number,
  options: SortOptions & { to: string },
): Promise<number> {
  const { to, copy = false, move = false, dryRun = false } = options;
  if (copy === move)
    throw new AppError(
      'BAD_ARGUMENT',
      'Either --copy or --move must be given',
      'Say what to do with the files.',
    );
  const mode = copy ? 'copy' : 'move';
  const request = { runId, to, mode, filter: await toFilter(app, runId, options) } as const;
  if (dryRun) {
    print(describePlan(await app.planTransfer(request), mode));
    return EXIT.done;
  }
  return report(await watchExport(app, () => app.transferFiles(request)));
}

/** Tells what was sorted; returns the exit code. */
function report(summary: TransferSummary): number {
  const verb = summary.mode === 'copy' ? 'Copied' : 'Moved';
  print(`${verb} ${count(summary.files, 'image')} to ${oneLine(summary.to)}.\n`);
  if (summary.files > 0) print(`\`winnow unsort ${summary.transferId}\` takes that back.\n`);
  return reportFailures(summary);
}

async function undo(app: AppService, transferId: number): Promise<number> {
  const summary = await watchExport(app, () => app.undoTransfer({ transferId }));
  const done = summary.mode === 'copy' ? 'Deleted' : 'Moved back';
  print(`${done} ${count(summary.files, summary.mode === 'copy' ? 'copied image' : 'image')}.\n`);
  return reportFailures(summary);
}

async function list(app: AppService): Promise<number> {
  const transfers = await app.listTransfers({});
  const rows = transfers.map(({ transferId, mode, files, createdAt, to, interrupted }) => [
    String(transferId),
    mode,
    String(files),
    createdAt.slice(0, 16).replace('T', ' '),
    interrupted === undefined ? 'done' : STATES[interrupted],
    oneLine(to),
  ]);
  const heading = ['NUMBER', 'MODE', 'FILES', 'CREATED', 'STATE', 'TO'];
  print(rows.length === 0 ? 'There is nothing to undo.\n' : table([heading, ...rows]));
  for (const { transferId } of transfers.filter(({ resumable, interrupted }) => resumable && interrupted))
    print(`\`winnow sort --resume ${transferId}\` goes on with sorting ${transferId}.\n`);
  return EXIT.done;
}

/** Tells of the files that nothing was done with; returns the exit code. */
function reportFailures({ failures }: TransferSummary): number {
  if (failures.length === 0) return EXIT.done;
  print(`${count(failures.length, 'file')} stayed:\n`);
  for (const { path, error } of failures.slice(0, SHOWN_FAILURES))
    print(`${oneLine(path)}: ${oneLine(error)}\n`);
  if (failures.length > SHOWN_FAILURES) print('and others\n');
  return EXIT.someImagesFailed;
}

function describePlan(plan: TransferPlan, mode: 'copy' | 'move'): string {
  const rows = plan.labels.map(({ label, folder, files }) => [
    oneLine(label),
    oneLine(folder),
    String(files),
  ]);
  const verb = mode === 'copy' ? 'copied' : 'moved';
  const facts: [string, number][] = [
    ['renamed, since their name is taken', plan.renamed],
    ['without a label, so they stay', plan.withoutLabel],
    ['in the folder of their label already', plan.inPlace],
    ['not there now', plan.missing],
  ];
  const shown = facts.filter(([, number]) => number > 0).map(([what, number]) => [what, String(number)]);
  const free = plan.freeBytes === undefined ? '' : `; ${bytes(plan.freeBytes)} are free there`;
  return [
    `${count(plan.files, 'image')} (${bytes(plan.bytes)}) would be ${verb}${free}.\n`,
    ...(shown.length === 0 ? [] : [table(shown)]),
    ...(rows.length === 0 ? [] : ['\n', table([['LABEL', 'FOLDER', 'FILES'], ...rows])]),
  ].join('');
}

function transferNumber(text: string): number {
  if (!/^[1-9]\d*$/.test(text))
    throw new InvalidArgumentError('Expected the number of a sorting; `winnow unsort` lists them.');
  return Number(text);
}
