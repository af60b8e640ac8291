import type { ClassProbability, Detection, Region } from './engine-api.ts';

/** Classes of an image that are kept. */
export const TOP = 5;

/** The classes that were found with their best scores, best first. `detections`: best first. */
export function topFound(detections: readonly Pick<Detection, 'classIndex' | 'score'>[]): ClassProbability[] {
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
