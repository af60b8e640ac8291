import type { AveragePrecision } from '../../shared/api/results.ts';
import type { Box } from '../../shared/engine-api.ts';
import { decodeRuns, runsArea, runsIntersection } from '../../shared/mask.ts';
import { spread } from '../../shared/spread.ts';
import type { ClassPrecision, PrecisionPoint } from '../../shared/training.ts';

/** What somebody marked in an image. */
export interface TruthObject {
  classIndex: number;
  box: Box;
  counts?: string | undefined; // of its mask; all objects that are compared by masks need one
  area?: number | undefined; // pixels, as the truth states it; else the mask's or the box's
  crowd?: boolean | undefined; // many objects in one: nothing is expected there, and what is found there is no mistake
}

/** What a model found in an image. */
export interface FoundObject {
  classIndex: number;
  score: number;
  box: Box;
  counts?: string | undefined;
}

export interface ComparedImage {
  truth: readonly TruthObject[];
  found: readonly FoundObject[];
}

const THRESHOLDS = [0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95]; // IoU
/** Products and not quotients, as COCO's are: 35 * 0.01 is more than the recall 7 / 20. */
const RECALLS = Array.from({ length: 101 }, (_, step) => step * 0.01);
const MOST_FOUND = 100; // per image and class
const SMALL = 32 ** 2;
const LARGE = 96 ** 2;
/** Areas in pixels, both ends included. */
const RANGES = {
  all: [0, Infinity],
  small: [0, SMALL],
  medium: [SMALL, LARGE],
  large: [LARGE, Infinity],
} as const;
type Range = keyof typeof RANGES;
const RANGE_NAMES = Object.keys(RANGES) as Range[];

/** The average precision of all images; see PrecisionTally. */
export function averagePrecision(
  images: Iterable<ComparedImage>,
  labels: readonly string[],
  kind: 'box' | 'mask' = 'box',
): AveragePrecision {
  const tally = new PrecisionTally(kind);
  for (const image of images) tally.add(image);
  return tally.result(labels);
}

/**
 * Average precision by COCO's rules (arXiv 1405.0312, section 5 of the appendix; its evaluation server): precision at 101
 * recalls, of at most 100 detections per image and class, over ten thresholds of IoU. Truth that is a crowd or outside the
 * range of areas counts neither as found nor as missed, nor do detections that match it, nor unmatched ones outside the
 * range.
 */
export class PrecisionTally {
  readonly #kind: 'box' | 'mask';
  readonly #classes = new Map<number, ClassTally>();

  constructor(kind: 'box' | 'mask') {
    this.#kind = kind;
  }

  add({ truth, found }: ComparedImage): void {
    const byClass = new Map<number, { truth: Shape[]; found: ScoredShape[] }>();
    const of = (classIndex: number) => {
      const objects = byClass.get(classIndex) ?? { truth: [], found: [] };
      byClass.set(classIndex, objects);
      return objects;
    };
    for (const one of truth) {
      const shape = this.#shape(one);
      of(one.classIndex).truth.push({ ...shape, area: one.area ?? shape.area, crowd: one.crowd === true });
    }
    for (const one of found) of(one.classIndex).found.push({ ...this.#shape(one), score: one.score });
    for (const [classIndex, objects] of byClass) {
      const tally = this.#classes.get(classIndex) ?? new ClassTally();
      this.#classes.set(classIndex, tally);
      tally.add(objects.truth, objects.found);
    }
  }

  /** `labels`: by class; those that occur are listed, in their order. */
  result(labels: readonly string[]): AveragePrecision {
    const classes = [...this.#classes].sort(([one], [other]) => one - other);
    const precisions = (range: Range) => classes.map(([, tally]) => tally.precisions(range));
    const all = precisions('all');
    const at = (threshold: number) => mean(all.map((list) => list?.[THRESHOLDS.indexOf(threshold)]));
    const over = (lists: (number[] | undefined)[]) => mean(lists.map((list) => mean(list ?? [])));
    return {
      ap: over(all),
      ap50: at(0.5),
      ap75: at(0.75),
      small: over(precisions('small')),
      medium: over(precisions('medium')),
      large: over(precisions('large')),
      classes: classes.map(([classIndex, tally], index) => ({
        label: labels[classIndex] ?? `class ${classIndex}`,
        ap: mean(all[index] ?? []),
        objects: tally.objects,
      })),
    };
  }

  /** How a class does where half of the union must be shared; `most`: points of its curve. */
  atHalf(classIndex: number, most: number): ClassPrecision {
    const tally = this.#classes.get(classIndex);
    const curve = tally?.curve() ?? [];
    return {
      ap50: tally?.precisions('all')?.[THRESHOLDS.indexOf(0.5)],
      objects: tally?.objects ?? 0,
      precisionRecall: spread(curve.length > most ? rising(curve) : curve, most),
    };
  }

  #shape({ box, counts }: { box: Box; counts?: string | undefined }): Omit<Shape, 'crowd'> {
    const runs = this.#kind === 'mask' ? decodeRuns(counts ?? '') : undefined;
    const area = runs === undefined ? box.width * box.height : runsArea(runs);
    return { box, runs, size: area, area };
  }
}

/** The points at which one more object was found: those between have the same recall, and less precision. */
function rising(points: readonly PrecisionPoint[]): PrecisionPoint[] {
  return points.filter(({ recall }, index) => recall > (points[index - 1]?.recall ?? 0));
}

/** An object as it is compared: by its box, or by the runs of its mask. */
interface Shape {
  box: Box;
  runs: number[] | undefined;
  size: number; // pixels, of what is compared
  area: number; // pixels, by which it is small or large
  crowd: boolean;
}

type ScoredShape = Omit<Shape, 'crowd'> & { score: number };

/** What became of the detections of a class: one bit for each threshold of IoU. */
interface Outcomes {
  matched: number[];
  ignored: number[];
  expected: number; // objects of the truth that count
}

class ClassTally {
  readonly #scores: number[] = [];
  readonly #outcomes = Object.fromEntries(
    RANGE_NAMES.map((range) => [range, { matched: [], ignored: [], expected: 0 }]),
  ) as unknown as Record<Range, Outcomes>;

  /** Objects that are expected, of every size. */
  get objects(): number {
    return this.#outcomes.all.expected;
  }

  add(truth: readonly Shape[], found: readonly ScoredShape[]): void {
    const best = [...found].sort((one, other) => other.score - one.score).slice(0, MOST_FOUND);
    const overlaps = best.map((one) => truth.map((other) => overlap(one, other)));
    for (const { score } of best) this.#scores.push(score);
    for (const range of RANGE_NAMES) {
      const [least, most] = RANGES[range];
      const outside = ({ area }: { area: number }) => area < least || area > most;
      const counted = truth.map((one, index) => ({ index, ignored: one.crowd || outside(one) }));
      // Those that count come first: a detection is given one that does not only when it fits none that does.
      const order = [
        ...counted.filter(({ ignored }) => !ignored),
        ...counted.filter(({ ignored }) => ignored),
      ];
      const outcomes = this.#outcomes[range];
      outcomes.expected += counted.filter(({ ignored }) => !ignored).length;
      const matched = best.map(() => 0);
      const ignored = best.map((one) => (outside(one) ? (1 << THRESHOLDS.length) - 1 : 0));
      for (const [bit, threshold] of THRESHOLDS.entries()) {
        const taken = new Set<number>();
        for (const [index, row] of overlaps.entries()) {
          const match = bestMatch(row, order, truth, taken, threshold);
          if (match === undefined) continue;
          taken.add(match.index);
          matched[index] = (matched[index] ?? 0) | (1 << bit);
          ignored[index] = withBit(ignored[index] ?? 0, bit, match.ignored);
        }
      }
      outcomes.matched.push(...matched);
      outcomes.ignored.push(...ignored);
    }
  }

  /** The mean precision over all recalls, by threshold; undefined where nothing was expected. */
  precisions(range: Range): number[] | undefined {
    const { matched, ignored, expected } = this.#outcomes[range];
    if (expected === 0) return undefined;
    const order = this.#order();
    return THRESHOLDS.map((_, bit) => {
      const right = order.filter((index) => !isSet(ignored[index], bit));
      return meanPrecision(
        right.map((index) => isSet(matched[index], bit)),
        expected,
      );
    });
  }

  /** Recall and precision at an IoU of 0.5 for every score that there is; none where nothing was expected. */
  curve(): PrecisionPoint[] {
    const { matched, ignored, expected } = this.#outcomes.all;
    if (expected === 0) return [];
    const bit = THRESHOLDS.indexOf(0.5);
    const counted = this.#order().filter((index) => !isSet(ignored[index], bit));
    let hits = 0;
    const points = counted.map((index, rank) => {
      if (isSet(matched[index], bit)) hits++;
      return { recall: hits / expected, precision: hits / (rank + 1), score: this.#scores[index] ?? 0 };
    });
    return points.filter(({ score }, index) => points[index + 1]?.score !== score);
  }

  /** Indices of the detections by falling score. */
  #order(): number[] {
    const order = this.#scores.map((_, index) => index);
    return order.sort((one, other) => (this.#scores[other] ?? 0) - (this.#scores[one] ?? 0));
  }
}

/** The object of the truth that a detection is given: of those that are free, the one that it overlaps most. */
function bestMatch(
  overlaps: readonly number[],
  order: readonly { index: number; ignored: boolean }[],
  truth: readonly Shape[],
  taken: ReadonlySet<number>,
  threshold: number,
): { index: number; ignored: boolean } | undefined {
  let match: (typeof order)[number] | undefined;
  let least = Math.min(threshold, 1 - 1e-10);
  for (const candidate of order) {
    if (taken.has(candidate.index) && truth[candidate.index]?.crowd !== true) continue;
    if (match !== undefined && !match.ignored && candidate.ignored) break;
    const overlapped = overlaps[candidate.index] ?? 0;
    if (overlapped < least) continue;
    least = overlapped;
    match = candidate;
  }
  return match;
}

/** `right`: of detections by falling score, whether each is. */
function meanPrecision(right: readonly boolean[], expected: number): number {
  const recalls: number[] = [];
  const precisions: number[] = [];
  let hits = 0;
  for (const [index, isRight] of right.entries()) {
    if (isRight) hits++;
    recalls.push(hits / expected);
    precisions.push(hits / (index + 1));
  }
  for (let index = precisions.length - 2; index >= 0; index--)
    precisions[index] = Math.max(precisions[index] ?? 0, precisions[index + 1] ?? 0);
  let reached = 0; // index of the first detection with this recall
  let sum = 0;
  for (const recall of RECALLS) {
    while (reached < recalls.length && (recalls[reached] ?? 0) < recall) reached++;
    sum += precisions[reached] ?? 0;
  }
  return sum / RECALLS.length;
}

/** Intersection over union; over the detection alone where the truth is a crowd. */
function overlap(found: ScoredShape, truth: Shape): number {
  const shared =
    found.runs === undefined || truth.runs === undefined
      ? boxIntersection(found.box, truth.box)
      : runsIntersection(found.runs, truth.runs);
  const whole = truth.crowd ? found.size : found.size + truth.size - shared;
  return whole === 0 ? 0 : shared / whole;
}

function boxIntersection(one: Box, other: Box): number {
  const width = Math.min(one.x + one.width, other.x + other.width) - Math.max(one.x, other.x);
  const height = Math.min(one.y + one.height, other.y + other.height) - Math.max(one.y, other.y);
  return width > 0 && height > 0 ? width * height : 0;
}

/** Intersection over union of two boxes. */
export function boxIou(one: Box, other: Box): number {
  const shared = boxIntersection(one, other);
  const whole = one.width * one.height + other.width * other.height - shared;
  return whole === 0 ? 0 : shared / whole;
}

function isSet(bits: number | undefined, bit: number): boolean {
  return (((bits ?? 0) >> bit) & 1) === 1;
}

function withBit(bits: number, bit: number, value: boolean): number {
  return value ? bits | (1 << bit) : bits & ~(1 << bit);
}

/** Of the numbers among the values; undefined when there are none. */
function mean(values: readonly (number | undefined)[]): number | undefined {
  const numbers = values.filter((value) => value !== undefined);
  return numbers.length === 0 ? undefined : numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}
