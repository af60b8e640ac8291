import { AppError } from '../../../electron/shared/errors.ts';
import { errorText } from '../text/error-text.ts';
import { locale, t } from '../text/i18n.svelte.ts';
import { router } from '../address/router.svelte.ts';

export interface Notice {
  tone: 'info' | 'good' | 'warning' | 'bad';
  message: string;
  hint?: string | undefined;
  details?: string | undefined; // English words behind the message
  /** The way out. */
  action?: { label: string; run: () => void };
}

/**
 * What a notice belongs to, and goes with: a view (its path) and what was tried there last, a run or a training until it
 * goes on or its page is opened, something that is read until it can be read. News belong to nothing; a person who has had
 * time to read them is rid of them with the view.
 */
type Belonging =
  { view: string } | { run: number } | { training: number } | { reading: string } | { news: number };

interface KeptNotice {
  notice: Notice;
  belongs: Belonging;
}

const READING_TIME = 10_000; // milliseconds

class Notices {
  private kept: KeptNotice[] = $state.raw([]);
  /** Messages that the view shows in their place: one each time that it does. */
  private inView: string[] = $state.raw([]);

  /** The notices that the view does not show itself. */
  get elsewhere(): Notice[] {
    return this.kept.map(({ notice }) => notice).filter(({ message }) => !this.inView.includes(message));
  }

  /** Shows a notice of the present view, or of what it belongs to; one with the same message takes its place. */
  add(notice: Notice, belongs: Belonging = { view: router.route.path }): void {
    const others = this.kept.filter((one) => one.notice.message !== notice.message);
    this.kept = [...others, { notice, belongs }];
  }

  /** Shows what nobody asked for. */
  tell(notice: Notice): void {
    this.add(notice, { news: performance.now() });
  }

  /** Something else is tried: what went wrong before is over. */
  beginAction(): void {
    this.forget(({ notice, belongs }) => notice.tone === 'bad' && 'view' in belongs);
  }

  /** What notices belong to goes on, works again or is gone. */
  settle(over: Exclude<Belonging, { view: string } | { news: number }>): void {
    const key = JSON.stringify(over);
    this.forget(({ belongs }) => JSON.stringify(belongs) === key);
  }

  /** Another view is shown. */
  enter(path: string): void {
    this.forget(({ belongs }) => {
      if ('view' in belongs) return belongs.view !== path;
      if ('run' in belongs) return path === `/runs/${belongs.run}`;
      if ('training' in belongs) return path === `/teach/${belongs.training}`;
      return 'news' in belongs && performance.now() - belongs.news > READING_TIME;
    });
  }

  /** Tells that the view shows a message; returns what ends that. */
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

/** A failure as a notice: its sentence, and what to do about it. */
export function noticeOf(error: unknown): Notice {
  return { tone: 'bad', ...errorText(error, locale.language, t) };
}

/**
 * Does something that a person asked for; what goes wrong is shown until something else is tried or another view is. Comes
 * back with undefined then.
 */
export async function attempt<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  notices.beginAction();
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError && error.code === 'CANCELLED') return undefined; // the person knows
    notices.add(noticeOf(error));
    return undefined;
  }
}

/** Reads what the window needs without being asked for it; why that fails is shown until it can be read. */
export async function read<Value>(what: string, work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    const value = await work();
    notices.settle({ reading: what });
    return value;
  } catch (error) {
    // With the connection it is read again.
    if (!(error instanceof AppError && error.code === 'CONNECTION'))
      notices.add(noticeOf(error), { reading: what });
    return undefined;
  }
}
