import type { ClassProbability } from '../../shared/engine-api.ts';
import { TOP } from '../../shared/top-found.ts';

export { topAreas, topFound } from '../../shared/top-found.ts';

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
