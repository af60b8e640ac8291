import type { TrainingDetails } from '../../../electron/shared/api/training.ts';
import type { EpochReport } from '../../../electron/shared/training.ts';
import { thin } from '../../lib/chart.ts';

const MOST_POINTS = 600; // of a curve: about one for each pixel of its width

type StepPoint = TrainingDetails['steps'][number];

/** Adds a step. A resumed training repeats the steps since it was saved last: the old ones are dropped. */
export function withStep(steps: readonly StepPoint[], { step, report }: StepPoint): StepPoint[] {
  const before = (steps.at(-1)?.step ?? 0) < step ? steps : steps.filter((point) => point.step < step);
  return thin([...before, { step, report }], MOST_POINTS);
}

export function withEpoch(epochs: readonly EpochReport[], report: EpochReport): EpochReport[] {
  return [...epochs.filter(({ epoch }) => epoch < report.epoch), report];
}
