import type { Command } from 'commander';
import type { AppService } from '../core/app-service.ts';
import { resumeHint } from '../core/calls/run-calls.ts';
import type { QueueState } from '../shared/api/runs.ts';
import { withApp } from './app.ts';
import { EXIT } from './exit.ts';
import { addFindOptions, splitFind } from './find-options.ts';
import type { FindOptions } from './find-options.ts';
import { count } from './format.ts';
import { watchRun } from './interrupt.ts';
import { addDialOptions, addLibraryOption } from './options.ts';
import type { DialOptions, LibraryOption } from './options.ts';
import { describeRuns, outcomeText, runNumber } from './runs.ts';
import { print } from './terminal.ts';

/** `winnow queue list | add | work | leave`. */
export function addQueueCommands(program: Command, finish: (exitCode: number) => void): void {
  const queue = program.command('queue').description('runs that wait for their turn');
  addLibraryOption(queue.command('list').description('the runs that wait, the next first')).action(
    async ({ library }: LibraryOption) => {
      const { waiting } = await withApp(library, (app) => app.showQueue({}));
      print(waiting.length === 0 ? 'No run waits.\n' : describeRuns(waiting));
    },
  );
  const add = queue
    .command('add')
    .description('queue a run like `winnow run`; it waits until the queue is worked on')
    .argument('<folder...>', 'folders; their sub-folders are included');
  type AddOptions = DialOptions & FindOptions & LibraryOption;
  addFindOptions(addDialOptions(add)).action(
    async (folders: string[], { library, ...options }: AddOptions) => {
      const dial = splitFind(options);
      const { id } = await withApp(library, (app) => app.queueRun({ folders, ...dial, start: false }));
      print(`Run ${id} waits. \`winnow queue work\` works on the runs that wait.\n`);
    },
  );
  addLibraryOption(
    queue.command('work').description('work on the runs that wait, one after the other'),
  ).action(async ({ library }: LibraryOption) => {
    finish(await withApp(library, work));
  });
  const leave = queue
    .command('leave')
    .description('take a run out of the queue; it can be resumed')
    .argument('<run>', 'its number', runNumber);
  addLibraryOption(leave).action(async (runId: number, { library }: LibraryOption) => {
    await withApp(library, (app) => app.leaveQueue({ runId }));
    print(`Run ${runId} does not wait any more.\n`);
  });
}

/** Works on the queue until nothing waits, or until it halts; returns the exit code. */
async function work(app: AppService): Promise<number> {
  const [first] = (await app.showQueue({})).waiting;
  if (first === undefined) {
    print('No run waits.\n');
    return EXIT.done;
  }
  let exitCode: number = EXIT.done;
  const unsubscribe = app.subscribe((event) => {
    if (event.type !== 'ended') return;
    const { id, state, counts } = event.run;
    const reason = event.error === undefined ? '' : ` ${event.error}`;
    const outcome = outcomeText(event.run, (images) => count(images, 'image'));
    print(`Run ${id} is ${state}: ${outcome}.${reason}\n`);
    if (state === 'paused') print(`${resumeHint(event.run)}\n`);
    if (state !== 'done') exitCode = EXIT.failed;
    else if (counts.failed > 0 && exitCode === EXIT.done) exitCode = EXIT.someImagesFailed;
  });
  const { halted } = await watchRun(app, async () => {
    const rest = untilRest(app);
    await app.queueResume({ runId: first.id });
    return rest;
  });
  unsubscribe();
  return halted === undefined ? exitCode : EXIT.failed;
}

/** The queue when nothing of it is under way any more. */
function untilRest(app: AppService): Promise<QueueState> {
  return new Promise((resolve) => {
    const unsubscribe = app.subscribe((event) => {
      if (event.type !== 'queue' || event.queue.current !== undefined) return;
      if (event.queue.waiting.length > 0 && event.queue.halted === undefined) return;
      unsubscribe();
      resolve(event.queue);
    });
  });
}
