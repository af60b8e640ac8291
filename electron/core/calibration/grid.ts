import { MIN_CALIBRATION_IMAGES } from '../../shared/calibration.ts';
import type { Manifest } from '../../shared/model-package.ts';
import { PRECISIONS } from '../../shared/run.ts';
import type { Precision, Preset } from '../../shared/run.ts';
import { countFlops } from '../models/flops.ts';
import { inputSizeAt, keepPowers, TRAINED_THRESHOLD } from '../models/presets.ts';
import { isDense, TASKS } from '../../shared/tasks.ts';

/** One setting whose speed and labels are measured. */
export type GridPoint = Omit<Preset, 'name'>;

/** Token keep ratios r, meaning r, r^2, r^3; the trained ones join them. */
const KEEP_RATIOS = [1, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4];

/** Of models whose predictions take seconds: fewer ratios, and other sizes of the picture. */
const DENSE_KEEP_RATIOS = [1, 0.8, 0.6];
const DENSE_SIZES = [1, 0.75, 0.5]; // of the trained input size

/** Block thresholds beside the trained one, measured with all patches and with the trained ratios. */
const OTHER_THRESHOLDS = [0.3, 0.7];

/** The sample has so many images, more of them the less a model computes. */
const FEWEST = 500;
const MOST = 2000;
const MOST_DENSE = 200; // from MIN_CALIBRATION_IMAGES
const WORK = 20e12; // multiply-accumulates over all points that a larger sample may cost

/** The settings to measure; the first is Accurate: the most exact precision, all patches, the trained blocks. */
export function calibrationGrid(
  manifest: Pick<Manifest, 'task' | 'imageSize' | 'tokenKeep' | 'blockSelection'>,
  precisions: readonly Precision[],
): GridPoint[] {
  const exactFirst = PRECISIONS.filter((precision) => precisions.includes(precision));
  if (TASKS[manifest.task].isDense) return denseGrid(manifest, exactFirst);
  const all = manifest.tokenKeep.map(() => 1);
  const keeps = distinct([
    all,
    manifest.tokenKeep,
    ...KEEP_RATIOS.map((ratio) => keepPowers(ratio, all.length)),
  ]);
  const dials = keeps
    .sort((one, other) => (other[0] ?? 1) - (one[0] ?? 1))
    .map((tokenKeep) => ({ tokenKeep, blockThreshold: TRAINED_THRESHOLD }));
  if (manifest.blockSelection) {
    for (const tokenKeep of distinct([all, manifest.tokenKeep])) {
      dials.push(...OTHER_THRESHOLDS.map((blockThreshold) => ({ tokenKeep, blockThreshold })));
    }
  }
  return exactFirst.flatMap((precision) => dials.map((dial) => ({ ...dial, precision })));
}

function denseGrid(
  { imageSize, tokenKeep }: Pick<Manifest, 'imageSize' | 'tokenKeep'>,
  exactFirst: readonly Precision[],
): GridPoint[] {
  // The most exact precision only as trained, unless the size is all that there is to choose.
  const varied = exactFirst.length > 1 || tokenKeep.length > 0 ? exactFirst.slice(1) : exactFirst;
  const all = tokenKeep.map(() => 1);
  const keeps = distinct([
    all,
    tokenKeep,
    ...DENSE_KEEP_RATIOS.map((ratio) => keepPowers(ratio, all.length)),
  ]).sort((one, other) => (other[0] ?? 1) - (one[0] ?? 1));
  const sizes = DENSE_SIZES.map((share) => inputSizeAt(share, { imageSize }));
  return exactFirst.flatMap((precision) =>
    [...new Set(varied.includes(precision) ? [imageSize, ...sizes] : [imageSize])].flatMap((size) =>
      keeps.map((keep) => ({
        tokenKeep: keep,
        blockThreshold: TRAINED_THRESHOLD,
        precision,
        ...(size === imageSize ? {} : { inputSize: size }),
      })),
    ),
  );
}

/** How many images are measured at every point, so that a calibration stays within minutes. */
export function sampleSize(manifest: Manifest, grid: readonly GridPoint[]): number {
  const work = grid.reduce(
    (sum, { tokenKeep }) => sum + countFlops(manifest, tokenKeep, manifest.blockKeep ?? 1).actual,
    0,
  );
  const [fewest, most] = isDense(manifest) ? [MIN_CALIBRATION_IMAGES, MOST_DENSE] : [FEWEST, MOST];
  return Math.min(most, Math.max(fewest, Math.floor(WORK / work)));
}

/** Whether two settings predict the same; ratios that a power rounded differently are equal. */
export function sameSetting(one: GridPoint, other: GridPoint): boolean {
  return (
    one.precision === other.precision &&
    one.blockThreshold === other.blockThreshold &&
    one.inputSize === other.inputSize &&
    sameKeep(one.tokenKeep, other.tokenKeep)
  );
}

function sameKeep(one: readonly number[], other: readonly number[]): boolean {
  return (
    one.length === other.length && one.every((ratio, stage) => Math.abs(ratio - (other[stage] ?? 0)) < 1e-6)
  );
}

/** Each once; the first of equal ones stays as it is written. */
function distinct(keeps: readonly (readonly number[])[]): number[][] {
  return keeps
    .filter((keep, index) => keeps.findIndex((other) => sameKeep(keep, other)) === index)
    .map((keep) => [...keep]);
}
