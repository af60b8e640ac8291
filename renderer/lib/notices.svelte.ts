import { AppError } from '../../electron/shared/errors.ts';

export interface Notice {
  tone: 'info' | 'good' | 'warning' | 'bad';
  message: string;
  hint?: string | undefined;
  /** The way out. */
  action?: { label: string; run: () => void };
}

class Notices {
  list: Notice[] = $state.raw([]);
  /** Messages that the view shows in their place: one each time that it does. */
  private inView: string[] = $state.raw([]);

  /** The notices that the view does not show itself. */
  get elsewhere(): Notice[] {
    return this.list.filter(({ message }) => !this.inView.includes(message));
  }

  /** Shows a notice until it is dismissed; one with the same message takes its place. */
  add(notice: Notice): void {
    this.list = [...this.list.filter(({ message }) => message !== notice.message), notice];
  }

  /** Tells that the view shows a message; returns what ends that. */
  showInView(message: string): () => void {
    this.inView = [...this.inView, message];
    return () => {
      const index = this.inView.indexOf(message);
      this.inView = this.inView.toSpliced(index, 1);
    };
  }

  /** Takes away what was good news when it came. */
  forgetGood(): void {
    this.list = this.list.filter(({ tone }) => tone !== 'good');
  }

  dismiss(notice: Notice): void {
    this.list = this.list.filter((other) => other !== notice);
  }
}

export const notices = new Notices();

/** A failure as a notice: its sentence, and what to do about it. */
export function noticeOf(error: unknown): Notice {
  if (!(error instanceof Error)) return { tone: 'bad', message: String(error) };
  const message = error.message.replace(/[.!?]?$/, '.');
  return { tone: 'bad', message, hint: error instanceof AppError ? error.hint : undefined };
}

/** Does something that a person asked for; what goes wrong is shown. Comes back with undefined then. */
export async function attempt<Value>(work: () => Promise<Value>): Promise<Value | undefined> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AppError && error.code === 'CANCELLED') return undefined; // the person knows
    notices.add(noticeOf(error));
    return undefined;
  }
}
