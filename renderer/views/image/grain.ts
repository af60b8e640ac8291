import type { Receipt } from '../../../electron/shared/run.ts';

/** Where the model looks, in pixels of the upright picture. */
export interface Crop {
  x: number;
  y: number;
  size: number;
}

/** Outlines of the patches that are gone after a pruning stage, as paths of SVG. */
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

/** One rectangle per run of patches in a row. */
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

/** Number of pruning stages of the model that computed these patches. */
export function stagesOf(tokensPerStage: readonly number[]): number {
  return Math.max(0, tokensPerStage.length - 1);
}

/** The scans of a layer. */
export interface LayerScans {
  layer: number; // from 1
  forward: boolean;
  backward: boolean;
}

export function scansOf({ directions }: Pick<Receipt, 'directions'>): LayerScans[] {
  return Array.from(directions, (bits, index) => ({
    layer: index + 1,
    forward: (bits & 1) !== 0,
    backward: (bits & 2) !== 0,
  }));
}

/** Scans that ran, of all that there are. */
export function countScans(scans: readonly LayerScans[]): { ran: number; all: number } {
  const ran = scans.reduce((sum, { forward, backward }) => sum + Number(forward) + Number(backward), 0);
  return { ran, all: scans.length * 2 };
}
