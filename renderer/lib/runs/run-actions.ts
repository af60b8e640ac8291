import type { Run } from '../../../electron/shared/run.ts';
import { confirm } from '../state/confirm.svelte.ts';
import { t } from '../text/i18n.svelte.ts';
import { attempt, notices } from '../state/notices.svelte.ts';
import { queue } from '../state/queue.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

/** Pauses a run after the batches under way; it can be resumed. Resolves to whether it will be paused. */
export async function pauseRun(runId: number): Promise<boolean> {
  const isPausing = await attempt(async () => {
    await api.cancel({ runId });
    return true;
  });
  return isPausing === true;
}

export async function resumeRun(runId: number): Promise<void> {
  await attempt(() => api.queueResume({ runId }));
}

/** Takes a waiting run out of the queue. */
export async function leaveQueue(runId: number): Promise<void> {
  const state = await attempt(() => api.leaveQueue({ runId }));
  if (state) queue.use(state);
}

/** Moves a waiting run by `step` positions, later when positive. */
export async function moveInQueue(runId: number, step: number): Promise<void> {
  const present = queue.waiting.findIndex(({ id }) => id === runId);
  const position = Math.min(queue.waiting.length - 1, Math.max(0, present + step));
  if (present === -1 || position === present) return;
  const state = await attempt(() => api.moveInQueue({ runId, position }));
  if (state) queue.use(state);
}

/** Forgets a run after the person has confirmed it; one under way is ended first. Resolves to whether it is gone. */
export async function removeRun({ id, counts }: Run): Promise<boolean> {
  const results = counts.ok + counts.failed;
  const question = {
    title: t('run.remove-title', { run: id }),
    text: t('run.remove-text', { results }),
    action: t('library.remove'),
  };
  const endsFirst = queue.current?.runId === id;
  const isSure = await confirm(question, async () => {
    if (!endsFirst) await api.removeRun({ runId: id, onlyCheck: true });
  });
  if (!isSure) return false;
  const isGone = await attempt(async () => {
    await endRun(id);
    await api.removeRun({ runId: id });
    return true;
  });
  queue.changes++;
  if (isGone === true) notices.settle({ run: id });
  return isGone === true;
}

/** Resolves when the run is neither under way nor waiting. */
async function endRun(runId: number): Promise<void> {
  if (queue.waiting.some(({ id }) => id === runId)) queue.use(await api.leaveQueue({ runId }));
  if (queue.current?.runId !== runId) return;
  const ended = new Promise<void>((resolve) => {
    const unsubscribe = api.subscribe((event) => {
      if (event.type !== 'ended' || event.run.id !== runId) return;
      unsubscribe();
      resolve();
    });
  });
  await api.cancel({ runId });
  await ended;
}
