import type { FoundObject, MarkedObject } from '../../../shared/trainer-api.ts';
import { boxIou, PrecisionTally } from '../../evaluate/average-precision.ts';
import type { ComparedImage } from '../../evaluate/average-precision.ts';
import type { DetectionScores } from '../../../shared/training.ts';

export const MOST_POINTS = 50; // of a curve
export const MOST_WORST = 60; // pictures
export const MOST_CONFUSED = 200; // classes
const COUNTS_FROM = 0.5; // score of a detection that is a mistake when it is wrong
const SAME = 0.5; // IoU of a detection and the object that it is

/** A picture that is not learned from: what is marked in it, and what a detector found. */
export interface ScoredPicture {
  index: number; // among all pictures of the training
  path: string;
  truth: readonly MarkedObject[];
  found: readonly FoundObject[];
}

/** How a detector does on pictures that it has not learned from; see PrecisionTally. */
export function scoreDetections(pictures: readonly ScoredPicture[], classes: number): DetectionScores {
  const hasMasks =
    pictures.some(({ truth }) => truth.length > 0) &&
    pictures.every(({ truth }) => truth.every(({ counts }) => counts !== undefined));
  const boxes = new PrecisionTally('box');
  const masks = hasMasks ? new PrecisionTally('mask') : undefined;
  const confusion = Array.from({ length: classes + 1 }, () => new Array<number>(classes + 1).fill(0));
  const judged = pictures.map((picture) => {
    const compared = toCompared(picture);
    boxes.add(compared);
    masks?.add(compared);
    const matches = matchObjects(compared);
    for (const { truth = classes, found = classes } of matches) {
      const row = confusion[truth];
      if (row !== undefined) row[found] = (row[found] ?? 0) + 1;
    }
    const { index, path } = picture;
    const missed = matches.filter(({ found }) => found === undefined).length;
    const wrong = matches.filter(({ truth, found }) => found !== undefined && found !== truth).length;
    return { index, path, missed, wrong };
  });
  const [byBox, byMask] = [boxes.result([]), masks?.result([])];
  return {
    score: byBox.ap50 ?? 0,
    ap: byBox.ap ?? 0,
    ...(byMask && { maskAp50: byMask.ap50 ?? 0, maskAp: byMask.ap ?? 0 }),
    perClass: Array.from({ length: classes }, (_, index) => boxes.atHalf(index, MOST_POINTS)),
    ...(classes <= MOST_CONFUSED && { confusion }),
    worst: judged
      .filter(({ missed, wrong }) => missed + wrong > 0)
      .sort((one, other) => other.missed + other.wrong - one.missed - one.wrong || one.index - other.index)
      .slice(0, MOST_WORST),
  };
}

function toCompared({ truth, found }: ScoredPicture): ComparedImage {
  return {
    truth: truth.flatMap(({ classIndex, box, counts }) => (box ? [{ classIndex, box, counts }] : [])),
    found: found.flatMap(({ classIndex, box, counts, score = 0 }) =>
      box ? [{ classIndex, box, counts, score }] : [],
    ),
  };
}

/** An object and the detection that it is given, by their classes: one of them may be missing. */
interface Match {
  truth?: number;
  found?: number;
}

function matchObjects({ truth, found }: ComparedImage): Match[] {
  const free = new Set(truth);
  const counted = found
    .filter(({ score }) => score >= COUNTS_FROM)
    .sort((one, other) => other.score - one.score);
  const matches: Match[] = counted.map(({ classIndex, box }) => {
    const [best] = [...free]
      .map((object) => ({ object, iou: boxIou(object.box, box) }))
      .filter(({ iou }) => iou >= SAME)
      .sort(
        // Of objects at one place that of the same class.
        (one, other) =>
          other.iou - one.iou ||
          Number(other.object.classIndex === classIndex) - Number(one.object.classIndex === classIndex),
      );
    if (best === undefined) return { found: classIndex };
    free.delete(best.object);
    return { truth: best.object.classIndex, found: classIndex };
  });
  return [...matches, ...[...free].map(({ classIndex }) => ({ truth: classIndex }))];
}
