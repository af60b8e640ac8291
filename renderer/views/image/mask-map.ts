import { decodeRuns, forEachColumnPart } from '../../../electron/shared/mask.ts';
import type { ClassPaint } from '../../lib/class-colour.ts';
import type { Point } from './boxes.ts';
import type { Size } from './zoom.ts';

/** A mask at the size that it is shown at: one byte per pixel of its rectangle, row by row, 1 inside. */
export interface SampledMask {
  x: number; // of the rectangle, pixels of the map
  y: number;
  width: number;
  height: number;
  inside: Uint8Array;
}

export interface PaintedMask {
  mask: SampledMask;
  paint: ClassPaint;
}

const LONGEST = 1600; // pixels of a map's longer side

/** Size of the map that a picture's masks are painted in: that of the picture, or reduced to `LONGEST`. */
export function mapSize({ width, height }: Size): Size {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/**
 * Samples a picture's mask (COCO run lengths) at the size of a map that is not larger: a pixel of the map takes the
 * picture's pixel at its centre. Undefined when no pixel of the map is inside.
 */
export function sampleMask(counts: string, picture: Size, map: Size): SampledMask | undefined {
  const columns = new Int32Array(picture.width).fill(-1);
  for (let x = 0; x < map.width; x++) columns[Math.floor(((x + 0.5) * picture.width) / map.width)] = x;
  const row = (y: number) => Math.ceil((y * map.height) / picture.height - 0.5);
  const parts: [x: number, first: number, end: number][] = [];
  let [left, top, right, bottom] = [map.width, map.height, 0, 0];
  forEachColumnPart(decodeRuns(counts), picture.height, (column, y, length) => {
    const x = columns[column] ?? -1;
    const [first, end] = [row(y), Math.min(map.height, row(y + length))];
    if (x < 0 || first >= end) return;
    parts.push([x, first, end]);
    [left, right] = [Math.min(left, x), Math.max(right, x + 1)];
    [top, bottom] = [Math.min(top, first), Math.max(bottom, end)];
  });
  if (parts.length === 0) return undefined;
  const [width, height] = [right - left, bottom - top];
  const inside = new Uint8Array(width * height);
  for (const [x, first, end] of parts) {
    for (let y = first; y < end; y++) inside[(y - top) * width + x - left] = 1;
  }
  return { x: left, y: top, width, height, inside };
}

const INNER = 190; // opacity inside a mask, 0 to 255; its edge is opaque
const THIN = 90; // opacity between the stripes or dots of a pattern

/** Paints masks into the RGBA pixels of a map, the first on top. */
export function paintMasks(pixels: Uint8ClampedArray, map: Size, masks: readonly PaintedMask[]): void {
  for (const { mask, paint } of masks.toReversed()) {
    const { x: left, y: top, width, height, inside } = mask;
    const [red, green, blue] = [1, 3, 5].map((at) => parseInt(paint.colour.slice(at, at + 2), 16));
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        const at = y * width + x;
        if (inside[at] !== 1) continue;
        const isEdge =
          (x === 0 ? left > 0 : inside[at - 1] === 0) ||
          (x === width - 1 ? left + width < map.width : inside[at + 1] === 0) ||
          (y === 0 ? top > 0 : inside[at - width] === 0) ||
          (y === height - 1 ? top + height < map.height : inside[at + width] === 0);
        const offset = 4 * ((top + y) * map.width + left + x);
        pixels[offset] = red ?? 0;
        pixels[offset + 1] = green ?? 0;
        pixels[offset + 2] = blue ?? 0;
        pixels[offset + 3] = isEdge ? 255 : isBold(paint.pattern, left + x, top + y) ? INNER : THIN;
      }
    }
  }
}

function isBold(pattern: ClassPaint['pattern'], x: number, y: number): boolean {
  if (pattern === 'striped') return (x + y) % 14 < 8;
  if (pattern === 'dotted') return x % 10 < 5 && y % 10 < 5;
  return true;
}

/** Which mask has each pixel of a map: its index in the list and 1; 0 where there is none. */
export function indexMap(map: Size, masks: readonly (SampledMask | undefined)[]): Uint16Array {
  const indices = new Uint16Array(map.width * map.height);
  for (const [index, mask] of masks.entries()) {
    if (mask === undefined) continue;
    const { x: left, y: top, width, height, inside } = mask;
    for (let y = 0; y < height; y++) {
      for (let x = 0; x < width; x++) {
        if (inside[y * width + x] === 1) indices[(top + y) * map.width + left + x] = index + 1;
      }
    }
  }
  return indices;
}

/**
 * A good position for a name in each mask of a map: the pixel deepest inside it, with its depth (steps to the nearest
 * pixel outside, in pixels of the map). Masks without a pixel have none.
 */
export function namePositions(
  indices: Uint16Array,
  { width, height }: Size,
): Map<number, Point & { depth: number }> {
  const depths = new Uint16Array(width * height);
  const neighbour = (at: number, other: number) =>
    indices[other] === indices[at] ? (depths[other] ?? 0) + 1 : 1;
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++)
      depths[at] = Math.min(x > 0 ? neighbour(at, at - 1) : 1, y > 0 ? neighbour(at, at - width) : 1);
  }
  const best = new Map<number, Point & { depth: number }>();
  for (let y = height - 1, at = width * height - 1; y >= 0; y--) {
    for (let x = width - 1; x >= 0; x--, at--) {
      const right = x < width - 1 ? neighbour(at, at + 1) : 1;
      const below = y < height - 1 ? neighbour(at, at + width) : 1;
      const depth = Math.min(depths[at] ?? 0, right, below);
      depths[at] = depth;
      const mask = (indices[at] ?? 0) - 1;
      if (mask >= 0 && depth > (best.get(mask)?.depth ?? 0)) best.set(mask, { x, y, depth });
    }
  }
  return best;
}
