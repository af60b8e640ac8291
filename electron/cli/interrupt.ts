import type { AppService } from '../core/app-service.ts';
import { EXIT } from './exit.ts';
import { RunDisplay } from './run-display.ts';
import { tell } from './terminal.ts';

/** How a command ends early. */
interface Ending {
  announcement: string;
  /** Undefined as long as there is nothing to end. */
  cancel: (() => Promise<unknown>) | undefined;
}

/**
 * Shows the run that `work` starts, and lets it end early: the first SIGINT or SIGTERM finishes and saves the
 * batches under way, the second quits at once.
 */
export async function watchRun<T>(app: AppService, work: () => Promise<T>): Promise<T> {
  const announcement = 'Finishing the images under way; press Ctrl-C again to quit at once.';
  const ending: Ending = { announcement, cancel: undefined };
  const unsubscribe = app.subscribe((event) => {
    if (event.type !== 'started') return;
    const runId = event.plan.run.id;
    ending.cancel = () => app.cancel({ runId });
  });
  return watchUntilEnd(app, work, ending).finally(unsubscribe);
}

/** The same for a calibration, which keeps nothing when it ends early. */
export function watchCalibration<T>(app: AppService, work: () => Promise<T>): Promise<T> {
  const announcement = 'Stopping after the images under way; press Ctrl-C again to quit at once.';
  return watchUntilEnd(app, work, { announcement, cancel: () => app.cancelCalibration({}) });
}

/** The same for what writes files: an export that ends early leaves none, a sorting says how to undo it. */
export function watchExport<T>(app: AppService, work: () => Promise<T>): Promise<T> {
  const announcement = 'Stopping; press Ctrl-C again to quit at once.';
  return watchUntilEnd(app, work, { announcement, cancel: () => app.cancelExport({}) });
}

/** The same for labels that are read, of which nothing comes in when it ends early. */
export function watchLabels<T>(app: AppService, work: () => Promise<T>): Promise<T> {
  const announcement = 'Stopping; press Ctrl-C again to quit at once.';
  return watchUntilEnd(app, work, { announcement, cancel: () => app.cancelLabels({}) });
}

/** Shows what `work` tells of itself, and ends it early when a person wants so. */
export async function watchUntilEnd<T>(app: AppService, work: () => Promise<T>, ending: Ending): Promise<T> {
  const display = new RunDisplay();
  let interrupted = false;
  const unsubscribe = app.subscribe((event) => display.hear(event));
  const interrupt = () => {
    if (interrupted || ending.cancel === undefined) process.exit(EXIT.failed);
    interrupted = true;
    display.finish();
    tell(`${ending.announcement}\n`);
    ending.cancel().catch(() => undefined); // it has just ended by itself
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
