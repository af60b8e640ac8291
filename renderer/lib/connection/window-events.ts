import { isDenseTask } from '../../../electron/shared/tasks.ts';
import { TRAINING_SCORES } from '../../../electron/shared/training.ts';
import type { AppEvent } from '../../../electron/shared/app-api.ts';
import type { Download } from '../../../electron/shared/api/downloads.ts';
import type { Training } from '../../../electron/shared/api/training.ts';
import { countLabelled } from '../../../electron/shared/run.ts';
import type { MenuCommand } from '../../../electron/shared/window-bridge.ts';
import { announce } from '../state/announcer.svelte.ts';
import { downloads } from '../state/downloads.svelte.ts';
import { newRunAddress } from '../state/folders.svelte.ts';
import { history } from '../state/history.svelte.ts';
import { format, said, t, told } from '../text/i18n.svelte.ts';
import { isTextField } from '../keys/keys.svelte.ts';
import { notices } from '../state/notices.svelte.ts';
import { queue } from '../state/queue.svelte.ts';
import { router } from '../address/router.svelte.ts';
import { trainings } from '../state/trainings.svelte.ts';
import { desktop } from './winnow.svelte.ts';

type Ended = Extract<AppEvent, { type: 'ended' }>;

/** What the whole window does about an event; views listen to what concerns them alone. */
export function hearEvent(event: AppEvent): void {
  switch (event.type) {
    case 'updatingLibrary':
      if (event.isDone) notices.settle({ reading: 'library-update' });
      else
        notices.add(
          { tone: 'info', message: t('shell.updating'), hint: t('shell.updating-hint') },
          { reading: 'library-update' },
        );
      return;
    case 'reviewed':
      history.current = event.history;
      return;
    case 'exporting':
      return; // shown by the view that exports
    case 'importingLabels':
      return; // shown by the view that reads labels
    case 'training':
    case 'trainingStep':
    case 'trainingEpoch':
      tellTrainingEnd(trainings.hear(event));
      return;
    case 'download':
      tellDownloadEnd(downloads.hear(event.download));
      return;
    case 'notice':
      tellNotice(event);
      return;
    case 'ended':
      tellEnd(event);
      break;
    case 'started':
      notices.settle({ run: event.plan.run.id });
      break;
    case 'progress':
    case 'labelled':
    case 'queue':
    case 'scanning':
    case 'calibrating':
      break;
  }
  queue.hear(event);
}

/** A notice about a run stays until the run's page is opened or the run goes on. */
function tellNotice({ message, runId }: Extract<AppEvent, { type: 'notice' }>): void {
  const notice = { tone: 'info', ...told(message) } as const;
  if (runId === undefined) notices.tell(notice);
  else notices.add({ ...notice, action: showRun(runId) }, { run: runId });
}

const showRun = (runId: number) => ({ label: t('run.show'), run: () => router.go(`/runs/${runId}`) });

function tellEnd({ run, error }: Ended): void {
  if (error !== undefined) {
    if (run.state === 'paused') return; // a notice has told already
    if (router.route.path === `/runs/${run.id}`) return; // its page says so
    const message = t('run.ended-failed', { run: run.id, reason: said(error) });
    notices.add({ tone: 'bad', message, action: showRun(run.id) }, { run: run.id });
    return;
  }
  const { failed } = run.counts;
  const ok = countLabelled(run);
  if (run.state !== 'done') return;
  announce(t('run.ended', { run: run.id, ok, failed }));
}

function tellTrainingEnd(training: Training | undefined): void {
  if (training === undefined) return;
  const { id, name, task, state, best, reason = '' } = training;
  const ended = isDenseTask(task) ? 'training.ended-score' : 'training.ended';
  const accuracy = format.share(best?.score ?? 0);
  if (state === 'done') announce(t(ended, { name, accuracy, score: TRAINING_SCORES[task] }));
  if (state !== 'failed' || router.route.path === `/teach/${id}`) return;
  const message = t('training.ended-failed', { name, reason: said(reason) });
  const action = { label: t('training.show'), run: () => router.go(`/teach/${id}`) };
  notices.add({ tone: 'bad', message, action }, { training: id });
}

function tellDownloadEnd(download: Download | undefined): void {
  if (download === undefined) return;
  const { model, phase, error, package: made } = download;
  if (phase === 'done') announce(t('get-model.ended', { name: made ?? model }));
  if (phase !== 'failed' || error === undefined || router.route.path === '/models/get') return;
  const message = t('get-model.ended-failed', { name: model, reason: said(error.message) });
  const action = { label: t('get-model.show-download'), run: () => router.go('/models/get', { model }) };
  notices.add({ tone: 'bad', message, action }, { download: model });
}

/** Carries out a command of the native menu. */
export function hearMenu(command: MenuCommand, showKeys: () => void): void {
  const actions: Record<MenuCommand, () => void> = {
    addFolder: () => router.go('/library', { add: 'folder' }),
    newRun: () => router.go(...newRunAddress()),
    export: () => {
      const [, section, runId] = router.route.path.split('/');
      router.go(section === 'runs' && runId !== undefined ? `/runs/${runId}/export` : '/runs');
    },
    undo: () => changeBack('undo'),
    redo: () => changeBack('redo'),
    settings: () => router.go('/settings'),
    keys: showKeys,
  };
  actions[command]();
}

/**
 * Undo or redo: of the text in a text field (on macOS the menu takes these keys before the field can), else of the
 * reviews.
 */
function changeBack(command: 'undo' | 'redo'): void {
  if (isTextField(document.activeElement)) void desktop?.changeText(command);
  else void history[command]();
}
