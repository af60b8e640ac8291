import type { SampledObject } from '../../../shared/api/training.ts';
import { decodeRuns, encodeRuns } from '../../../shared/mask.ts';
import type { Size } from '../../../shared/resized-size.ts';
import { spread } from '../../../shared/spread.ts';
import type { FoundObject } from '../../../shared/trainer-api.ts';
import type { TrainingPicture } from '../journal/journal.ts';
import type { HeldPictures } from './score-holdout.ts';

const MOST_PICTURES = 6;
const MOST_OBJECTS = 50; // of a picture
const LEAST_SCORE = 0.3; // of a detection
const LONGEST = 160; // pixels of a mask's longer side

/** Classes that are to be seen in a picture. */
const classesIn = (picture: TrainingPicture): number[] =>
  'objects' in picture ? picture.objects.map(({ classIndex }) => classIndex) : [picture.classIndex];

/**
 * The pictures of the hold-out whose predictions are kept, as indices among all, ascending: as few as show every class, as far
 * as so many can, and others evenly. They depend on the pictures alone.
 */
export function sampledPictures({ labelled, marked }: HeldPictures): number[] {
  const left = [...labelled, ...marked].sort((one, other) => one.index - other.index);
  const chosen: number[] = [];
  const seen = new Set<number>();
  while (chosen.length < MOST_PICTURES) {
    const news = left.map((picture) => new Set(classesIn(picture)).difference(seen).size);
    const most = Math.max(0, ...news);
    if (most === 0) break;
    const [picture] = left.splice(news.indexOf(most), 1);
    if (picture === undefined) break;
    chosen.push(picture.index);
    for (const classIndex of classesIn(picture)) seen.add(classIndex);
  }
  const others = spread(left, MOST_PICTURES - chosen.length).map(({ index }) => index);
  return [...chosen, ...others].sort((one, other) => one - other);
}

/** The size at which masks of a picture are kept. */
export function sampleSize({ width, height }: Size): Size {
  const scale = Math.min(1, LONGEST / Math.max(width, height));
  return { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
}

/** What is in a picture as a sample has it: masks at `sampleSize`, detections that are sure enough, the best first. */
export function toSample(objects: readonly FoundObject[], size: Size | undefined): SampledObject[] {
  return objects
    .filter(({ score = 1, box, counts }) => (box ?? counts) === undefined || score >= LEAST_SCORE)
    .slice(0, MOST_OBJECTS)
    .map(({ classIndex, score, box, counts }) => ({
      classIndex,
      ...(score !== undefined && { score }),
      ...(box && { box }),
      ...(counts !== undefined && size && { counts: shrunk(counts, size, sampleSize(size)) }),
    }));
}

/** A mask at a size that is not larger: each pixel is the one at its centre. */
function shrunk(counts: string, from: Size, to: Size): string {
  const runs = decodeRuns(counts);
  const result: number[] = [];
  let [index, end, last] = [0, runs[0] ?? 0, 0];
  for (let x = 0; x < to.width; x++) {
    const column = Math.floor(((x + 0.5) * from.width) / to.width) * from.height;
    for (let y = 0; y < to.height; y++) {
      const at = column + Math.floor(((y + 0.5) * from.height) / to.height);
      while (at >= end && index < runs.length - 1) end += runs[++index] ?? 0;
      const value = at < end ? index % 2 : 0;
      while (result.length <= last) result.push(0);
      if (value !== last % 2) result[++last] = 0;
      result[last] = (result[last] ?? 0) + 1;
    }
  }
  return encodeRuns(result);
}
