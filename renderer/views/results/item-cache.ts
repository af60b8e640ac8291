import type { ResultItem } from '../../../electron/shared/api/results.ts';

const KEPT = 5000; // items kept; a screen shows a few hundred
const AT_ONCE = 400; // ids per request

export interface ItemCacheParts {
  fetch: (imageIds: number[]) => Promise<ResultItem[]>;
  /** Called when there are new items. */
  onChange: () => void;
  onError: (error: unknown) => void;
}

/**
 * Items of the images on the screen. One request is under way at a time; images that were scrolled past before their
 * turn are never requested.
 */
export class ItemCache {
  readonly #parts: ItemCacheParts;
  readonly #items = new Map<number, ResultItem>();
  readonly #stale = new Set<number>(); // requested, but changed since
  #underWay: readonly number[] = [];
  #wanted: readonly number[] = [];
  #busy = false;

  constructor(parts: ItemCacheParts) {
    this.#parts = parts;
  }

  get(imageId: number): ResultItem | undefined {
    return this.#items.get(imageId);
  }

  /** Sets the images on the screen; items that are missing are fetched. */
  want(imageIds: readonly number[]): void {
    this.#wanted = imageIds;
    void this.#fill();
  }

  /**
   * The images have changed (by default all): the old items are shown until the new ones are there. Items under way may
   * be from before the change, and are requested again.
   */
  invalidate(imageIds: Iterable<number> = [...this.#items.keys(), ...this.#underWay]): void {
    for (const imageId of imageIds) {
      if (this.#items.has(imageId) || this.#underWay.includes(imageId)) this.#stale.add(imageId);
    }
    void this.#fill();
  }

  async #fill(): Promise<void> {
    if (this.#busy) return;
    this.#busy = true;
    try {
      for (let missing = this.#missing(); missing.length > 0; missing = this.#missing()) {
        this.#underWay = missing;
        for (const imageId of missing) this.#stale.delete(imageId);
        this.#take(missing, await this.#parts.fetch(missing));
      }
    } catch (error) {
      for (const imageId of this.#underWay) this.#stale.add(imageId);
      this.#parts.onError(error);
    } finally {
      this.#underWay = [];
      this.#busy = false;
    }
  }

  #missing(): number[] {
    return this.#wanted
      .filter((imageId) => !this.#items.has(imageId) || this.#stale.has(imageId))
      .slice(0, AT_ONCE);
  }

  #take(asked: readonly number[], items: readonly ResultItem[]): void {
    for (const item of items) {
      this.#items.delete(item.imageId); // moves it to the end: the oldest are dropped first
      this.#items.set(item.imageId, item);
    }
    // An image that is no longer in the run must not be requested again and again.
    const found = new Set(items.map(({ imageId }) => imageId));
    this.#wanted = this.#wanted.filter((imageId) => !asked.includes(imageId) || found.has(imageId));
    for (const imageId of this.#items.keys()) {
      if (this.#items.size <= KEPT) break;
      this.#items.delete(imageId);
    }
    this.#parts.onChange();
  }
}
