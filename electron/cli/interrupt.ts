import type { AppService } from '../core/app-service.ts';
import { EXIT } from './exit.ts';
import { RunDisplay } from './run-display.ts';

/**
 * Shows the run that `work` starts, and lets it end early: the first SIGINT or SIGTERM finishes and saves the
 * batches under way, the second quits at once.
 */
export async function watchRun<T>(app: AppService, work: () => Promise<T>): Promise<T> {
  const display = new RunDisplay();
  let runId: number | undefined;
  let interrupted = false;
  const unsubscribe = app.subscribe((event) => {
    if (event.type === 'started') runId = event.plan.run.id;
    display.hear(event);
  });
  const interrupt = () => {
    if (interrupted || runId === undefined) process.exit(EXIT.failed);
    interrupted = true;
    display.finish();
    process.stderr.write('Finishing the images under way; press Ctrl-C again to quit at once.\n');
    app.cancel({ runId }).catch(() => undefined); // the run has just ended by itself
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  try {
    return await work();
  } finally {
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    unsubscribe();
    display.finish();
  }
}
