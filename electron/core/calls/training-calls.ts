import type { trainingArguments } from '../../shared/api/training.ts';
import type { TrainingService } from '../services/training-service.ts';
import type { AppContext, Calls } from '../app/app-context.ts';
import type { RunManifest } from '../../shared/model-package.ts';
import { describeRun } from '../results/describe-run.ts';
import { isOfTrainable, TASKS } from '../../shared/tasks.ts';

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
    reviewedRuns: () => {
      const { library } = context; // opened now, not before it is needed
      return library.runs
        .all()
        .filter(({ spec }) => canTeach(library.models.get(spec.modelSha256).manifest))
        .toSorted((one, other) => other.id - one.id)
        .map((row) => ({
          run: describeRun(library, row),
          reviewed: library.resultQueries.verified(row.id),
        }));
    },
    showTraining: ({ trainingId }) => trainingService.show(trainingId),
  };
}

/** Whether pictures or boxes of a run of the task have labels that can be learned from. */
const canTeach = (manifest: RunManifest) => isOfTrainable(manifest) || TASKS[manifest.task].hasScores;
