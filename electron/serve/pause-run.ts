import type { AppApi } from '../shared/app-api.ts';
import { AppError } from '../shared/errors.ts';

const LONGEST_WAIT = 30_000; // milliseconds for the batches under way

/** Before Winnow ends: pauses the run under way, and ends when it has saved its batches or takes too long for that. */
export async function pauseRun(app: AppApi): Promise<void> {
  const { current } = await app.showQueue({});
  if (current === undefined) return;
  const { promise: ended, resolve } = Promise.withResolvers<unknown>();
  const timer = setTimeout(resolve, LONGEST_WAIT);
  const unsubscribe = app.subscribe((event) => {
    if (event.type === 'ended' && event.run.id === current.runId) resolve(undefined);
  });
  try {
    await app.cancel({ runId: current.runId });
    await ended;
  } catch (error) {
    if (!(error instanceof AppError && error.code === 'NOT_FOUND')) throw error; // it has just ended by itself
  } finally {
    clearTimeout(timer);
    unsubscribe();
  }
}
