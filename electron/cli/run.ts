import type { Command } from 'commander';
import { resumeHint } from '../core/calls/run-calls.ts';
import type { AppService } from '../core/app-service.ts';
import type { RunFindings } from '../shared/api/runs.ts';
import type { Run } from '../shared/run.ts';
import { withApp } from './app.ts';
import { EXIT, exitCodeOfRun } from './exit.ts';
import { count, oneLine, percent } from './format.ts';
import { watchRun } from './interrupt.ts';
import { addDialOptions, addOutputOptions, addWorkOptions } from './options.ts';
import type { DialOptions, LibraryOption } from './options.ts';
import { foundText, runNumber } from './runs.ts';

const SHOWN_AREAS = 5; // in the line at a run's end

interface OutputOptions {
  csv?: string;
  json?: string;
}

type RunOptions = DialOptions & LibraryOption & OutputOptions;
type ResumeOptions = Pick<DialOptions, 'threads' | 'batch'> & LibraryOption & OutputOptions;

/** `winnow run` and `winnow resume`. */
export function addRunCommands(program: Command, finish: (exitCode: number) => void): void {
  const run = program
    .command('run')
    .description('label the images of folders, or what is new and changed in them');
  addOutputOptions(addDialOptions(run.argument('<folder...>', 'folders; their sub-folders are included')));
  run.action(async (folders: string[], { library, csv, json, ...dial }: RunOptions) => {
    finish(
      await withApp(library, (app) => complete(app, () => app.run({ folders, ...dial }), { csv, json })),
    );
  });

  const resume = program.command('resume').description('go on with a run that did not end');
  addOutputOptions(
    addWorkOptions(resume.argument('[run]', 'its number (default: the latest that did not end)', runNumber)),
  );
  resume.action(async (given: number | undefined, { library, csv, json, ...options }: ResumeOptions) => {
    finish(
      await withApp(library, async (app) => {
        const runId = given ?? (await latestUnfinished(app));
        if (runId === undefined) {
          process.stdout.write('Every run is complete; there is nothing to resume.\n');
          return EXIT.done;
        }
        return complete(app, () => app.resume({ runId, ...options }), { csv, json });
      }),
    );
  });
}

async function latestUnfinished(app: AppService): Promise<number | undefined> {
  const runs = await app.listRuns({});
  return runs.findLast(({ state }) => state !== 'done')?.id;
}

/** Works on a run and writes what was asked for when it is done; returns the exit code. */
async function complete(
  app: AppService,
  work: () => Promise<Run>,
  { csv, json }: { csv: string | undefined; json: string | undefined },
): Promise<number> {
  const run = await watchRun(app, work);
  const { id, counts, state, notes } = run;
  for (const note of notes) process.stdout.write(`Note: ${oneLine(note)}\n`);
  if (state !== 'done') {
    process.stdout.write(
      `Run ${id} is paused: ${counts.ok + counts.failed} of ${count(counts.total, 'image')} are done and saved.\n`,
    );
    process.stdout.write(`${resumeHint(run)}\n`);
    return exitCodeOfRun(run);
  }
  process.stdout.write(
    `Run ${id} is done: ${count(counts.ok, 'image')} labelled, ${counts.failed} failed.\n`,
  );
  const { found } = await app.showRun({ runId: id });
  if (found !== undefined) process.stdout.write(summaryOf(found));
  if (counts.failed > 0) process.stdout.write(`\`winnow show ${id}\` lists the failures.\n`);
  for (const [format, out] of [
    ['csv', csv],
    ['json', json],
  ] as const) {
    if (out === undefined) continue;
    const { path, rows } = await app.exportRun({ runId: id, format, out });
    process.stdout.write(`Wrote ${oneLine(path)} (${count(rows, 'row')}).\n`);
  }
  return exitCodeOfRun(run);
}

/** What was found, in a line. */
function summaryOf(found: RunFindings): string {
  if (found.task === 'detection') return `Found: ${foundText(found)}.\n`;
  const largest = found.classes.slice(0, SHOWN_AREAS);
  const areas = largest.map(({ label, share }) => `${oneLine(label)} ${percent(share)}`);
  return areas.length === 0 ? '' : `Largest areas: ${areas.join(', ')}.\n`;
}
