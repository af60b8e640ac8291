import type { Attention } from '../../../electron/shared/api/attention.ts';
import type { Receipt } from '../../../electron/shared/run.ts';

/** Where the model looks, in pixels of the upright picture. */
export interface Crop {
  x: number;
  y: number;
  size: number;
}

/** Outlines of the patches that are gone after a pruning stage, as SVG paths. */
export interface Grain {
  /** Dropped at this stage. */
  fading: string;
  /** Dropped at an earlier one. */
  gone: string;
}

/**
 * The patches that are gone after `stage` pruning stages, out of `grid` x `grid` over the crop. `survived` has one byte
 * per patch in raster order: the stages that it survived.
 */
export function grainAt(survived: Uint8Array, grid: number, crop: Crop, stage: number): Grain {
  return {
    fading: outline(grid, crop, (patch) => stage > 0 && survived[patch] === stage - 1),
    gone: outline(grid, crop, (patch) => (survived[patch] ?? stage) < stage - 1),
  };
}

/** SVG path with one rectangle for each stretch of neighbouring patches in a row. */
function outline(grid: number, { x, y, size }: Crop, isIn: (patch: number) => boolean): string {
  const side = size / grid;
  const parts: string[] = [];
  for (let row = 0; row < grid; row++) {
    for (let column = 0; column < grid; column++) {
      const first = column;
      while (column < grid && isIn(row * grid + column)) column++;
      if (column === first) continue;
      const width = round((column - first) * side);
      parts.push(`M${round(x + first * side)} ${round(y + row * side)}h${width}v${round(side)}h${-width}z`);
    }
  }
  return parts.join('');
}

const round = (value: number) => Math.round(value * 100) / 100;

/** A part of the picture, in its pixels. */
interface Area {
  x: number;
  y: number;
  width: number;
  height: number;
}

/**
 * The area in which each of several squares is shown: where windows overlap, they meet in the middle of the overlap. The
 * squares lie in rows and columns.
 */
export function ownAreas(crops: readonly Crop[]): Area[] {
  const columns = shares(crops.map(({ x, size }) => ({ start: x, size })));
  const rows = shares(crops.map(({ y, size }) => ({ start: y, size })));
  return crops.map(({ x, y }) => {
    const [left, right] = columns.get(x) ?? [0, 0];
    const [top, bottom] = rows.get(y) ?? [0, 0];
    return { x: left, y: top, width: right - left, height: bottom - top };
  });
}

/** Start and end of the part of each stretch that is nearer to it than to its neighbours, by the stretch's start. */
function shares(stretches: readonly { start: number; size: number }[]): Map<number, [number, number]> {
  const sizes = new Map(stretches.map(({ start, size }) => [start, size]));
  const starts = [...sizes.keys()].sort((one, other) => one - other);
  const end = (start: number) => start + (sizes.get(start) ?? 0);
  return new Map(
    starts.map((start, index) => {
      const [before, after] = [starts[index - 1], starts[index + 1]];
      return [
        start,
        [
          before === undefined ? start : (end(before) + start) / 2,
          after === undefined ? end(start) : (end(start) + after) / 2,
        ],
      ];
    }),
  );
}

/** Number of pruning stages that these counts of patches are from. */
export function stagesOf(tokensPerStage: readonly number[]): number {
  return Math.max(0, tokensPerStage.length - 1);
}

/** The scans of a layer: the number of windows in which each direction ran. */
export interface LayerScans {
  layer: number; // from 1
  forward: number;
  backward: number;
}

/** The scans of each layer of a model with `depth` layers: in all windows together, or in `only` one. */
export function scansOf(
  { directions }: Pick<Receipt, 'directions'>,
  depth: number,
  only?: number,
): LayerScans[] {
  const windows = only === undefined ? directions : directions.subarray(only * depth, (only + 1) * depth);
  const scans = Array.from({ length: depth }, (_, index) => ({ layer: index + 1, forward: 0, backward: 0 }));
  for (const [index, bits] of windows.entries()) {
    const scan = scans[index % depth];
    if (scan === undefined) continue;
    scan.forward += bits & 1;
    scan.backward += (bits >> 1) & 1;
  }
  return scans;
}

/** The scans that ran, and all that there are in this many windows. */
export function countScans(scans: readonly LayerScans[], windows: number): { ran: number; all: number } {
  const ran = scans.reduce((sum, { forward, backward }) => sum + forward + backward, 0);
  return { ran, all: scans.length * 2 * windows };
}

/** A patch as a square of the picture, and how strongly it is marked: its weight over the largest, 0 to 1. */
export interface MarkedPatch {
  x: number;
  y: number;
  side: number;
  strength: number;
}

/** The patches that are looked at, in pixels of the picture whose square `crop` the model sees. */
export function markedPatches(
  { grid, patches }: Pick<Attention, 'grid' | 'patches'>,
  crop: Crop,
): MarkedPatch[] {
  const most = Math.max(...patches);
  const side = crop.size / grid;
  return patches.flatMap((weight, patch) =>
    weight === 0
      ? []
      : [
          {
            x: crop.x + (patch % grid) * side,
            y: crop.y + Math.floor(patch / grid) * side,
            side,
            strength: weight / most,
          },
        ],
  );
}
