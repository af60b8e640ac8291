import '../support/electron-hooks.ts';
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { AppService } from '../../../electron/core/app-service.ts';
import type { AppEvent } from '../../../electron/shared/app-api.ts';
import type { Run, RunProgress } from '../../../electron/shared/run.ts';
import { app, blockers, Notification } from '../support/electron-double.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { opened } from './page.ts';

const { MainWindow } = await import('../../../electron/main/main-window.ts');
const { pathsOf } = await import('../../../electron/main/app-paths.ts');
const { setupQuit } = await import('../../../electron/main/quit.ts');
const { setupRunSigns } = await import('../../../electron/main/run-signs.ts');
const { chooseLanguage } = await import('../../../electron/main/texts.ts');

const counts = { total: 1200, pending: 900, ok: 299, failed: 1 };
const progress = (phase: RunProgress['phase'], rest: Partial<RunProgress> = {}): AppEvent => ({
  type: 'progress',
  progress: {
    runId: 1,
    phase,
    ...counts,
    blank: 0,
    imagesPerSecond: 10,
    secondsLeft: 90,
    folders: [],
    ...rest,
  },
});
const run = (state: Run['state']): Run => ({
  id: 1,
  spec: {
    folders: ['/pictures'],
    modelName: 'm',
    modelSha256: '',
    device: 'cpu',
    preset: { name: 'fast', tokenKeep: [], blockThreshold: 0.5, precision: 'fp32' },
  },
  state,
  createdAt: '',
  finishedAt: undefined,
  blank: 0,
  notes: [],
  elsewhere: false,
  reason: undefined,
  counts: { total: 1200, pending: 0, ok: 1199, failed: 1 },
});
const ended = (state: Run['state'], error?: string): AppEvent => ({ type: 'ended', run: run(state), error });

/** An app that does what the test says, and a window that shows it. */
function desktop(t: TestContext) {
  const listeners = new Set<(event: AppEvent) => void>();
  const emit = (event: AppEvent) => listeners.forEach((listener) => listener(event));
  const cancelled: number[] = [];
  const service = {
    subscribe: (listener: (event: AppEvent) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    showQueue: () => Promise.resolve({ current: { runId: 1 }, waiting: [] }),
    cancel: ({ runId }: { runId: number }) => Promise.resolve(void cancelled.push(runId)),
    close: () => Promise.resolve(void cancelled.push(0)),
  } as unknown as AppService;
  const window = new MainWindow({ ...pathsOf(temporaryFolder(t)), data: temporaryFolder(t) });
  window.show();
  return { service, window, emit, cancelled };
}

suite('a run outside the window', () => {
  function signs(t: TestContext) {
    const { service, window, emit } = desktop(t);
    setupRunSigns(service, window, chooseLanguage('en', ''));
    return emit;
  }

  test('keeps the computer awake until it ends, once', (t) => {
    const emit = signs(t);
    for (const event of [progress('scanning'), progress('predicting'), progress('predicting')]) emit(event);
    assert.equal(blockers.size, 1);
    emit(progress('done'));
    assert.equal(blockers.size, 0);
    emit(progress('predicting'));
    emit(ended('paused'));
    assert.equal(blockers.size, 0);
    emit(progress('predicting'));
    emit({ type: 'queue', queue: { current: undefined, waiting: [], halted: undefined } });
    assert.equal(blockers.size, 0);
  });

  test('has a bar', (t) => {
    const emit = signs(t);
    for (const event of [progress('scanning'), progress('predicting'), ended('done')]) emit(event);
    assert.deepEqual(opened().bars, [2, 0.25, -1]);
  });

  test('announces its end to who looks elsewhere', (t) => {
    const emit = signs(t);
    const told = () => Notification.shown.splice(0).map(({ options }) => `${options.title}: ${options.body}`);
    told(); // those of other tests
    emit(ended('done'));
    assert.deepEqual(told(), ['Winnow has finished: 1,199 images are labelled; 1 could not be read.']);
    emit(ended('failed', 'The disk is full.'));
    assert.deepEqual(told(), ['Winnow has stopped: The disk is full.']);
    emit(ended('paused'));
    opened().focused = true;
    emit(ended('done'));
    assert.deepEqual(told(), []);
  });
});

suite('quitting', () => {
  test('pauses the run and waits until its images are saved', async (t) => {
    const { service, emit, cancelled } = desktop(t);
    const cleared: string[] = [];
    setupQuit(service, { notice: undefined, clear: () => void cleared.push('running') });
    app.emit('window-all-closed'); // quits where there is no dock
    app.quit();
    while (cancelled.length === 0) await new Promise(setImmediate);
    assert.deepEqual(cancelled, [1]);
    assert.deepEqual(cleared, []);
    emit(ended('paused'));
    while (cleared.length === 0) await new Promise(setImmediate);
    assert.deepEqual(cancelled, [1, 0]);
  });
});
