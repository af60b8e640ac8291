import type { AppService } from '../core/app-service.ts';
import type { Training } from '../shared/api/training.ts';
import { watchUntilEnd } from './interrupt.ts';

/** Shows how pictures are read for a training that is only planned: nothing is there to be saved, so SIGINT quits at once. */
export function watchPreparation<T>(app: AppService, work: () => Promise<T>): Promise<T> {
  return watchUntilEnd(app, work, { announcement: '', cancel: undefined });
}

/**
 * Shows a training from `start`, which comes back at once, to its end, and lets it end early: the first SIGINT or SIGTERM
 * saves its state, the second quits at once. Gives the training as it ended.
 */
export function watchTraining(app: AppService, start: () => Promise<Training>): Promise<Training> {
  const ended = Promise.withResolvers<Training>();
  let trainingId: number | undefined;
  const unsubscribe = app.subscribe((event) => {
    if (event.type !== 'training') return;
    trainingId = event.training.id;
    if (isOver(event.training)) ended.resolve(event.training);
  });
  const work = async () => {
    const started = await start();
    trainingId = started.id;
    return isOver(started) ? started : ended.promise;
  };
  const cancel = async () => {
    if (trainingId !== undefined) ended.resolve(await app.pauseTraining({ trainingId }));
  };
  const announcement = 'Saving the state of the training; press Ctrl-C again to quit at once.';
  return watchUntilEnd(app, work, { announcement, cancel }).finally(unsubscribe);
}

function isOver({ state }: Training): boolean {
  return state === 'done' || state === 'failed' || state === 'paused';
}
