import type { Command } from 'commander';
import { resumeHint } from '../core/calls/run-calls.ts';
import type { AppService } from '../core/app-service.ts';
import type { RunFindings } from '../shared/api/runs.ts';
import type { Run } from '../shared/run.ts';
import { AppError } from '../shared/errors.ts';
import { withApp } from './app.ts';
import { EXIT, exitCodeOfRun } from './exit.ts';
import { addFindOptions, splitFind } from './find-options.ts';
import type { FindOptions } from './find-options.ts';
import { count, oneLine, percent } from './format.ts';
import { watchRun } from './interrupt.ts';
import { addDialOptions, addOutputOptions, addWorkOptions } from './options.ts';
import type { DialOptions, LibraryOption } from './options.ts';
import { foundText, outcomeText, runNumber, unreadText } from './runs.ts';
import { sayer, STANDARD_OUTPUT, writeOut } from './standard-output.ts';
import { print } from './terminal.ts';
import { forTask } from '../shared/tasks.ts';

const SHOWN_AREAS = 5; // in the line at a run's end

interface OutputOptions {
  csv?: string;
  json?: string;
  force?: boolean;
}

type RunOptions = DialOptions & FindOptions & LibraryOption & OutputOptions;
type ResumeOptions = Pick<DialOptions, 'threads' | 'batch'> & LibraryOption & OutputOptions;

/** `winnow run` and `winnow resume`. */
export function addRunCommands(program: Command, finish: (exitCode: number) => void): void {
  const run = program
    .command('run')
    .description('label the images of folders, or what is new and changed in them');
  run.argument('<folder...>', 'folders; their sub-folders are included');
  addOutputOptions(addFindOptions(addDialOptions(run)));
  run.action(async (folders: string[], { library, csv, json, force, ...options }: RunOptions) => {
    const outputs = { csv, json, force };
    const dial = splitFind(options);
    finish(await withApp(library, (app) => complete(app, () => app.run({ folders, ...dial }), outputs)));
  });

  const resume = program.command('resume').description('go on with a run that did not end');
  addOutputOptions(
    addWorkOptions(resume.argument('[run]', 'its number (default: the latest that did not end)', runNumber)),
  );
  resume.action(
    async (given: number | undefined, { library, csv, json, force, ...options }: ResumeOptions) => {
      finish(
        await withApp(library, async (app) => {
          const runId = given ?? (await latestUnfinished(app));
          if (runId === undefined) {
            print('Every run is complete; there is nothing to resume.\n');
            return EXIT.done;
          }
          return complete(app, () => app.resume({ runId, ...options }), { csv, json, force });
        }),
      );
    },
  );
}

async function latestUnfinished(app: AppService): Promise<number | undefined> {
  const runs = await app.listRuns({});
  return runs.findLast(({ state }) => state !== 'done')?.id;
}

/** Works on a run and writes what was asked for when it is done; returns the exit code. */
async function complete(
  app: AppService,
  work: () => Promise<Run>,
  { csv, json, force }: { [Name in keyof OutputOptions]: OutputOptions[Name] | undefined },
): Promise<number> {
  const outputs = [
    ...(csv === undefined ? [] : [{ format: 'csv', out: csv } as const]),
    ...(json === undefined ? [] : [{ format: 'json', out: json } as const]),
  ];
  const toOutput = outputs.filter(({ out }) => out === STANDARD_OUTPUT);
  if (toOutput.length > 1)
    throw new AppError('BAD_ARGUMENT', 'Only one of --csv and --json can be written to standard output');
  for (const { format, out } of outputs)
    if (out !== STANDARD_OUTPUT) await app.checkExport({ format, out, force }); // before hours of work
  const say = sayer(toOutput[0]?.out);
  const run = await watchRun(app, work);
  const { id, counts, state, notes } = run;
  for (const note of notes) say(`Note: ${oneLine(note)}\n`);
  if (state !== 'done') {
    say(
      `Run ${id} is paused: ${counts.ok + counts.failed} of ${count(counts.total, 'image')} are done and saved.\n`,
    );
    say(`${resumeHint(run)}\n`);
    return exitCodeOfRun(run);
  }
  const { found, warned, unread } = await app.showRun({ runId: id });
  say(`Run ${id} is done: ${outcomeText(run, (images) => count(images, 'image'), warned)}.\n`);
  if (found !== undefined) say(summaryOf(found));
  say(unreadText(unread));
  if (counts.failed + warned > 0)
    say(`\`winnow show ${id}\` lists ${warned > 0 ? 'what was wrong' : 'the failures'}.\n`);
  for (const { format, out } of outputs) {
    const request = { runId: id, format };
    const { path, rows } = await (out === STANDARD_OUTPUT
      ? app.exportText(request, writeOut)
      : app.exportRun({ ...request, out, force }));
    say(`Wrote ${oneLine(path)} (${count(rows, 'row')}).\n`);
  }
  return exitCodeOfRun(run);
}

/** What was found, in a line. */
function summaryOf(found: RunFindings): string {
  return forTask(found, {
    segmentation: ({ classes }) => {
      const largest = classes.slice(0, SHOWN_AREAS);
      const areas = largest.map(({ label, share }) => `${oneLine(label)} ${percent(share)}`);
      return areas.length === 0 ? '' : `Largest areas: ${areas.join(', ')}.\n`;
    },
    detection: () => `Found: ${foundText(found)}.\n`,
  });
}
