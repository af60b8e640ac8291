import type { LearningRate, TrainingMethod } from '../../../shared/training.ts';

/** Steps of an epoch over so many pictures: as few as batches of at most `batch` allow. */
export function stepsPerEpoch(pictures: number, batch: number): number {
  return Math.ceil(pictures / batch);
}

/**
 * Where the batches of an epoch begin, and its end: all of one size, or two that differ by one, so that no step learns from
 * a handful that was left over.
 */
export function batchBounds(pictures: number, steps: number, step: number): [begin: number, end: number] {
  return [Math.floor((step * pictures) / steps), Math.floor(((step + 1) * pictures) / steps)];
}

/**
 * The learning rate of step s (from 0) of S, of which the first W warm up:
 *
 *     s < W:  warmUpRate + (rate - warmUpRate) s / W
 *     else:   leastRate + (rate - leastRate) (1 + cos(pi (s - W) / (S - W))) / 2
 */
export function learningRateAt(
  { rate, warmUpRate, leastRate, warmUpEpochs }: LearningRate,
  { step, steps, epochs }: { step: number; steps: number; epochs: number },
): number {
  const warmUp = Math.min(steps, Math.round((warmUpEpochs / epochs) * steps));
  if (step < warmUp) return warmUpRate + ((rate - warmUpRate) * step) / warmUp;
  const share = (step - warmUp) / Math.max(1, steps - warmUp);
  return leastRate + ((rate - leastRate) * (1 + Math.cos(Math.PI * share))) / 2;
}

/** Predicting a picture takes about so much of a step's time for it: there is no way back, and no optimiser. */
const PREDICTING = 1 / 3;

export interface EpochWork {
  images: number; // that are learned from
  holdout: number;
  secondsPerImage: number; // of a step
}

/** Seconds of an epoch and of testing it. */
export function epochSeconds({ images, holdout, secondsPerImage }: EpochWork): number {
  return (images + PREDICTING * holdout) * secondsPerImage;
}

/** As many of the epochs as fit into `seconds`, at least one: the schedule is then over when the time is. */
export function epochsWithin(seconds: number, epochs: number, work: EpochWork): number {
  return Math.min(epochs, Math.max(1, Math.floor(seconds / epochSeconds(work))));
}

/**
 * Pictures of the hold-out that a new head is tested with at other positions of the dial than the trained one, at most: the
 * head itself takes hardly longer than predicting its pictures once, and the test should not take as long again.
 */
export const MOST_TESTED_OF_HEAD = 300;

/** Seconds of a whole training, whose model is tested at so many positions of the dial at its end. */
export function trainingSeconds(
  method: TrainingMethod,
  { epochs, dials, ...work }: EpochWork & { epochs: number; dials: number },
): number {
  const { images, holdout, secondsPerImage } = work;
  // Of a head what was measured is predicting, and every picture is predicted once.
  if (method === 'head')
    return (images + holdout + (dials - 1) * Math.min(MOST_TESTED_OF_HEAD, holdout)) * secondsPerImage;
  return epochs * epochSeconds(work) + dials * PREDICTING * holdout * secondsPerImage;
}
