/** How thumbnails are laid out: rows of equal square cells that fill the width. All lengths are CSS pixels. */
export interface GridLayout {
  columns: number;
  rows: number;
  cell: number; // side of a picture
  rowHeight: number; // including the caption and the gap below
}

export const GAP = 2;

/** Largest side of a cell, CSS pixels; a thumbnail has as many pixels as the largest of these. */
export const CELL_SIZES = { small: 104, medium: 168, large: 256 } as const;
export type CellSize = keyof typeof CELL_SIZES;

/** Height of the caption below a picture, CSS pixels; the smallest cells show it over the picture, when pointed at. */
export const CAPTION: Record<CellSize, number> = { small: 0, medium: 20, large: 20 };

export interface GridRoom {
  width: number;
  size: CellSize;
  count: number; // images
}

/** The fewest columns that fill the width with cells not larger than the chosen size. */
export function layoutGrid({ width, size, count }: GridRoom): GridLayout {
  const columns = Math.max(1, Math.ceil((width + GAP) / (CELL_SIZES[size] + GAP)));
  const cell = Math.max(1, Math.floor((width + GAP) / columns - GAP));
  return { columns, rows: Math.ceil(count / columns), cell, rowHeight: cell + CAPTION[size] + GAP };
}

/** Index that an arrow, Home, End or Page key leads to from the image at `index`; undefined for other keys. */
export function moveInGrid(
  key: string,
  index: number,
  grid: { columns: number; count: number; pageRows: number },
): number | undefined {
  const { columns, count, pageRows } = grid;
  const last = Math.max(0, count - 1);
  const steps: Record<string, number> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    k: -1,
    j: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
    PageUp: -columns * pageRows,
    PageDown: columns * pageRows,
  };
  if (key === 'Home') return 0;
  if (key === 'End') return last;
  const step = steps[key];
  if (step === undefined) return undefined;
  const target = index + step;
  const isVertical = Math.abs(step) > 1 || key.endsWith('Up') || key.endsWith('Down');
  // Down from the last full row leads to the last image; up from the first row stays in it.
  if (target < 0) return isVertical ? index % columns : 0;
  if (target > last) {
    const isLastRow = Math.floor(index / columns) === Math.floor(last / columns);
    return isVertical && isLastRow ? index : last;
  }
  return target;
}

export interface Window {
  first: number;
  end: number; // after the last
}

/** Share of window `b` that window `a` covers, 0 to 1: how much of the screen stays after scrolling from a to b. */
export function overlap(a: Window, b: Window): number {
  const length = b.end - b.first;
  if (length <= 0) return 1;
  return Math.max(0, Math.min(a.end, b.end) - Math.max(a.first, b.first)) / length;
}

/**
 * The scroll offset at which the image `anchor` stays at its place on the screen when the list changes; `offset` is that
 * in the old list. Undefined when the image is not in the new one.
 */
export function keepPlace(
  offset: number,
  anchor: { from: number; to: number },
  layout: { columns: number; rowHeight: number },
): number | undefined {
  if (anchor.to < 0) return undefined;
  const row = (index: number) => Math.floor(index / layout.columns);
  return Math.max(0, offset + (row(anchor.to) - row(anchor.from)) * layout.rowHeight);
}
