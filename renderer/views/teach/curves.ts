import type { TrainingDetails } from '../../../electron/shared/api/training.ts';
import { taskLoss } from '../../../electron/shared/training.ts';
import type { HoldoutScore } from '../../../electron/shared/training.ts';
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
export function curvesOf(details: Pick<TrainingDetails, 'steps' | 'epochs' | 'pictures' | 'recipe'>): {
  loss: Curves;
  accuracy: Curves;
  end: number; // epochs
} {
  const { steps, epochs, pictures, recipe } = details;
  const perEpoch = Math.max(1, Math.ceil(pictures.learned / recipe.batch));
  const curve = (y: (report: TrainingDetails['steps'][number]['report']) => number): Point[] =>
    steps.map(({ step, report }) => ({ x: step / perEpoch, y: y(report) }));
  const points = (y: (holdout: HoldoutScore) => number | undefined): Point[] =>
    epochs.flatMap(({ epoch, holdout }) => {
      const value = holdout && y(holdout);
      return value === undefined ? [] : [{ x: epoch, y: value }];
    });
  const withSmooth = (raw: Point[], heldOut: Point[]): Curves => {
    return { raw, learned: smooth(raw, Math.max(SMOOTH_LEAST, raw.length / SMOOTH_SHARE)), heldOut };
  };
  return {
    loss: withSmooth(
      curve(({ losses }) => taskLoss(losses)),
      points(({ loss }) => loss),
    ),
    accuracy: withSmooth(
      curve(({ accuracy }) => accuracy),
      points(({ score }) => score),
    ),
    end: recipe.epochs,
  };
}
