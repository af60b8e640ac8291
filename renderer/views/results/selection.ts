import { IdSet } from '../../../electron/shared/id-set.ts';

/** The selected images of a list, and the one with the keyboard's cursor, by their ids. */
export interface Selection {
  readonly ids: ReadonlySet<number>;
  readonly cursor: number | undefined;
  /** Start of a range that is extended with Shift. */
  readonly anchor: number | undefined;
}

export const NOTHING_SELECTED: Selection = { ids: new Set(), cursor: undefined, anchor: undefined };

export function selectOnly(imageId: number): Selection {
  return { ids: new Set([imageId]), cursor: imageId, anchor: imageId };
}

/** Selects those of the images that are in the list, with the cursor on the first; undefined when none is. */
export function selectThose(imageIds: readonly number[], order: Uint32Array): Selection | undefined {
  const here = new Set(order);
  const ids = imageIds.filter((imageId) => here.has(imageId));
  const [cursor] = ids;
  return cursor === undefined ? undefined : { ids: new Set(ids), cursor, anchor: cursor };
}

/** Adds the image to the selection, or removes it. */
export function toggle(selection: Selection, imageId: number): Selection {
  const ids = new Set(selection.ids);
  if (!ids.delete(imageId)) ids.add(imageId);
  return { ids, cursor: imageId, anchor: imageId };
}

/** Selects all images from the anchor to the image, in the order of the list. */
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

/** The first image of `open` after the cursor, else from the start of the list; never the cursor itself. */
export function nextOpen(order: Uint32Array, cursor: number, open: Uint32Array): number | undefined {
  const wanted = new IdSet(open);
  const at = order.indexOf(cursor);
  const isNext = (imageId: number) => imageId !== cursor && wanted.has(imageId);
  return order.subarray(at + 1).find(isNext) ?? order.find(isNext);
}

/** Deselects all images; the cursor stays. */
export function selectNone({ cursor }: Selection): Selection {
  return { ids: new Set(), cursor, anchor: cursor };
}

/**
 * The selection after a change of the list: images that left it are deselected, and a cursor on one that left goes to the
 * image that took its place.
 */
export function afterChange(selection: Selection, before: Uint32Array, now: Uint32Array): Selection {
  const { cursor } = selection;
  if (cursor === undefined) return selection;
  const here = new IdSet(now); // a Set of a million numbers takes longer than a frame
  const next = here.has(cursor) ? cursor : now[Math.min(Math.max(0, before.indexOf(cursor)), now.length - 1)];
  const kept = [...selection.ids].filter((imageId) => here.has(imageId));
  // When the only selected image left the list, the one that took its place is selected instead.
  const moves = kept.length === 0 && selection.ids.size === 1 && next !== undefined;
  const anchor = selection.anchor !== undefined && here.has(selection.anchor) ? selection.anchor : next;
  return { ids: new Set(moves ? [next] : kept), cursor: next, anchor };
}
