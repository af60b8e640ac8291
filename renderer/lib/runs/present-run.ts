import type { Run } from '../../../electron/shared/run.ts';
import { queue } from '../state/queue.svelte.ts';

/**
 * A run as it is now: what the last event told of it comes before what was read of it, whole, so that every figure of a
 * view is of the same moment.
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
