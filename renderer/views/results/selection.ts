import { IdSet } from '../../../electron/shared/id-set.ts';

/** What is selected among the images of a list, and where the keyboard is. Images are named by their ids. */
export interface Selection {
  readonly ids: ReadonlySet<number>;
  readonly cursor: number | undefined;
  /** Where a range that shift extends begins. */
  readonly anchor: number | undefined;
}

export const NOTHING_SELECTED: Selection = { ids: new Set(), cursor: undefined, anchor: undefined };

export function selectOnly(imageId: number): Selection {
  return { ids: new Set([imageId]), cursor: imageId, anchor: imageId };
}

/** Those of the images that are in the list, the first of them with the cursor; undefined when none is. */
export function selectThose(imageIds: readonly number[], order: Uint32Array): Selection | undefined {
  const here = new Set(order);
  const ids = imageIds.filter((imageId) => here.has(imageId));
  const [cursor] = ids;
  return cursor === undefined ? undefined : { ids: new Set(ids), cursor, anchor: cursor };
}

/** Adds the image, or takes it away. */
export function toggle(selection: Selection, imageId: number): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(imageId)) ids.add(imageId);
  return { ids, cursor: imageId, anchor: imageId };
}

/** Everything from the anchor to the image, in the order of the list. */
export function extendTo(selection: Selection, imageId: number, order: Uint32Array): Selection {
  const anchor = selection.anchor ?? selection.cursor ?? imageId;
  const [from, to] = [order.indexOf(anchor), order.indexOf(imageId)];
  if (to < 0) return selection;
  if (from < 0) return selectOnly(imageId);
  const ids = new Set(order.subarray(Math.min(from, to), Math.max(from, to) + 1));
  return { ids, cursor: imageId, anchor };
}

export function selectAll(selection: Selection, order: Uint32Array): Selection {
  const cursor = selection.cursor ?? order[0];
  return { ids: new Set(order), cursor, anchor: cursor };
}

/** The first of `open` after the cursor, from the start again when there is none; never the cursor itself. */
export function nextOpen(order: Uint32Array, cursor: number, open: Uint32Array): number | undefined {
  const wanted = new IdSet(open);
  const at = order.indexOf(cursor);
  const isNext = (imageId: number) => imageId !== cursor && wanted.has(imageId);
  return order.subarray(at + 1).find(isNext) ?? order.find(isNext);
}

/** Nothing but the place of the keyboard stays. */
export function selectNone({ cursor }: Selection): Selection {
  return { ids: new Set(), cursor, anchor: cursor };
}

/**
 * The selection when the list has become another: images that left it are no longer selected, and the cursor goes to the
 * image that took the place of one that left.
 */
export function afterChange(selection: Selection, before: Uint32Array, now: Uint32Array): Selection {
  const { cursor } = selection;
  if (cursor === undefined) return selection;
  const here = new IdSet(now); // a Set of a million numbers takes longer than a frame
  const next = here.has(cursor) ? cursor : now[Math.min(Math.max(0, before.indexOf(cursor)), now.length - 1)];
  const kept = [...selection.ids].filter((imageId) => here.has(imageId));
  // The one selected image left the list: what took its place is selected in its stead.
  const moves = kept.length === 0 && selection.ids.size === 1 && next !== undefined;
  const anchor = selection.anchor !== undefined && here.has(selection.anchor) ? selection.anchor : next;
  return { ids: new Set(moves ? [next] : kept), cursor: next, anchor };
}
