import type { AppEvent } from '../../../electron/shared/app-api.ts';
import type { FolderPlace, ResultFacets, ResultItem } from '../../../electron/shared/api/results.ts';
import { api } from '../../lib/connection/winnow.svelte.ts';
import { ItemCache } from './item-cache.ts';
import { Latest } from './latest.ts';
import { afterChange, NOTHING_SELECTED, selectThose } from './selection.ts';
import type { Selection } from './selection.ts';
import { viewText } from './result-view.ts';
import type { ResultView } from './result-view.ts';

const REFRESH_MS = 2000; // while a run goes on: a list of 100,000 is not fetched for every batch

/** The images of a run that pass a filter, in order, and how many the run had then. */
export interface Listing {
  ids: Uint32Array;
  total: number;
  view: ResultView;
}

/** What the Results view stands on: the list, its facets, the items on the screen and the selection among them. */
export class ResultList {
  readonly runId: number;
  /** Undefined until the first answer. */
  listing: Listing | undefined = $state.raw();
  facets: ResultFacets | undefined = $state.raw();
  selection: Selection = $state.raw(NOTHING_SELECTED);
  /** Why the last question had no answer. */
  error: unknown = $state.raw();
  #version = $state(0);
  #view: ResultView | undefined;
  /** Folders of the facets that a person has opened. */
  #open: readonly FolderPlace[] = [];
  /** Images that are to be selected once the list is read again. */
  #wanted: readonly number[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** Raised and settled while the list is to stay as it is. */
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

  /** The least score of the view, as arguments have it: none where it is not said. */
  get score(): { minScore?: number } {
    const minScore = this.#view?.filter.minScore;
    return minScore === undefined ? {} : { minScore };
  }

  /** Fetches what this view shows. */
  show(view: ResultView): void {
    if (this.#view !== undefined && viewText(view) === viewText(this.#view)) return;
    const hasOtherScore = view.filter.minScore !== this.#view?.filter.minScore;
    this.#view = view;
    if (hasOtherScore) this.#items.invalidate(); // labels are those at the view's score
    this.refresh();
  }

  /** Counts what lies in these folders, too. */
  openFolders(open: readonly FolderPlace[]): void {
    this.#open = open;
    if (this.listing !== undefined) this.#count.ask(this.listing.view);
  }

  /** Fetches everything again. */
  renew(): void {
    this.#items.invalidate();
    this.refresh();
  }

  /** Selects those of the images that are in the list, now or when what happened to them is in it. */
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

  /** The item of an image as far as it is known; tells the component that reads it when there is a newer one. */
  item(imageId: number): ResultItem | undefined {
    // Reading the version is what tells: the cache itself is not watched, item by item.
    return this.#version < 0 ? undefined : this.#items.get(imageId);
  }

  /**
   * While a person types what the selected images are, the list and the selection stay: a newer list, in which they may
   * not be any more, is shown afterwards.
   */
  hold(isHeld: boolean): void {
    if (isHeld) this.#held ??= Promise.withResolvers();
    else {
      this.#held?.resolve();
      this.#held = undefined;
    }
  }

  /** Names the images on the screen. */
  want(imageIds: readonly number[]): void {
    this.#items.want(imageIds);
  }

  /** Follows the run and its review until the returned function is called. */
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
    this.#count.ask(view); // after the pictures, which are looked at first
  }

  async #countFacets({ filter }: ResultView): Promise<void> {
    this.facets = await api.resultFacets({ runId: this.runId, filter, open: [...this.#open] });
  }
}

const NONE = new Uint32Array();
