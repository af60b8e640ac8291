import type { ReviewChange, ReviewHistory } from '../../../electron/shared/api/review.ts';
import { announce } from './announcer.svelte.ts';
import { said, t } from '../text/i18n.svelte.ts';
import { attempt, read } from './notices.svelte.ts';
import { api } from '../connection/winnow.svelte.ts';

class History {
  /** What undo and redo would do. */
  current: ReviewHistory = $state.raw({ undo: undefined, redo: undefined });

  /** The images of the last undo or redo. */
  moved: readonly number[] | undefined = $state.raw();

  async load(): Promise<void> {
    const history = await read('history', () => api.reviewHistory({}));
    if (history) this.current = history;
  }

  /** Undoes the last change of the review. */
  async undo(): Promise<void> {
    this.tell(await attempt(() => api.undoReview({})), 'history.undone', 'history.nothing-to-undo');
  }

  async redo(): Promise<void> {
    this.tell(await attempt(() => api.redoReview({})), 'history.redone', 'history.nothing-to-redo');
  }

  private tell(
    change: ReviewChange | undefined,
    done: 'history.undone' | 'history.redone',
    nothing: 'history.nothing-to-undo' | 'history.nothing-to-redo',
  ): void {
    if (change) [this.current, this.moved] = [change.history, change.imageIds];
    announce(change ? t(done, { change: said(change.description) }) : t(nothing));
  }
}

export const history = new History();
