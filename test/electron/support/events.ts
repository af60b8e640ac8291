import type { AppService } from '../../../electron/core/app-service.ts';
import type { AppEvent } from '../../../electron/shared/app-api.ts';

/** The next event for which `holds`. */
export function nextEvent(app: AppService, holds: (event: AppEvent) => boolean): Promise<AppEvent> {
  return new Promise((resolve) => {
    const unsubscribe = app.subscribe((event) => {
      if (!holds(event)) return;
      unsubscribe();
      resolve(event);
    });
  });
}

/** When `count` runs of the queue have ended, and what was told of them. */
export async function runsEnded(
  app: AppService,
  count: number,
): Promise<Extract<AppEvent, { type: 'ended' }>[]> {
  const ended: Extract<AppEvent, { type: 'ended' }>[] = [];
  await nextEvent(app, (event) => {
    if (event.type === 'ended') ended.push(event);
    return ended.length === count;
  });
  return ended;
}

/** When nothing of the queue waits or is under way any more. */
export async function queueRests(app: AppService): Promise<void> {
  await nextEvent(
    app,
    (event) =>
      event.type === 'queue' &&
      event.queue.current === undefined &&
      (event.queue.waiting.length === 0 || event.queue.halted !== undefined),
  );
}

/** The notices among some events. */
export function noticesOf(events: readonly AppEvent[]): string[] {
  return events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
}
