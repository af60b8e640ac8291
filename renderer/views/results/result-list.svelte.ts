import type { AppEvent } from '../../../electron/shared/app-api.ts';
import type { FolderPlace, ResultFacets, ResultItem } from '../../../electron/shared/api/results.ts';
import { api } from '../../lib/connection/winnow.svelte.ts';
import { ItemCache } from './item-cache.ts';
import { Latest } from './latest.ts';
import { afterChange, NOTHING_SELECTED, selectThose } from './selection.ts';
import type { Selection } from './selection.ts';
import { viewText } from './result-view.ts';
import type { ResultView } from './result-view.ts';

const REFRESH_MS = 2000; // during a run, since a list of 100,000 must not be fetched after every batch

/** The images of a run that pass a filter, in order, and the run's total at that time. */
export interface Listing {
  ids: Uint32Array;
  total: number;
  view: ResultView;
}

/** The data of the view Results: the list, its facets, the items on the screen and the selection. */
export class ResultList {
  readonly runId: number;
  /** Undefined until the first answer. */
  listing: Listing | undefined = $state.raw();
  facets: ResultFacets | undefined = $state.raw();
  selection: Selection = $state.raw(NOTHING_SELECTED);
  /** Error of the last request. */
  error: unknown = $state.raw();
  #version = $state(0);
  #view: ResultView | undefined;
  /** Folders of the facets that a person has opened. */
  #open: readonly FolderPlace[] = [];
  /** Images to select when the list has been read again. */
  #wanted: readonly number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Present while the list must not change; resolved when it may again. */
  #held: PromiseWithResolvers<void> | undefined;
  readonly #items: ItemCache;
  readonly #find: Latest<ResultView>;
  readonly #count: Latest<ResultView>;

  constructor(runId: number) {
    this.runId = runId;
    const onError = (error: unknown) => (this.error = error);
    this.#items = new ItemCache({
      fetch: (imageIds) => api.resultItems({ runId, imageIds, ...this.score }),
      onChange: () => this.#version++,
      onError,
    });
    this.#find = new Latest((view) => this.#list(view), onError);
    this.#count = new Latest((view) => this.#countFacets(view), onError);
  }

  /** The ids in order; none until the first answer. */
  get ids(): Uint32Array {
    return this.listing?.ids ?? NONE;
  }

  /** The view's least score, as an argument of calls; empty where it has none. */
  get score(): { minScore?: number } {
    const minScore = this.#view?.filter.minScore;
    return minScore === undefined ? {} : { minScore };
  }

  /** Fetches the list and facets of a view. */
  show(view: ResultView): void {
    if (this.#view !== undefined && viewText(view) === viewText(this.#view)) return;
    const hasOtherScore = view.filter.minScore !== this.#view?.filter.minScore;
    this.#view = view;
    if (hasOtherScore) this.#items.invalidate(); // labels are those at the view's score
    this.refresh();
  }

  /** Counts the subfolders of these folders, too. */
  openFolders(open: readonly FolderPlace[]): void {
    this.#open = open;
    if (this.listing !== undefined) this.#count.ask(this.listing.view);
  }

  /** Fetches everything again. */
  renew(): void {
    this.#items.invalidate();
    this.refresh();
  }

  /** Selects those of the images that are in the list: now, and again when the list has been read anew. */
  select(imageIds: readonly number[]): void {
    this.#wanted = imageIds;
    this.#selectWanted();
    this.refresh();
  }

  #selectWanted(): void {
    this.selection = selectThose(this.#wanted, this.ids) ?? this.selection;
  }

  refresh(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#view !== undefined) this.#find.ask(this.#view);
  }

  /** The item of an image, undefined until fetched; a component that reads it is updated when there is a newer one. */
  item(imageId: number): ResultItem | undefined {
    // Reading the version makes the component depend on it: the items of the cache are not reactive.
    return this.#version < 0 ? undefined : this.#items.get(imageId);
  }

  /**
   * Keeps the list and the selection while a person types a label for the selected images: a newer list, in which they
   * may be missing, is shown afterwards.
   */
  hold(isHeld: boolean): void {
    if (isHeld) this.#held ??= Promise.withResolvers();
    else {
      this.#held?.resolve();
      this.#held = undefined;
    }
  }

  /** Sets the images on the screen. */
  want(imageIds: readonly number[]): void {
    this.#items.want(imageIds);
  }

  /** Follows the run's events and reviews until the returned function is called. */
  follow(): () => void {
    const end = api.subscribe((event) => this.#hear(event));
    return () => {
      end();
      this.hold(false);
      clearTimeout(this.#timer);
    };
  }

  #hear(event: AppEvent): void {
    if (event.type === 'reviewed') {
      this.#items.invalidate(event.imageIds);
      this.refresh();
    } else if (event.type === 'labelled' && event.runId === this.runId) {
      this.#refreshSoon();
    } else if (event.type === 'progress' && event.progress.runId === this.runId) {
      this.#refreshSoon();
    } else if (event.type === 'ended' && event.run.id === this.runId) {
      this.#items.invalidate();
      this.refresh();
    }
  }

  #refreshSoon(): void {
    this.#timer ??= setTimeout(() => {
      this.#items.invalidate();
      this.refresh();
    }, REFRESH_MS);
  }

  async #list(view: ResultView): Promise<void> {
    const { imageIds, total } = await api.findImages({ runId: this.runId, ...view });
    await this.#held?.promise;
    this.selection = afterChange(this.selection, this.ids, imageIds);
    this.listing = { ids: imageIds, total, view };
    this.#selectWanted();
    this.#wanted = [];
    this.error = undefined;
    this.#count.ask(view); // after the list, since pictures are looked at first
  }

  async #countFacets({ filter }: ResultView): Promise<void> {
    this.facets = await api.resultFacets({ runId: this.runId, filter, open: [...this.#open] });
  }
}

const NONE = new Uint32Array();
