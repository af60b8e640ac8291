import type { Box } from '../../../electron/shared/engine-api.ts';
import type { ClassPaint } from '../../lib/class-colour.ts';
import type { Size } from './zoom.ts';

/** All lengths are pixels of the upright picture. */
export interface Point {
  x: number;
  y: number;
}

/** A box as it is drawn. */
export interface DrawnBox extends Box {
  paint: ClassPaint;
  /** Class and score. */
  text: string;
  /** The tag of a box that is selected or pointed at is drawn however small the box is. */
  strength: 'plain' | 'hovered' | 'selected';
}

/** Corners and edges that a box is resized by, named after the compass. */
export const HANDLES = ['nw', 'n', 'ne', 'e', 'se', 's', 'sw', 'w'] as const;
export type Handle = (typeof HANDLES)[number];

const LEAST = 1; // pixels of the picture: least width and height of a box
const LEAST_DRAWN = 3; // of one that is drawn: a smaller one was a click

const clamp = (value: number, least: number, most: number) => Math.min(Math.max(value, least), most);
const tidy = (value: number) => Math.round(value * 100) / 100;

/** The box moved, within the picture. */
export function moveBox(box: Box, by: Point, picture: Size): Box {
  return {
    ...box,
    x: clamp(tidy(box.x + by.x), 0, Math.max(0, picture.width - box.width)),
    y: clamp(tidy(box.y + by.y), 0, Math.max(0, picture.height - box.height)),
  };
}

/** The box with the edges at a handle moved, within the picture; an edge cannot pass the opposite one. */
export function resizeBox(box: Box, handle: Handle, by: Point, picture: Size): Box {
  let [left, top] = [box.x, box.y];
  let [right, bottom] = [box.x + box.width, box.y + box.height];
  if (handle.includes('w')) left = clamp(left + by.x, 0, right - LEAST);
  if (handle.includes('e')) right = clamp(right + by.x, left + LEAST, picture.width);
  if (handle.includes('n')) top = clamp(top + by.y, 0, bottom - LEAST);
  if (handle.includes('s')) bottom = clamp(bottom + by.y, top + LEAST, picture.height);
  return between(left, top, right, bottom);
}

/** The box between these edges, each rounded by itself: rounding the width could put an edge outside the picture. */
function between(left: number, top: number, right: number, bottom: number): Box {
  const [x, y] = [tidy(left), tidy(top)];
  return { x, y, width: tidy(tidy(right) - x), height: tidy(tidy(bottom) - y) };
}

/** The box that is drawn from one point to another; undefined when it is so small that it was a click. */
export function boxBetween(from: Point, to: Point, picture: Size): Box | undefined {
  const left = clamp(Math.min(from.x, to.x), 0, picture.width);
  const top = clamp(Math.min(from.y, to.y), 0, picture.height);
  const right = clamp(Math.max(from.x, to.x), 0, picture.width);
  const bottom = clamp(Math.max(from.y, to.y), 0, picture.height);
  if (right - left < LEAST_DRAWN || bottom - top < LEAST_DRAWN) return undefined;
  return between(left, top, right, bottom);
}

/** A box in the middle of a part of the picture, a third as wide and high. */
export function boxInside(part: Box, picture: Size): Box {
  const at = (share: number): Point => ({ x: part.x + share * part.width, y: part.y + share * part.height });
  const box = boxBetween(at(1 / 3), at(2 / 3), picture);
  return box ?? { x: 0, y: 0, width: picture.width, height: picture.height };
}

/** Where a box's handles are, in the order of HANDLES. */
export function handlePoints({ x, y, width, height }: Box): Point[] {
  return HANDLES.map((handle) => ({
    x: x + (handle.includes('w') ? 0 : handle.includes('e') ? width : width / 2),
    y: y + (handle.includes('n') ? 0 : handle.includes('s') ? height : height / 2),
  }));
}

/** The handle nearest to a point, within `reach` of it; undefined where there is none. */
export function hitHandle(box: Box, point: Point, reach: number): Handle | undefined {
  const distances = handlePoints(box).map(({ x, y }) =>
    Math.max(Math.abs(x - point.x), Math.abs(y - point.y)),
  );
  const nearest = Math.min(...distances);
  return nearest <= reach ? HANDLES[distances.indexOf(nearest)] : undefined;
}

/** Index of the box that a point is in, or within `reach` of: of several the smallest, which the others would hide. */
export function hitBox(
  boxes: readonly (Box & { shown: boolean })[],
  point: Point,
  reach: number,
): number | undefined {
  let best: number | undefined;
  let smallest = Infinity;
  for (const [index, { x, y, width, height, shown }] of boxes.entries()) {
    const isIn =
      point.x >= x - reach &&
      point.x <= x + width + reach &&
      point.y >= y - reach &&
      point.y <= y + height + reach;
    if (!shown || !isIn || width * height >= smallest) continue;
    best = index;
    smallest = width * height;
  }
  return best;
}

/** Indices of the rectangles that keep clear of all that come before them, such as names that would cover each other. */
export function clearIndices(rectangles: readonly Box[]): number[] {
  const taken: Box[] = [];
  const free: number[] = [];
  for (const [index, one] of rectangles.entries()) {
    const isCovered = taken.some(
      (other) =>
        one.x < other.x + other.width &&
        other.x < one.x + one.width &&
        one.y < other.y + other.height &&
        other.y < one.y + one.height,
    );
    if (isCovered) continue;
    taken.push(one);
    free.push(index);
  }
  return free;
}

export function isSameBox(one: Box, other: Box): boolean {
  return one.x === other.x && one.y === other.y && one.width === other.width && one.height === other.height;
}
