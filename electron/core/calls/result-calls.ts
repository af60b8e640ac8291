import type { resultArguments } from '../../shared/api/results.ts';
import { AppError } from '../../shared/errors.ts';
import { comparableRuns } from '../results/comparable-runs.ts';
import { compareRuns } from '../results/compare-runs.ts';
import { evaluateFound } from '../evaluate/evaluate-found.ts';
import { evaluateImages } from '../evaluate/evaluate-run.ts';
import { classLabels, resolveFilter, resolveOrder } from '../results/resolve-filter.ts';
import { describeImage, describeItems, describeMasks } from '../results/result-details.ts';
import { countFacets } from '../results/result-facets.ts';
import type { AppContext, Calls } from './app-context.ts';

export function resultCalls(context: AppContext): Calls<keyof typeof resultArguments> {
  return {
    findImages: ({ runId, filter, sort, comparedWith }) => {
      const run = context.runRow(runId);
      const { library } = context;
      const order = resolveOrder(library, run, sort, comparedWith);
      return { imageIds: library.resultQueries.find(run.id, resolveFilter(library, run, filter), order) };
    },
    resultItems: ({ runId, imageIds }) => describeItems(context.library, context.runRow(runId), imageIds),
    resultFacets: ({ runId, filter }) => countFacets(context.library, context.runRow(runId), filter),
    showImage: ({ runId, imageId }) =>
      describeImage(context.library, context.runRow(runId), imageId) ?? notInRun(runId, imageId),
    imageMasks: ({ runId, imageId }) =>
      describeMasks(context.library, context.runRow(runId), imageId) ?? notInRun(runId, imageId),
    classNames: ({ runId }) => {
      const names = classLabels(context.library, context.runRow(runId));
      const all = new Set([...names, ...context.library.reviews.labels()]);
      return [...all].sort(new Intl.Collator('en', { numeric: true }).compare);
    },
    compareRuns: ({ runId, otherRunId }) =>
      compareRuns(context.library, context.runRow(runId), context.runRow(otherRunId)),
    comparableRuns: ({ runId }) => comparableRuns(context.library, context.runRow(runId)),
    evaluateRun: ({ runId }) => evaluateImages(context.library, context.runRow(runId)),
    evaluateFound: ({ runId, truth }) => evaluateFound(context.library, context.runRow(runId), truth),
  };
}

function notInRun(runId: number, imageId: number): never {
  throw new AppError(
    'NOT_FOUND',
    `There is no image ${imageId} in run ${runId}`,
    'Its file may have vanished before the run was run again.',
  );
}
