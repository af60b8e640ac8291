import type { Training } from '../../../electron/shared/api/training.ts';
import { confirm } from '../state/confirm.svelte.ts';
import { format, t } from '../text/i18n.svelte.ts';
import { attempt, notices } from '../state/notices.svelte.ts';
import { trainings } from '../state/trainings.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

/** Pauses a training; resolves when its state is saved. */
export async function pauseTraining(trainingId: number): Promise<void> {
  await attempt(() => api.pauseTraining({ trainingId }));
}

export async function resumeTraining(trainingId: number): Promise<void> {
  await attempt(() => api.resumeTraining({ trainingId }));
}

/** Forgets a training after confirmation; one under way is paused first. Resolves to whether it is gone. */
export async function removeTraining(training: Training): Promise<boolean> {
  const { id: trainingId } = training;
  const question = {
    title: t('training.remove-title', { name: training.name }),
    text: lossOf(training),
    action: t('library.remove'),
  };
  const isOwn = trainings.current?.id === trainingId && !trainings.current.elsewhere;
  const isSure = await confirm(question, async () => {
    if (!isOwn) await api.removeTraining({ trainingId, onlyCheck: true });
  });
  if (!isSure) return false;
  const isGone = await attempt(async () => {
    if (isOwn) await api.pauseTraining({ trainingId });
    await api.removeTraining({ trainingId });
    return true;
  });
  trainings.changes++;
  if (isGone === true) notices.settle({ training: trainingId });
  return isGone === true;
}

function lossOf({ model, best, name }: Training): string {
  if (model !== undefined) return t('training.remove-done', { model });
  if (best === undefined) return t('training.remove-begun');
  return t('training.remove-unfinished', { name, epoch: best.epoch, accuracy: format.share(best.score) });
}
