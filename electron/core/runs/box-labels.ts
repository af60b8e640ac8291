import type { Box, ClassProbability, LabelledDetection } from '../../shared/engine-api.ts';
import type { LabelRule } from '../../shared/run.ts';

const TOP = 5;

/** Pixels; undefined where the size of a picture is not known. */
interface MaybeSize {
  width: number | undefined;
  height: number | undefined;
}

/**
 * What is cut out of a picture for a box: a square around its centre, whose side is the box's longer one and on either side
 * `margin` of that. Classifiers learn from the centre square of a picture, so a square is what nothing of the box is cut off
 * of. It is moved into the picture where it reaches out, and cut where the picture is smaller. In whole pixels.
 */
export function cropOf(box: Box, margin: number, { width, height }: MaybeSize): Box {
  const side = Math.max(1, Math.round(Math.max(box.width, box.height) * (1 + 2 * margin)));
  const [x, across] = span(box.x + box.width / 2, side, width ?? Infinity);
  const [y, down] = span(box.y + box.height / 2, side, height ?? Infinity);
  return { x, y, width: across, height: down };
}

/** First pixel and length of a span around a centre, inside of so many pixels. */
function span(centre: number, length: number, pixels: number): [number, number] {
  const inside = Math.min(length, pixels);
  const first = Math.min(Math.max(0, Math.round(centre - inside / 2)), pixels - inside);
  return [first, inside];
}

/** A box before and after it was labelled. */
export interface LabelledBox {
  found: { classIndex: number; score: number };
  /** The classifier's best class, or the finder's own where it is passed through, by its index in the run's classes. */
  label: { classIndex: number; score: number | undefined };
}

/** The box with what holds of it: the label, and the product of both scores, the finder's alone where its label was kept. */
export function joinScores(
  { found, label }: LabelledBox,
  place: Pick<LabelledDetection, 'box' | 'mask'>,
): LabelledDetection {
  return {
    ...place,
    classIndex: label.classIndex,
    score: found.score * (label.score ?? 1),
    scores: { classIndex: found.classIndex, found: found.score, label: label.score },
  };
}

/** Boxes with the best score first; of equal ones as they came. */
export function bestFirst(boxes: readonly LabelledDetection[]): LabelledDetection[] {
  return [...boxes].sort((one, other) => other.score - one.score);
}

/**
 * The classes of an image's boxes by a rule, the image's label first, with the score of the best box of each: `best` and
 * `all` by that score, `most` by the number of boxes and then by it. `boxes`: best first.
 */
export function imageLabels(boxes: readonly LabelledDetection[], rule: LabelRule): ClassProbability[] {
  const classes = new Map<number, { count: number; confidence: number }>();
  for (const { classIndex, score } of boxes) {
    const known = classes.get(classIndex);
    classes.set(classIndex, { count: (known?.count ?? 0) + 1, confidence: known?.confidence ?? score });
  }
  const labels = [...classes].map(([classIndex, one]) => ({ classIndex, ...one }));
  if (rule === 'most') labels.sort((one, other) => other.count - one.count); // stable: the better score of equal ones
  return labels.slice(0, TOP).map(({ classIndex, confidence }) => ({ classIndex, confidence }));
}
