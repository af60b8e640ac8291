import { AppError } from '../../../electron/shared/errors.ts';
import { errorText } from '../text/error-text.ts';
import { locale, t } from '../text/i18n.svelte.ts';
import { router } from '../address/router.svelte.ts';

export interface Notice {
  tone: 'info' | 'good' | 'warning' | 'bad';
  message: string;
  hint?: string | undefined;
  details?: string | undefined; // the English sentence, where the message is in another language
  /** A button that helps. */
  action?: { label: string; run: () => void };
}

/**
 * What a notice is about, and until when it is shown: a view (its path) until it is left or something else is tried
 * there; a run or a training until it goes on or its page is opened; something that could not be read until it can be.
 * News are about none of these: they go when the view is left, if there was time to read them. `news` is when they were
 * shown, by performance.now().
 */
type Belonging =
  | { view: string }
  | { run: number }
  | { training: number }
  | { download: string }
  | { reading: string }
  | { news: number };

interface KeptNotice {
  notice: Notice;
  belongs: Belonging;
}

const READING_TIME = 10_000; // milliseconds that news stay at least

class Notices {
  private kept: KeptNotice[] = $state.raw([]);
  /** Messages that the view shows itself, once for each place that does. */
  private inView: string[] = $state.raw([]);

  /** The notices that the view does not show itself. */
  get elsewhere(): Notice[] {
    return this.kept.map(({ notice }) => notice).filter(({ message }) => !this.inView.includes(message));
  }

  /** Shows a notice, by default one of the present view; it replaces one with the same message. */
  add(notice: Notice, belongs: Belonging = { view: router.route.path }): void {
    const others = this.kept.filter((one) => one.notice.message !== notice.message);
    this.kept = [...others, { notice, belongs }];
  }

  /** Shows news: a notice that is no answer to an action. */
  tell(notice: Notice): void {
    this.add(notice, { news: performance.now() });
  }

  /** Removes the failures of earlier actions: something else is tried now. */
  beginAction(): void {
    this.forget(({ notice, belongs }) => notice.tone === 'bad' && 'view' in belongs);
  }

  /** Removes the notices of something that goes on, works again or is gone. */
  settle(over: Exclude<Belonging, { view: string } | { news: number }>): void {
    const key = JSON.stringify(over);
    this.forget(({ belongs }) => JSON.stringify(belongs) === key);
  }

  /** Removes the notices that go with the view when another one is shown. */
  enter(path: string): void {
    this.forget(({ belongs }) => {
      if ('view' in belongs) return belongs.view !== path;
      if ('run' in belongs) return path === `/runs/${belongs.run}`;
      if ('training' in belongs) return path === `/teach/${belongs.training}`;
      return 'news' in belongs && performance.now() - belongs.news > READING_TIME;
    });
  }

  /** Marks a message as shown by the view itself; returns the function that ends it. */
  showInView(message: string): () => void {
    this.inView = [...this.inView, message];
    return () => {
      const index = this.inView.indexOf(message);
      this.inView = this.inView.toSpliced(index, 1);
    };
  }

  dismiss(notice: Notice): void {
    this.forget((one) => one.notice === notice);
  }

  private forget(isOver: (one: KeptNotice) => boolean): void {
    if (this.kept.some(isOver)) this.kept = this.kept.filter((one) => !isOver(one));
  }
}

export const notices = new Notices();

/** An error as a notice: its sentence, and what to do about it. */
export function noticeOf(error: unknown): Notice {
  return { tone: 'bad', ...errorText(error, locale.language, t) };
}

/**
 * Does something that a person asked for. An error is shown until something else is tried or another view is opened;
 * it resolves to undefined then.
 */
export async function attempt<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  notices.beginAction();
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError && error.code === 'CANCELLED') return undefined; // the person did it
    notices.add(noticeOf(error));
    return undefined;
  }
}

/** Reads what the window needs by itself; an error is shown until it can be read. Resolves to undefined then. */
export async function read<Value>(what: string, work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    const value = await work();
    notices.settle({ reading: what });
    return value;
  } catch (error) {
    // It is read again when the connection is back.
    if (!(error instanceof AppError && error.code === 'CONNECTION'))
      notices.add(noticeOf(error), { reading: what });
    return undefined;
  }
}
