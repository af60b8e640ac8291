import { Notification, powerSaveBlocker } from 'electron';
import type { AppService } from '../core/app-service.ts';
import type { AppEvent } from '../shared/app-api.ts';
import { countLabelled } from '../shared/run.ts';
import type { Run, RunProgress } from '../shared/run.ts';
import type { MainWindow } from './main-window.ts';
import type { Language } from './texts.ts';

const NO_BAR = -1; // what setProgressBar takes for none
const UNKNOWN = 2; // and for progress of unknown length

/** Shows a run outside the window: the computer stays awake, the taskbar has a bar, the end is announced. */
export function setupRunSigns(service: AppService, window: MainWindow, language: Language): void {
  const signs = new RunSigns(window, language);
  service.subscribe((event) => signs.hear(event));
}

class RunSigns {
  readonly #window: MainWindow;
  readonly #language: Language;
  #blocker: number | undefined;

  constructor(window: MainWindow, language: Language) {
    this.#window = window;
    this.#language = language;
  }

  hear(event: AppEvent): void {
    if (event.type === 'progress') this.#show(event.progress);
    else if (event.type === 'ended') this.#end(event.run, event.error);
    else if (event.type === 'queue' && event.queue.current === undefined) this.#rest();
  }

  #show({ phase, total, pending }: RunProgress): void {
    if (phase === 'done') {
      this.#rest();
      return;
    }
    this.#blocker ??= powerSaveBlocker.start('prevent-app-suspension');
    const isCounted = phase === 'predicting' && total > 0;
    this.#window.browserWindow?.setProgressBar(isCounted ? (total - pending) / total : UNKNOWN);
  }

  #end(run: Run, error: string | undefined): void {
    this.#rest();
    const { state, counts } = run;
    const isOver = state === 'done' || state === 'failed';
    if (!isOver || this.#window.browserWindow?.isFocused() === true || !Notification.isSupported()) return;
    const { texts, locale } = this.#language;
    const body = error ?? texts.labelled(countLabelled(run).toLocaleString(locale), counts.failed);
    const notification = new Notification({ title: state === 'done' ? texts.done : texts.failed, body });
    notification.on('click', () => this.#window.show());
    notification.show();
  }

  #rest(): void {
    if (this.#blocker !== undefined) powerSaveBlocker.stop(this.#blocker);
    this.#blocker = undefined;
    this.#window.browserWindow?.setProgressBar(NO_BAR);
  }
}
