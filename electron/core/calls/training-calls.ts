import type { trainingArguments } from '../../shared/api/training.ts';
import type { TrainingService } from '../services/training-service.ts';
import type { AppContext, Calls } from '../app/app-context.ts';
import { describeRun } from '../results/describe-run.ts';
import { describeParent } from '../training/parents.ts';

export function trainingCalls(
  context: AppContext,
  trainingService: TrainingService,
): Calls<keyof typeof trainingArguments> {
  return {
    prepareTraining: (request, asker) => trainingService.prepare(request, asker),
    startTraining: (request) => trainingService.start(request),
    pauseTraining: ({ trainingId }) => trainingService.pause(trainingId),
    resumeTraining: ({ trainingId, threads }) => trainingService.resume(trainingId, threads),
    removeTraining: async ({ trainingId, onlyCheck }) => {
      await trainingService.remove(trainingId, onlyCheck);
      return undefined;
    },
    listTrainings: () => trainingService.list(),
    reviewedRuns: async () => {
      const { library } = context; // opened now, not before it is needed
      const runs = library.runs.all().toSorted((one, other) => other.id - one.id);
      const lessons = await context.ask('runLessons', { runs });
      return runs.flatMap((row, index) => {
        const teaches = lessons[index] ?? [];
        if (teaches.length === 0) return [];
        return {
          run: describeRun(library, row),
          reviewed: library.resultQueries.verified(row.id),
          teaches,
        };
      });
    },
    trainingParents: async () => (await context.registry.scan()).packages.map(describeParent),
    showTraining: ({ trainingId }) => trainingService.show(trainingId),
    showSamples: ({ trainingId }) => trainingService.showSamples(trainingId),
  };
}
