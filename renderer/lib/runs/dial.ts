import type { DialPoint } from '../../../electron/shared/api/runs.ts';
import { presetOf } from '../../../electron/shared/calibration.ts';
import type { CalibrationPoint } from '../../../electron/shared/calibration.ts';
import type { Precision, Preset } from '../../../electron/shared/run.ts';

/** Arguments of a run that stand for a point of the dial. */
export type PointRequest =
  | { preset: 'fast' | 'balanced' | 'accurate' }
  | { tokenKeep?: string; blockThreshold: number; precision: Precision; inputSize?: number };

const GAP = 3; // percent of the scale between two points at least, so that each can be hit
const SCALE = 100;

/**
 * Where the points lie on the scale from fast (0) to accurate (100): by measured speed, or by work where nothing is
 * measured, and never closer together than can be told apart.
 */
export function positions(points: readonly Pick<DialPoint, 'expected' | 'workShare'>[]): number[] {
  const speeds = points.flatMap(({ expected }) => (expected === undefined ? [] : [expected.imagesPerSecond]));
  return speeds.length === points.length
    ? speedPositions(speeds)
    : spread(points.map(({ workShare }) => workShare));
}

/** Offsets on the scale for images per second, the fastest first: equal factors of speed are equal lengths. */
export function speedPositions(imagesPerSecond: readonly number[]): number[] {
  return spread(imagesPerSecond.map((speed) => -Math.log(speed)));
}

/** Ascending values on the whole scale, with a gap between neighbours. */
function spread(values: readonly number[]): number[] {
  const steps = values.slice(1).map((value, index) => Math.max(0, value - (values[index] ?? value)));
  const length = steps.reduce((sum, step) => sum + step, 0);
  const free = Math.max(0, SCALE - GAP * steps.length);
  const gap = (SCALE - free) / steps.length;
  let offset = 0;
  const offsets = steps.map((step) => {
    const share = length === 0 ? 1 / steps.length : step / length;
    offset += gap + share * free;
    return Math.min(SCALE, offset);
  });
  return values.length === 0 ? [] : [0, ...offsets];
}

/** Measured points that no other beats in both speed and agreement, the fastest first. */
export function efficientPoints<Point extends Pick<CalibrationPoint, 'imagesPerSecond' | 'agreeing'>>(
  points: readonly Point[],
): Point[] {
  let best = -1;
  return points
    .toSorted((one, other) => other.imagesPerSecond - one.imagesPerSecond || other.agreeing - one.agreeing)
    .filter(({ agreeing }) => {
      const isBetter = agreeing > best;
      best = Math.max(best, agreeing);
      return isBetter;
    });
}

/** The points of the dial: from Fast to Accurate. Faster ones lose more than any preset may. */
export function dialPoints<Point extends Pick<DialPoint, 'names'>>(points: readonly Point[]): Point[] {
  const first = points.findIndex(({ names }) => names.length > 0);
  const last = points.findLastIndex(({ names }) => names.length > 0);
  return points.slice(Math.max(0, first), last + 1);
}

export function requestOf({ names, preset }: Pick<DialPoint, 'names' | 'preset'>): PointRequest {
  const name = presetOf(names);
  if (name !== undefined) return { preset: name };
  const { tokenKeep, blockThreshold, precision, inputSize } = preset;
  return {
    ...(tokenKeep.length > 0 && { tokenKeep: tokenKeep.join(',') }),
    blockThreshold,
    precision,
    ...(inputSize !== undefined && { inputSize }),
  };
}

/** The index of a preset among the points; the last when it is none of them. */
export function indexOfPreset(points: readonly Pick<DialPoint, 'preset'>[], preset: Preset): number {
  const index = points.findIndex(({ preset: other }) => isSameSetting(other, preset));
  return index === -1 ? points.length - 1 : index;
}

function isSameSetting(one: Preset, other: Preset): boolean {
  return (
    one.precision === other.precision &&
    one.blockThreshold === other.blockThreshold &&
    one.inputSize === other.inputSize &&
    one.tokenKeep.length === other.tokenKeep.length &&
    one.tokenKeep.every((ratio, stage) => ratio === other.tokenKeep[stage])
  );
}

/** The lowest agreement that a curve's axis shows: a round one below all of its points. */
export function lowestShown(agreements: readonly number[]): number {
  const lowest = 100 * Math.min(1, ...agreements); // percent
  const step = lowest > 95 ? 1 : lowest > 80 ? 5 : 10;
  return Math.max(0, Math.min(100 - step, Math.floor(lowest / step + 1e-9) * step)) / 100;
}
