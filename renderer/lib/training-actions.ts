import type { Training } from '../../electron/shared/api/training.ts';
import { confirm } from './confirm.svelte.ts';
import { format, t } from './i18n.svelte.ts';
import { attempt } from './notices.svelte.ts';
import { trainings } from './trainings.svelte.ts';
import { api } from './winnow.svelte.ts';

/** Comes back when the state is saved; nothing is lost. */
export async function pauseTraining(trainingId: number): Promise<void> {
  await attempt(() => api.pauseTraining({ trainingId }));
}

export async function resumeTraining(trainingId: number): Promise<void> {
  await attempt(() => api.resumeTraining({ trainingId }));
}

/** Forgets a training after the person has confirmed what is lost; one that is under way is paused first. Whether it is gone. */
export async function removeTraining(training: Training): Promise<boolean> {
  const isSure = await confirm({
    title: t('training.remove-title', { name: training.name }),
    text: lossOf(training),
    action: t('run.remove'),
  });
  if (!isSure) return false;
  const isGone = await attempt(async () => {
    if (trainings.current?.id === training.id) await api.pauseTraining({ trainingId: training.id });
    await api.removeTraining({ trainingId: training.id });
    return true;
  });
  trainings.changes++;
  return isGone === true;
}

function lossOf({ model, best, name }: Training): string {
  if (model !== undefined) return t('training.remove-done', { model });
  if (best === undefined) return t('training.remove-begun');
  return t('training.remove-unfinished', { name, epoch: best.epoch, accuracy: format.share(best.top1) });
}
