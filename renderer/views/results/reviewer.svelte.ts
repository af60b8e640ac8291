import type { Verdict } from '../../../electron/shared/api/review.ts';
import type { ImageDetails } from '../../../electron/shared/api/results.ts';
import { announce } from '../../lib/state/announcer.svelte.ts';
import { said, t } from '../../lib/text/i18n.svelte.ts';
import { attempt } from '../../lib/state/notices.svelte.ts';
import { api } from '../../lib/connection/winnow.svelte.ts';
import type { ResultList } from './result-list.svelte.ts';
import { nextOpen, selectOnly } from './selection.ts';

export interface ReviewerParts {
  list: ResultList;
  /** Least score of the detections that are accepted with an image: those that are shown. */
  minScore: () => number;
  /** Saves unsaved changes of boxes before a verdict. */
  settle: () => Promise<void>;
}

/**
 * The review of the images selected in a list. Verdicts are queued: one that is given while another is being saved is
 * about the image that the cursor goes on to after that one, as the person who typed ahead meant it.
 */
export class Reviewer {
  readonly #list: ResultList;
  readonly #parts: ReviewerParts;
  #turn: Promise<void> = Promise.resolve();

  constructor(parts: ReviewerParts) {
    this.#list = parts.list;
    this.#parts = parts;
  }

  /** The images that a verdict is about: the selected ones, else the one with the cursor. */
  get targets(): number[] {
    const { ids, cursor } = this.#list.selection;
    if (ids.size > 0) return [...ids];
    return cursor === undefined ? [] : [cursor];
  }

  /** Verifies the targets' labels; after a single one the cursor goes to the next image that is unverified. */
  accept(): Promise<void> {
    return this.#inTurn(() => this.#judge({ kind: 'accept' }, true));
  }

  relabel(label: string): Promise<void> {
    return this.#inTurn(() => this.#judge({ kind: 'label', label }, true));
  }

  /** Gives the single target the model's label of this rank, from 1. */
  choose(rank: number): Promise<void> {
    return this.#inTurn(async () => {
      const [imageId, ...others] = this.targets;
      if (imageId === undefined || others.length > 0) return;
      const label = (await this.#show(imageId))?.top[rank - 1]?.label;
      if (label !== undefined) await this.#judge({ kind: 'label', label }, true, [imageId]);
    });
  }

  /** Takes over the label that a person gave the single target among other classes; does nothing without one. */
  takeSuggestion(): Promise<void> {
    return this.#inTurn(async () => {
      const [imageId, ...others] = this.targets;
      if (imageId === undefined || others.length > 0) return;
      const suggestion = (await this.#show(imageId))?.suggestion;
      if (suggestion === undefined) return;
      const { label, boxes } = suggestion;
      await this.#judge(boxes ? { kind: 'boxes', boxes } : { kind: 'label', label }, true, [imageId]);
    });
  }

  #show(imageId: number): Promise<ImageDetails | undefined> {
    const minScore = this.#parts.minScore();
    return attempt(() => api.showImage({ runId: this.#list.runId, imageId, minScore }));
  }

  /** Removes the review of the targets. */
  clear(): Promise<void> {
    return this.#inTurn(() => this.#judge({ kind: 'clear' }, false));
  }

  #inTurn(work: () => Promise<void>): Promise<void> {
    this.#turn = this.#turn.then(work, work);
    return this.#turn;
  }

  async #judge(verdict: Verdict, goesOn: boolean, imageIds = this.targets): Promise<void> {
    if (imageIds.length === 0) return;
    const { runId } = this.#list;
    await this.#parts.settle();
    const minScore = this.#parts.minScore();
    const change = await attempt(() => api.review({ runId, imageIds, verdict, minScore }));
    if (change === undefined) return;
    announce(said(change.description));
    const [imageId, ...others] = imageIds;
    // The cursor goes on only if the person has not moved it meanwhile.
    if (goesOn && others.length === 0 && imageId === this.#list.selection.cursor) await this.#goOn();
  }

  /** Goes to the next image of the list without a review, from the start again when none follows the cursor. */
  async #goOn(): Promise<void> {
    const { ids: order, listing, runId, selection } = this.#list;
    const { cursor } = selection;
    if (listing === undefined || cursor === undefined) return;
    const { view } = listing;
    const status = view.filter.status ?? 'ok';
    // These filters contain verified images, too: the next one is sought among the unverified ones of the list.
    const isOpen = status === 'ok' || status === 'labelled' || status === 'blank';
    const filter = { ...view.filter, status: isOpen ? ('unverified' as const) : status };
    const found = await attempt(() => api.findImages({ runId, ...view, filter }));
    if (found === undefined) return;
    const next = nextOpen(order, cursor, found.imageIds);
    if (next === undefined) announce(t('review.all-verified'));
    else this.#list.selection = selectOnly(next);
  }
}
