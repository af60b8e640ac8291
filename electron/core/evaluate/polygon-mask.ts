/** A polygon's corners, x and y in turn, in pixels. */
export type Polygon = readonly number[];

/**
 * The runs (see shared/mask.ts) of the pixels whose centres lie in one of the polygons; where a polygon overlaps itself, by
 * the even-odd rule. COCO's own masks differ from these in single pixels along the edges.
 */
export function polygonRuns(polygons: readonly Polygon[], width: number, height: number): number[] {
  const runs: number[] = [];
  let end = 0; // of the last run inside, as an index into the picture's columns, one after the other
  for (let x = 0; x < width; x++) {
    for (const [top, bottom] of columnParts(polygons, x + 0.5, height)) {
      const [start, stop] = [x * height + top, x * height + bottom];
      if (runs.length > 0 && start === end) runs.push((runs.pop() ?? 0) + stop - start);
      else runs.push(start - end, stop - start);
      end = stop;
    }
  }
  const rest = width * height - end;
  if (rest > 0 || runs.length === 0) runs.push(rest);
  return runs;
}

/** The rows whose centres lie in a polygon at this x, as parts that do not touch, from the top. */
function columnParts(polygons: readonly Polygon[], x: number, height: number): [number, number][] {
  const parts: [number, number][] = [];
  for (const polygon of polygons) {
    const crossings = edgeCrossings(polygon, x);
    for (let index = 0; index + 1 < crossings.length; index += 2) {
      const top = Math.max(0, Math.ceil((crossings[index] ?? 0) - 0.5));
      const bottom = Math.min(height, Math.ceil((crossings[index + 1] ?? 0) - 0.5));
      if (bottom > top) parts.push([top, bottom]);
    }
  }
  parts.sort(([one], [other]) => one - other);
  const joined: [number, number][] = [];
  for (const part of parts) {
    const last = joined.at(-1);
    if (last === undefined || part[0] > last[1]) joined.push(part);
    else last[1] = Math.max(last[1], part[1]);
  }
  return joined;
}

/** Where the polygon's edges cross the vertical line at x, from the top. */
function edgeCrossings(polygon: Polygon, x: number): number[] {
  const crossings: number[] = [];
  for (let index = 0; index + 1 < polygon.length; index += 2) {
    const next = (index + 2) % (polygon.length - (polygon.length % 2));
    const [x0, y0, x1, y1] = [polygon[index], polygon[index + 1], polygon[next], polygon[next + 1]];
    if (x0 === undefined || y0 === undefined || x1 === undefined || y1 === undefined) continue;
    if (x0 <= x !== x1 <= x) crossings.push(y0 + ((x - x0) / (x1 - x0)) * (y1 - y0));
  }
  return crossings.sort((one, other) => one - other);
}
