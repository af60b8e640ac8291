import type {
  CalibratedPreset,
  Calibration,
  CalibrationPoint,
  Expectation,
} from '../../shared/calibration.ts';
import { MIN_CALIBRATION_IMAGES } from '../../shared/calibration.ts';
import type { Preset } from '../../shared/run.ts';
import { sameSetting } from './grid.ts';
import type { GridPoint } from './grid.ts';
import { TASKS } from '../../shared/tasks.ts';

/** What a preset promises: enough of Accurate's labels, or, where labels exist, little loss of accuracy. */
const RULES = {
  balanced: { agreement: 0.99, loss: 0.005 },
  fast: { agreement: 0.95, loss: 0.02 },
} as const;

/** The same for maps and boxes, whose edges move with every rounding: of mean IoU or average precision. */
const DENSE_RULES = { balanced: 0.95, fast: 0.85 } as const;

/** One-sided 95 %: how sure a share of a sample must be when it speaks for images that were not measured. */
const Z = 1.645;

type Curve = Pick<Calibration, 'task' | 'images' | 'labelled' | 'population' | 'points'>;

/**
 * The points that the presets stand for. Accurate is the first point; Balanced and Fast are the fastest points that keep
 * their rule. The figures of maps and boxes count as measured, and so do those of a sample that is all images of its folder.
 * Otherwise the worse end of the point's confidence interval counts, so that the rule also holds for the images that were
 * not measured.
 */
export function choosePresets(curve: Curve): Record<CalibratedPreset, CalibrationPoint> {
  const [accurate] = curve.points;
  if (accurate === undefined) throw new Error('A calibration has at least one point');
  const fastest = (rule: keyof typeof RULES) =>
    curve.points
      .filter((point) => point === accurate || keeps(rule, point, curve))
      .reduce((best, point) => (point.imagesPerSecond > best.imagesPerSecond ? point : best));
  return { accurate, balanced: fastest('balanced'), fast: fastest('fast') };
}

/** The presets of a calibrated model, in the order of standardPresets. */
export function calibratedPresets(curve: Curve): Preset[] {
  return Object.entries(choosePresets(curve)).map(([name, point]) => ({
    name,
    ...settingOf(point),
  }));
}

/** What the calibration says of a setting; undefined when it is none of the measured ones. */
export function expectationOf(calibration: Calibration, setting: GridPoint): Expectation | undefined {
  const point = calibration.points.find((one) => sameSetting(one, setting));
  if (point === undefined) return undefined;
  const { images, labelled, createdAt } = calibration;
  return {
    imagesPerSecond: point.imagesPerSecond,
    agreement: point.agreeing / images,
    loss: labelled === 0 ? undefined : (point.lost - point.gained) / labelled,
    images,
    createdAt,
  };
}

/** The setting that a point was measured at. */
export function settingOf({ tokenKeep, blockThreshold, precision, inputSize }: CalibrationPoint): GridPoint {
  return { tokenKeep, blockThreshold, precision, ...(inputSize === undefined ? {} : { inputSize }) };
}

function keeps(rule: keyof typeof RULES, point: CalibrationPoint, curve: Curve): boolean {
  if (TASKS[curve.task].isDense) return point.agreeing / curve.images >= DENSE_RULES[rule];
  const { agreement, loss } = RULES[rule];
  const unseen = Math.max(0, curve.population - curve.images) / Math.max(1, curve.population - 1);
  if (lowestShare(point.agreeing, curve.images, unseen) >= agreement) return true;
  return curve.labelled >= MIN_CALIBRATION_IMAGES && highestLoss(point, curve.labelled, unseen) <= loss;
}

/**
 * Lower end of the Wilson interval of `hits` in `count` images. `unseen` is the finite population correction
 * (N - n) / (N - 1): 0 when every image was measured, near 1 when the sample is a small part of them.
 */
export function lowestShare(hits: number, count: number, unseen: number): number {
  const share = hits / count;
  if (unseen === 0) return share;
  const effective = count / unseen;
  const z2 = Z ** 2 / effective;
  const margin = Z * Math.sqrt((share * (1 - share)) / effective + z2 / (4 * effective));
  return (share + z2 / 2 - margin) / (1 + z2);
}

/**
 * Upper end of the interval of the loss of accuracy, paired: with l images lost and g gained of n, the loss is (l - g) / n
 * and its variance (l + g - (l - g)^2 / n) / n^2. At least one image counts as changed, so that none is no certainty.
 */
export function highestLoss(
  { lost, gained }: Pick<CalibrationPoint, 'lost' | 'gained'>,
  count: number,
  unseen: number,
): number {
  const changed = Math.max(1, lost + gained);
  const variance = Math.max(0, changed - (lost - gained) ** 2 / count) / count ** 2;
  return (lost - gained) / count + Z * Math.sqrt(variance * unseen);
}
