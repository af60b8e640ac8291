import { join } from 'node:path';
import type { runArguments, RunDetails, RunFindings, ToldProblem } from '../../shared/api/runs.ts';
import { AppError } from '../../shared/errors.ts';
import type { Manifest } from '../../shared/model-package.ts';
import type { Run } from '../../shared/run.ts';
import { displayNames } from '../class-names.ts';
import { confusionText, evaluateRun, matchClassFolders } from '../evaluate/evaluate-run.ts';
import type { RunDesk } from '../runs/run-desk.ts';
import { SHOWN_SCORE } from '../../shared/found-score.ts';
import { leastScore } from '../results/held-label.ts';
import { pairWithLabels } from '../results/resolve-filter.ts';
import { resolveFolders } from '../runs/run-folders.ts';
import { describeRun } from '../runs/run-job.ts';
import type { RunQueue } from '../runs/run-queue.ts';
import { runRows } from '../results/run-rows.ts';
import { DEFAULT_MODEL } from '../runs/run-spec.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/runs.ts';
import type { AppContext, Calls, Request } from './app-context.ts';

/** How many failures and labels showRun lists. */
const SHOWN_FAILURES = 20;
const SHOWN_LABELS = 20;

export function runCalls(
  context: AppContext,
  desk: RunDesk,
  queue: RunQueue,
): Calls<keyof typeof runArguments | 'evaluate'> {
  return {
    run: ({ folders, threads, batch, ...dial }) => desk.start(folders, dial, { threads, batch }),
    resume: ({ runId, ...options }) => desk.resume(runId, options),
    cancel: ({ runId }) => desk.cancel(runId),
    estimateRun: async ({ folders, threads, batch, ...dial }) => {
      const resolved = await desk.resolve(folders, dial, { threads, batch });
      return context.ask('estimateRun', {
        resolved,
        threads: context.threads(threads),
        inputSize: dial.inputSize,
      });
    },
    queueRun: ({ folders, threads, batch, start = true, ...dial }) =>
      queue.add(folders, dial, { threads, batch, start }),
    queueResume: ({ runId }) => queue.resume(runId),
    moveInQueue: ({ runId, position }) => queue.move(runId, position),
    leaveQueue: ({ runId }) => queue.leave(runId),
    showQueue: () => queue.state(),
    listRuns: () => context.library.runs.all().map((row) => describeRun(context.library, row)),
    showRun: ({ runId }) => describeDetails(context.library, context.runRow(runId)),
    removeRun: ({ runId, onlyCheck }) => queue.forget(runId, onlyCheck),
    devices: ({ again }) => context.engine.devices(again),
    evaluate: (request) => evaluate(context, desk, request),
  };
}

async function evaluate(context: AppContext, desk: RunDesk, request: Request<'evaluate'>) {
  const { folder, confusion, force = false, threads, batch, ...dial } = request;
  const wanted = { command: 'confusion', format: 'csv', force } as const;
  const folders = await resolveFolders([folder]);
  const { manifest } = await context.registry.find(dial.model ?? DEFAULT_MODEL);
  const classFolders = await matchClassFolders(folders[0] ?? folder, manifest);
  if (confusion !== undefined) await context.outputs.claim({ ...wanted, path: confusion }); // before the work
  const run = await desk.start(folders, dial, { threads, batch });
  if (run.state !== 'done')
    throw new AppError('CANCELLED', `The evaluation stopped before its end`, resumeHint(run));
  const result = evaluateRun(context.library, context.runRow(run.id), classFolders);
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

function describeDetails(library: Library, row: RunRow): RunDetails {
  const { manifest } = library.models.get(row.spec.modelSha256);
  const minScore = leastScore(manifest.task, undefined);
  const labels = library.results.labelCounts(row.id, minScore);
  const counted = new Map(library.results.folderCounts(row.id).map((counts) => [counts.path, counts]));
  return {
    run: describeRun(library, row),
    labels: labels.slice(0, SHOWN_LABELS).map(({ classIndex, count }) => ({
      label: manifest.labels[classIndex]?.name ?? '', // '' of NOTHING
      count,
    })),
    found: describeFound(library, row, manifest),
    reviewed: library.resultQueries.reviewed(row.id, pairWithLabels(displayNames(manifest.labels)), minScore),
    failures: firstProblems(library, row, 'failed'),
    warned: library.results.warned(row.id),
    warnings: firstProblems(library, row, 'warned'),
    unread: unreadFiles(library, row),
    folders: row.spec.folders.map((path) => counted.get(path) ?? { path, total: 0, done: 0 }),
  };
}

function unreadFiles(library: Library, { spec }: RunRow): RunDetails['unread'] {
  const counts = new Map<string, number>();
  for (const path of spec.folders)
    for (const [kind, count] of Object.entries(library.folders.unread(path)))
      counts.set(kind, (counts.get(kind) ?? 0) + count);
  return [...counts]
    .map(([kind, count]) => ({ kind, count }))
    .sort((one, other) => other.count - one.count || one.kind.localeCompare(other.kind));
}

/** The first files that failed, or whose results are to be taken with care. */
function firstProblems(library: Library, run: RunRow, status: 'failed' | 'warned'): ToldProblem[] {
  const told: ToldProblem[] = [];
  for (const { folder, rows } of runRows(library, run, { status })) {
    for (const { relativePath, error, warning, problem } of rows)
      told.push({ path: join(folder, relativePath), error: error ?? warning ?? '', problem });
    if (told.length >= SHOWN_FAILURES) break;
  }
  return told.slice(0, SHOWN_FAILURES);
}

function describeFound(
  library: Library,
  { id }: RunRow,
  { task, labels }: Manifest,
): RunFindings | undefined {
  const names = displayNames(labels);
  if (task === 'detection') {
    const classes = library.found
      .objects(id, SHOWN_SCORE)
      .map(({ classIndex, amount }) => ({ label: names[classIndex] ?? '', objects: amount }));
    const objects = classes.reduce((sum, one) => sum + one.objects, 0);
    return { task, minScore: SHOWN_SCORE, objects, classes };
  }
  if (task === 'classification') return undefined;
  const areas = library.found.areas(id);
  const area = areas.reduce((sum, { amount }) => sum + amount, 0); // the regions of a picture cover it
  const classes = areas.map(({ classIndex, amount }) => {
    return { label: names[classIndex] ?? '', share: amount / area };
  });
  return { task, classes };
}
