import type { resultArguments } from '../../shared/api/results.ts';
import { AppError } from '../../shared/errors.ts';
import { describeImage, describeItems, describeMasks } from '../results/result-details.ts';
import { describeRun } from '../results/describe-run.ts';
import type { AppContext, Calls } from '../app/app-context.ts';

export function resultCalls(context: AppContext): Calls<keyof typeof resultArguments> {
  return {
    findImages: async ({ runId, filter, sort, comparedWith }) => {
      const run = context.runRow(runId);
      const found = await context.ask('findImages', { run, filter, sort, comparedWith });
      context.readAhead(run);
      return found;
    },
    resultItems: ({ runId, imageIds, minScore }) =>
      describeItems(context.library, context.runRow(runId), imageIds, minScore),
    resultFacets: ({ runId, filter, open }) =>
      context.ask('resultFacets', { run: context.runRow(runId), filter, open }),
    showImage: ({ runId, imageId, minScore }) =>
      describeImage(context.library, context.runRow(runId), imageId, minScore) ?? notInRun(runId, imageId),
    imageMasks: ({ runId, imageId }) =>
      describeMasks(context.library, context.runRow(runId), imageId) ?? notInRun(runId, imageId),
    classNames: ({ runId }) => context.ask('classNames', { run: context.runRow(runId) }),
    compareRuns: ({ runId, otherRunId }) =>
      context.ask('compareRuns', { run: context.runRow(runId), other: context.runRow(otherRunId) }),
    comparableRuns: async ({ runId }) => {
      const shared = await context.ask('comparableRuns', { run: context.runRow(runId) });
      return shared.flatMap(({ runId: otherId, images }) => {
        const other = context.library.runs.get(otherId);
        return other === undefined ? [] : [{ run: describeRun(context.library, other), images }];
      });
    },
    evaluateRun: ({ runId }) => context.ask('evaluateRun', { run: context.runRow(runId) }),
    evaluateFound: ({ runId, truth }) => context.ask('evaluateFound', { run: context.runRow(runId), truth }),
  };
}

/** Throws NOT_FOUND. */
export function notInRun(runId: number, imageId: number): never {
  throw new AppError(
    'NOT_FOUND',
    `There is no image ${imageId} in run ${runId}`,
    'Its file may have vanished before the run was run again.',
  );
}
