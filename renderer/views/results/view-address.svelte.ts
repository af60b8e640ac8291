import type { ResultFilter, ResultSort } from '../../../electron/shared/api/results.ts';
import { router } from '../../lib/address/router.svelte.ts';
import { parseViewText, readView, viewText, writeView } from './result-view.ts';
import type { ResultView } from './result-view.ts';

const SETTLE_MS = 400; // after the last change, before a slider's value is written into the address

/**
 * The view of an address, and changes to it. A continuous change, such as dragging a slider, takes effect at once and is
 * written into the address when it has come to rest, so that Back leads to the view before it.
 */
export class ViewAddress {
  readonly #path: string;
  #draft: ResultView | undefined = $state.raw();
  #timer: ReturnType<typeof setTimeout> | undefined;
  // Through its text, so that other changes of the address, such as the large image, do not make a new view.
  readonly #text = $derived(viewText(readView(router.route.query)));
  readonly #written: ResultView = $derived(parseViewText(this.#text));

  constructor(path: string) {
    this.#path = path;
  }

  get view(): ResultView {
    return this.#draft ?? this.#written;
  }

  /** The image that is shown large. */
  get imageId(): number | undefined {
    const imageId = Number(router.route.query['image']);
    return Number.isInteger(imageId) && imageId > 0 ? imageId : undefined;
  }

  filter(filter: ResultFilter, done: boolean): void {
    this.#change({ ...this.view, filter }, done);
  }

  /** `comparedWith`: the other run of the sort `disagreement`. */
  sort(sort: ResultSort, comparedWith?: number): void {
    const { filter } = this.view;
    this.#change({ filter, sort, ...(comparedWith !== undefined && { comparedWith }) }, true);
  }

  /** Shows an image large; Back closes it. */
  open(imageId: number): void {
    this.#settle();
    const query = { ...writeView(this.view), image: String(imageId) };
    if (this.imageId === undefined) router.go(this.#path, query);
    else router.replace(this.#path, query);
  }

  close(): void {
    router.replace(this.#path, writeView(this.view));
  }

  #change(view: ResultView, done: boolean): void {
    clearTimeout(this.#timer);
    this.#draft = view;
    if (done) this.#settle();
    else this.#timer = setTimeout(() => this.#settle(), SETTLE_MS);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    const view = this.#draft;
    if (view === undefined) return;
    const { image } = router.route.query;
    router.go(this.#path, { ...writeView(view), ...(image === undefined ? {} : { image }) });
    this.#draft = undefined;
  }
}
