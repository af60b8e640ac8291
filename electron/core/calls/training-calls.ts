import type { trainingArguments } from '../../shared/api/training.ts';
import type { TrainingDesk } from '../training/training-desk.ts';
import type { Calls } from './app-context.ts';

export function trainingCalls(desk: TrainingDesk): Calls<keyof typeof trainingArguments> {
  return {
    prepareTraining: (request) => desk.prepare(request),
    startTraining: (request) => desk.start(request),
    pauseTraining: ({ trainingId }) => desk.pause(trainingId),
    resumeTraining: ({ trainingId, threads }) => desk.resume(trainingId, threads),
    removeTraining: async ({ trainingId }) => {
      await desk.remove(trainingId);
      return undefined;
    },
    listTrainings: () => desk.list(),
    showTraining: ({ trainingId }) => desk.show(trainingId),
  };
}
