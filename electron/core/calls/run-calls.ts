import type { runArguments } from '../../shared/api/runs.ts';
import { AppError } from '../../shared/errors.ts';
import type { Run } from '../../shared/run.ts';
import { confusionText, evaluateRun, matchClassFolders } from '../evaluate/evaluate-run.ts';
import type { RunService } from '../services/run-service.ts';
import { resolveFolders } from '../runs/run-folders.ts';
import { describeRun } from '../results/describe-run.ts';
import type { RunQueue } from '../services/run-queue.ts';
import { DEFAULT_MODEL } from '../runs/run-spec.ts';
import type { AppContext, Calls, Request } from '../app/app-context.ts';

export function runCalls(
  context: AppContext,
  runService: RunService,
  queue: RunQueue,
): Calls<keyof typeof runArguments | 'evaluate'> {
  return {
    run: ({ folders, threads, batch, ...dial }) => runService.start(folders, dial, { threads, batch }),
    resume: ({ runId, ...options }) => runService.resume(runId, options),
    cancel: ({ runId }) => runService.cancel(runId),
    estimateRun: async ({ folders, threads, batch, ...dial }) => {
      const resolved = await runService.resolve(folders, dial, { threads, batch });
      return context.ask('estimateRun', {
        resolved,
        threads: context.threads(threads),
        inputSize: dial.find === undefined ? dial.inputSize : undefined, // else it is that of what finds
      });
    },
    queueRun: ({ folders, threads, batch, start = true, ...dial }) =>
      queue.add(folders, dial, { threads, batch, start }),
    queueResume: ({ runId }) => queue.resume(runId),
    moveInQueue: ({ runId, position }) => queue.move(runId, position),
    leaveQueue: ({ runId }) => queue.leave(runId),
    showQueue: () => queue.state(),
    listRuns: () => context.library.runs.all().map((row) => describeRun(context.library, row)),
    showRun: async ({ runId }) => {
      const details = await context.ask('describeRun', { run: context.runRow(runId) });
      return { run: describeRun(context.library, context.runRow(runId)), ...details };
    },
    removeRun: ({ runId, onlyCheck }) => queue.forget(runId, onlyCheck),
    devices: ({ again }) => context.engine.devices(again),
    evaluate: (request) => evaluate(context, runService, request),
  };
}

async function evaluate(context: AppContext, runService: RunService, request: Request<'evaluate'>) {
  const { folder, confusion, force = false, threads, batch, ...dial } = request;
  const wanted = { command: 'confusion', format: 'csv', force } as const;
  const folders = await resolveFolders([folder]);
  const { manifest } = await context.registry.find(dial.model ?? DEFAULT_MODEL);
  const classFolders = await matchClassFolders(folders[0] ?? folder, manifest);
  if (confusion !== undefined) await context.outputs.claim({ ...wanted, path: confusion }); // before the work
  const run = await runService.start(folders, dial, { threads, batch });
  if (run.state !== 'done')
    throw new AppError('CANCELLED', `The evaluation stopped before its end`, resumeHint(run));
  const result = evaluateRun(context.library, context.runRow(run.id), classFolders, manifest);
  if (confusion !== undefined) {
    const file = await context.outputs.claim({ ...wanted, path: confusion, runId: run.id });
    await file.write(confusionText(result.confusion, manifest.labels));
  }
  return { ...result.evaluation, run };
}

/** How to go on with a run that has not ended. */
export function resumeHint(run: Run): string {
  return `Go on with \`winnow resume ${run.id}\`.`;
}
