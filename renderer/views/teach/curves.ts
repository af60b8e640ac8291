import type { TrainingDetails } from '../../../electron/shared/api/training.ts';
import { smooth } from '../../lib/chart.ts';
import type { Point } from '../../lib/chart.ts';

const SMOOTH_SHARE = 16; // a point of a smooth curve is the mean of a 16th of all steps
const SMOOTH_LEAST = 5; // or of this many steps, if that is more

/** The curves of one quantity of a training; `x` is in epochs. */
export interface Curves {
  raw: Point[]; // of each training step
  learned: Point[]; // the same, smoothed
  heldOut: Point[]; // on the hold-out, at the end of each epoch
}

/** Curves of the classification loss, which training and hold-out have in common, and of the accuracy. */
export function curvesOf(details: Pick<TrainingDetails, 'steps' | 'epochs' | 'classes' | 'recipe'>): {
  loss: Curves;
  accuracy: Curves;
  end: number; // epochs
} {
  const { steps, epochs, classes, recipe } = details;
  const images = classes.reduce((sum, one) => sum + one.images, 0);
  const perEpoch = Math.max(1, Math.ceil(images / recipe.batch));
  const curve = (y: (report: TrainingDetails['steps'][number]['report']) => number): Point[] =>
    steps.map(({ step, report }) => ({ x: step / perEpoch, y: y(report) }));
  const points = (y: (holdout: { top1: number; loss: number }) => number): Point[] =>
    epochs.flatMap(({ epoch, holdout }) => (holdout === undefined ? [] : [{ x: epoch, y: y(holdout) }]));
  const withSmooth = (raw: Point[], heldOut: Point[]): Curves => {
    return { raw, learned: smooth(raw, Math.max(SMOOTH_LEAST, raw.length / SMOOTH_SHARE)), heldOut };
  };
  return {
    loss: withSmooth(
      curve(({ losses }) => losses.classification),
      points(({ loss }) => loss),
    ),
    accuracy: withSmooth(
      curve(({ accuracy }) => accuracy),
      points(({ top1 }) => top1),
    ),
    end: recipe.epochs,
  };
}
