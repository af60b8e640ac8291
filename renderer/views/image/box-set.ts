import type { FinderSays, ImageDetails } from '../../../electron/shared/api/results.ts';
import type { HumanBox } from '../../../electron/shared/api/review.ts';
import type { Box } from '../../../electron/shared/engine-api.ts';
import { isSameBox } from './boxes.ts';

/** A box on a picture: the model's, or a person's in its place. */
export interface MarkedBox extends Box {
  label: string;
  /** The model's score, 0 to 1; undefined for a box that a person made or moved, or gave another class. */
  score: number | undefined;
  /** The detection that the box is or was made from. */
  detection: { runId: number; number: number } | undefined;
  /** What the finder said of it, of a run that finds first; undefined of a box that is not as it was found. */
  finder?: FinderSays | undefined;
  /** Number of the detection of this run whose mask the box still has. */
  mask: number | undefined;
}

type Found = Pick<ImageDetails, 'detections' | 'humanBoxes'> & { run: Pick<ImageDetails['run'], 'id'> };

/** The person's boxes where somebody has touched them, else the model's of at least `minScore`, best first. */
export function markedBoxes({ detections, humanBoxes, run }: Found, minScore: number): MarkedBox[] {
  if (humanBoxes === undefined) {
    return detections
      .filter(({ score }) => score >= minScore)
      .map(({ number, label, score, x, y, width, height, finder }) => ({
        x,
        y,
        width,
        height,
        label,
        score,
        detection: { runId: run.id, number },
        mask: number,
        finder,
      }));
  }
  return humanBoxes.map(({ label, x, y, width, height, detection }) => {
    const box = { x, y, width, height };
    const found = detections.find(({ number }) => detection?.runId === run.id && detection.number === number);
    const isUnmoved = found !== undefined && isSameBox(found, box);
    return {
      ...box,
      label,
      detection,
      score: isUnmoved && found.label === label ? found.score : undefined,
      mask: isUnmoved ? found.number : undefined,
      finder: isUnmoved ? found.finder : undefined,
    };
  });
}

/** The same boxes as a review stores them. */
export function toHumanBoxes(boxes: readonly MarkedBox[]): HumanBox[] {
  return boxes.map(({ label, x, y, width, height, detection }) => ({
    label,
    x,
    y,
    width,
    height,
    ...(detection && { detection }),
  }));
}

/** The box at another place: it loses its score and mask, which were for the old one. */
export function placed(box: MarkedBox, place: Box): MarkedBox {
  const { x, y, width, height } = place;
  return isSameBox(box, place)
    ? box
    : { ...box, x, y, width, height, score: undefined, mask: undefined, finder: undefined };
}

/** The box with another class: it loses its score, which was for the old one. */
export function relabelled(box: MarkedBox, label: string): MarkedBox {
  return box.label === label ? box : { ...box, label, score: undefined };
}

/** Classes of boxes with how many there are of each, most frequent first. */
export function countLabels(boxes: readonly Pick<MarkedBox, 'label'>[]): { label: string; count: number }[] {
  const counts = new Map<string, number>();
  for (const { label } of boxes) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts]
    .map(([label, count]) => ({ label, count }))
    .sort((one, other) => other.count - one.count || one.label.localeCompare(other.label));
}
