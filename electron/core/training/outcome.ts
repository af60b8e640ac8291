import type { TrainingOutcome } from '../../shared/api/training.ts';
import type { Manifest } from '../../shared/model-package.ts';
import { countFlops, wholeModel } from '../models/flops.ts';
import { keepPowers } from '../models/presets.ts';
import { accuracyOf, isRight } from './steps/test-holdout.ts';
import type { TestedPicture } from './steps/test-holdout.ts';

/** Token keep ratios r, meaning r, r^2, r^3, at which the finished model is tested; the trained ones join them. */
const KEEP_RATIOS = [1, 0.9, 0.8, 0.7, 0.6, 0.5];

const BINS = 10; // of confidence
const MOST_WORST = 60;
const SAME = 1e-6; // ratios that a power rounded differently

/** The dial positions that are tested, from all patches to the fewest; one for a model that does not prune. */
export function testedKeeps({ tokenKeep }: Pick<Manifest, 'tokenKeep'>): number[][] {
  const stages = tokenKeep.length;
  if (stages === 0) return [[]];
  const usual = KEEP_RATIOS.map((ratio) => keepPowers(ratio, stages)).filter(
    (keep) => !keep.every((ratio, stage) => Math.abs(ratio - (tokenKeep[stage] ?? 0)) < SAME),
  );
  return [...usual, tokenKeep].sort((one, other) => (other[0] ?? 1) - (one[0] ?? 1));
}

/** A point of the dial's curve, from what the hold-out gave there. */
export function curvePoint(
  manifest: Manifest,
  tokenKeep: readonly number[],
  tested: readonly TestedPicture[],
): TrainingOutcome['curve'][number] {
  const blockKeep = tested.reduce((sum, one) => sum + one.blockKeep, 0) / Math.max(1, tested.length);
  return { top1: accuracyOf(tested), ...workAt(manifest, tokenKeep, blockKeep) };
}

/** What a position of the dial costs. */
export function workAt(manifest: Manifest, tokenKeep: readonly number[], blockKeep: number) {
  const workShare = countFlops(manifest, tokenKeep, blockKeep).actual / wholeModel(manifest);
  return { tokenKeep: tokenKeep[0] ?? 1, blockKeep, workShare };
}

/**
 * What there is to say of the finished model. `tested`: the hold-out at Balanced; `parentTop1`: what its parent made of it.
 */
export function outcomeOf(
  tested: readonly TestedPicture[],
  classes: readonly string[],
  curve: TrainingOutcome['curve'],
  parentTop1?: number,
): TrainingOutcome {
  return {
    images: tested.length,
    top1: accuracyOf(tested),
    ...(parentTop1 === undefined ? {} : { parentTop1 }),
    confusion: confusionOf(tested, classes.length),
    curve,
    calibrationError: calibrationError(tested),
    worst: worstOf(tested, classes),
  };
}

function confusionOf(tested: readonly TestedPicture[], classes: number): number[][] {
  const counts = Array.from({ length: classes }, () => new Array<number>(classes).fill(0));
  for (const { picture, predicted } of tested) {
    const row = counts[picture.classIndex];
    if (row !== undefined) row[predicted] = (row[predicted] ?? 0) + 1;
  }
  return counts;
}

/**
 * Expected calibration error (arXiv 1706.04599): with n_b pictures in a bin of confidence, and their accuracy a_b and mean
 * confidence c_b, sum over the bins of n_b / n |a_b - c_b|.
 */
export function calibrationError(tested: readonly TestedPicture[]): number {
  const bins = Array.from({ length: BINS }, () => ({ right: 0, confidence: 0 }));
  for (const one of tested) {
    const bin = bins[Math.min(BINS - 1, Math.floor(one.confidence * BINS))];
    if (bin === undefined) continue;
    bin.right += isRight(one) ? 1 : 0;
    bin.confidence += one.confidence;
  }
  const sum = bins.reduce((total, { right, confidence }) => total + Math.abs(right - confidence), 0);
  return sum / Math.max(1, tested.length);
}

/** Wrong ones first, then those whose true class has the least confidence. */
function worstOf(tested: readonly TestedPicture[], classes: readonly string[]): TrainingOutcome['worst'] {
  return [...tested]
    .sort(
      (one, other) =>
        Number(isRight(one)) - Number(isRight(other)) ||
        one.rightConfidence - other.rightConfidence ||
        one.picture.index - other.picture.index,
    )
    .slice(0, MOST_WORST)
    .map(({ picture, predicted, confidence }) => ({
      index: picture.index,
      path: picture.relativePath,
      label: classes[picture.classIndex] ?? '',
      predicted: classes[predicted] ?? '',
      confidence,
    }));
}
