import type { ClassProbability, Detection, Region } from '../../shared/engine-api.ts';

const TOP = 5;

/** The best classes by softmax, best first; of equal ones the lower index first. */
export function topClasses(logits: Float32Array): ClassProbability[] {
  const best: { classIndex: number; logit: number }[] = [];
  for (const [classIndex, logit] of logits.entries()) {
    if (best.length === TOP && logit <= (best[TOP - 1]?.logit ?? 0)) continue;
    const rank = best.findIndex((other) => logit > other.logit);
    best.splice(rank < 0 ? best.length : rank, 0, { classIndex, logit });
    best.length = Math.min(best.length, TOP);
  }
  const largest = best[0]?.logit ?? 0;
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - largest), 0);
  return best.map(({ classIndex, logit }) => ({ classIndex, confidence: Math.exp(logit - largest) / sum }));
}

/** Probabilities of all classes. */
export function softmax(logits: Float32Array): Float32Array {
  const largest = logits.reduce((best, logit) => Math.max(best, logit), -Infinity);
  const powers = logits.map((logit) => Math.exp(logit - largest));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

/** The classes that were found with their best scores, best first. `detections`: best first. */
export function topFound(detections: readonly Detection[]): ClassProbability[] {
  const best = new Map<number, number>();
  for (const { classIndex, score } of detections) if (!best.has(classIndex)) best.set(classIndex, score);
  return [...best].slice(0, TOP).map(([classIndex, confidence]) => ({ classIndex, confidence }));
}

/** The classes with the largest shares of the area of a segmented picture of so many pixels, largest first. */
export function topAreas(regions: readonly Region[], pixels: number): ClassProbability[] {
  return regions
    .slice(0, TOP)
    .map(({ classIndex, mask }) => ({ classIndex, confidence: mask.area / pixels }));
}
