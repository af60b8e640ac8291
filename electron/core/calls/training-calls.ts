import type { trainingArguments } from '../../shared/api/training.ts';
import type { TrainingDesk } from '../training/training-desk.ts';
import type { AppContext, Calls } from './app-context.ts';
import { describeRun } from '../runs/run-job.ts';

export function trainingCalls(
  context: AppContext,
  desk: TrainingDesk,
): Calls<keyof typeof trainingArguments> {
  return {
    prepareTraining: (request, asker) => desk.prepare(request, asker),
    startTraining: (request) => desk.start(request),
    pauseTraining: ({ trainingId }) => desk.pause(trainingId),
    resumeTraining: ({ trainingId, threads }) => desk.resume(trainingId, threads),
    removeTraining: async ({ trainingId, onlyCheck }) => {
      await desk.remove(trainingId, onlyCheck);
      return undefined;
    },
    listTrainings: () => desk.list(),
    reviewedRuns: () => {
      const { library } = context; // opened now, not before it is needed
      return library.runs
        .all()
        .filter(({ spec }) => library.models.get(spec.modelSha256).manifest.task === 'classification')
        .toSorted((one, other) => other.id - one.id)
        .map((row) => ({
          run: describeRun(library, row),
          reviewed: library.resultQueries.verified(row.id),
        }));
    },
    showTraining: ({ trainingId }) => desk.show(trainingId),
  };
}
