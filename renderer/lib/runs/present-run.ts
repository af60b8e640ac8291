import type { Run } from '../../../electron/shared/run.ts';
import { queue } from '../state/queue.svelte.ts';

/**
 * A run as it is now: the whole run of its last event, where there is one, in place of the one that was read, so that
 * all figures of a view are of the same moment.
 */
export function presentRun(run: Run): Run {
  const { current, waiting } = queue;
  if (current?.runId === run.id) {
    const { total, pending, ok, failed, blank } = current;
    const state = current.phase === 'scanning' ? 'scanning' : 'running';
    return { ...run, state, counts: { total, pending, ok, failed }, blank };
  }
  return waiting.some(({ id }) => id === run.id) ? { ...run, state: 'queued' } : run;
}
