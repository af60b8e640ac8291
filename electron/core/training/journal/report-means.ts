import type { Losses, StepReport } from '../../../shared/training.ts';

/** Reports of steps, added up. */
export interface ReportSum {
  steps: number;
  sum: StepReport;
}

/** A curve over the steps, each point the mean of `stride` steps and named by the last of them. */
export interface StepCurve {
  stride: number;
  points: { step: number; report: StepReport }[];
  pending: ReportSum | undefined; // of the point that is not full yet
}

const MOST_POINTS = 400;

export function emptyCurve(): StepCurve {
  return { stride: 1, points: [], pending: undefined };
}

/** The sum with one more report. */
export function addReport(to: ReportSum | undefined, report: StepReport): ReportSum {
  if (to === undefined) return { steps: 1, sum: report };
  return { steps: to.steps + 1, sum: combine(to.sum, report, (one, other) => one + other) };
}

/** Undefined for no steps at all. */
export function meanReport(of: ReportSum | undefined): StepReport | undefined {
  return of && combine(of.sum, of.sum, (value) => value / of.steps);
}

/** The curve with the report of one more step; when it has too many points, every two become one. */
export function extendCurve(curve: StepCurve, step: number, report: StepReport): StepCurve {
  const pending = addReport(curve.pending, report);
  if (pending.steps < curve.stride) return { ...curve, pending };
  const points = [...curve.points, { step, report: meanReport(pending) ?? report }];
  if (points.length < MOST_POINTS) return { ...curve, points, pending: undefined };
  const halved = points.flatMap((point, index) => {
    const before = points[index - 1];
    if (index % 2 === 0 || before === undefined) return [];
    return [{ step: point.step, report: combine(before.report, point.report, (a, b) => (a + b) / 2) }];
  });
  return { stride: curve.stride * 2, points: halved, pending: undefined };
}

function combine(one: StepReport, other: StepReport, how: (a: number, b: number) => number): StepReport {
  const losses: Losses = {
    total: how(one.losses.total, other.losses.total),
    classification: how(one.losses.classification, other.losses.classification),
    tokenRatio: how(one.losses.tokenRatio, other.losses.tokenRatio),
    blockRatio: how(one.losses.blockRatio, other.losses.blockRatio),
    distillClass: how(one.losses.distillClass, other.losses.distillClass),
    distillToken: how(one.losses.distillToken, other.losses.distillToken),
    boxes: how(one.losses.boxes, other.losses.boxes),
    quality: how(one.losses.quality, other.losses.quality),
    masks: how(one.losses.masks, other.losses.masks),
  };
  return {
    losses,
    gradientNorm: how(one.gradientNorm, other.gradientNorm),
    accuracy: how(one.accuracy, other.accuracy),
    tokensKept: how(one.tokensKept, other.tokensKept),
    directionsKept: how(one.directionsKept, other.directionsKept),
  };
}
