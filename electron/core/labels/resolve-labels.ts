import type { LabelRequest } from '../../shared/api/labels.ts';
import type { HumanBox } from '../../shared/api/review.ts';
import type {
  BoxScores,
  ClassProbability,
  LabelledDetection,
  Mask,
  Region,
} from '../../shared/engine-api.ts';
import type { SkipReason } from '../../shared/label-skips.ts';
import type { Task } from '../../shared/model-package.ts';
import type { Size } from '../../shared/resized-size.ts';
import { isDenseTask, TASKS } from '../../shared/tasks.ts';
import { TOP, topAreas, topFound } from '../../shared/top-found.ts';
import type { ToolOutcome } from '../store/tables/results.ts';
import type { ClassMap } from './class-map.ts';
import { frameOf, placeBox } from './place-boxes.ts';
import type { Frame } from './place-boxes.ts';
import { toFinder } from './staging.ts';
import type { Entry, StagedBox, Staging } from './staging.ts';

/** What an image becomes: a result of another tool, or a review; with its size where nobody knew it here. */
export interface ImageLabels {
  outcome?: ToolOutcome;
  review?: { label: string; boxes?: HumanBox[] | undefined };
  size?: Size;
}

export interface Counts {
  images: number;
  blank: number;
  failed: number;
  labels: number;
  boxes: number;
  masks: number;
}

export interface Resolution {
  staging: Staging;
  classes: ClassMap;
  /** Of a run whose boxes were found first: its finder's classes by their ids, each an index; else undefined. */
  finderClasses: ReadonlyMap<string, number> | undefined;
  purpose: LabelRequest['purpose']['kind'];
  /** Of a run: what the file holds; of reviews: what the run beside them does. */
  task: Task;
  minScore: number;
  /** Whether sizes that nobody knows stay unknown: what is a share of a side is placed all the same, to be counted. */
  isTrial: boolean;
}

/** A box that came through, with its class. */
type KeptBox = LabelledDetection & { name: string }; // of the class here

/** Makes of the entries of a file what they become, and counts. */
export class LabelResolver {
  readonly counts: Counts = { images: 0, blank: 0, failed: 0, labels: 0, boxes: 0, masks: 0 };
  readonly #of: Resolution;
  /** Whether the image that is being resolved has lost a box that its file has, but for a small score. */
  #isLosing = false;

  constructor(resolution: Resolution) {
    this.#of = resolution;
  }

  /** What an entry becomes; `known`: the size of its picture. Undefined where nothing of it comes in. */
  resolve(entry: Entry, known: Size | undefined): ImageLabels | undefined {
    const { purpose, task, staging } = this.#of;
    if (entry.failure !== null) return this.#failed(entry.failure);
    const labels = this.#labelsOf(entry);
    const stated = statedSize(entry);
    const size = known ?? staging.sizeOf(entry.imageId ?? 0) ?? stated;
    const staged = staging.boxesOf(entry.key);
    const boxes = this.#boxesOf(entry, staged, size, stated);
    if (boxes === undefined) return undefined; // what lies where is not known, so neither is that nothing does
    const isStated = staging.labelsOf(entry.key).length > 0;
    if (!isDenseTask(task) && isStated && labels.length === 0) return undefined; // nor what an image shows
    if (purpose === 'reviews' && boxes.length === 0 && this.#isLosing) return undefined;
    const made =
      purpose === 'reviews'
        ? this.#review(entry, labels, boxes)
        : { outcome: this.#outcome(entry, labels, boxes, size, task) };
    if (made === undefined) return undefined;
    this.counts.images++;
    return { ...made, ...(known === undefined && size !== undefined && { size }) };
  }

  #failed(reason: string): ImageLabels | undefined {
    if (this.#of.purpose === 'reviews') return undefined;
    this.counts.images++;
    this.counts.failed++;
    return { outcome: { status: 'failed', reason } };
  }

  #skip(reason: SkipReason, where: string): void {
    this.#of.staging.skip(reason, where);
  }

  /** The labels of the whole image, best first, each once. */
  #labelsOf(entry: Entry): { name: string; score: number }[] {
    const { classes, staging } = this.#of;
    const best = new Map<string, number>();
    for (const { classId, score, origin } of staging.labelsOf(entry.key)) {
      const known = classes.get(classId);
      if (known === undefined) {
        this.#skip('badClass', origin);
        continue;
      }
      known.labels++;
      if (known.becomes === null) this.#skip('leftOut', origin);
      else if (!best.has(known.becomes)) best.set(known.becomes, this.#score(score, origin));
    }
    return [...best].map(([name, score]) => ({ name, score })).sort((one, other) => other.score - one.score);
  }

  #score(score: number | null, origin: string): number {
    if (isOutside(score)) this.#skip('badScore', origin);
    return inRange(score);
  }

  /** The boxes of an image, best first; undefined when they cannot be placed. */
  #boxesOf(
    entry: Entry,
    staged: readonly StagedBox[],
    size: Size | undefined,
    stated: Size | undefined,
  ): KeptBox[] | undefined {
    if (staged.length === 0) return [];
    const frame = this.#frame(entry, staged, size, stated);
    if (frame === undefined) return undefined;
    this.#isLosing = false;
    const kept: KeptBox[] = [];
    const seen = new Set<string>();
    for (const one of staged) {
      const box = this.#keep(one, frame);
      if (box === 'small') continue;
      if (box === undefined) {
        this.#isLosing = true;
        continue;
      }
      const { x, y, width, height } = box.box;
      const same = JSON.stringify([one.classId, toFinder(one)?.classId, x, y, width, height]);
      if (seen.has(same)) this.#skip('sameBox', one.origin);
      else kept.push(box);
      seen.add(same);
    }
    return kept.sort((one, other) => other.score - one.score);
  }

  #frame(
    entry: Entry,
    staged: readonly StagedBox[],
    size: Size | undefined,
    stated: Size | undefined,
  ): Frame | undefined {
    if (size === undefined) {
      const allShares = staged.every(({ isShare }) => isShare === 1);
      if (this.#of.isTrial && allShares) return frameOf({ width: 1000, height: 1000 }, undefined);
      this.#skip('noSize', entry.origin);
      return undefined;
    }
    const frame = frameOf(size, stated);
    if (frame === undefined) this.#skip('otherSize', entry.origin);
    else if (frame.scale.x !== 1 || frame.scale.y !== 1) this.#skip('scaled', entry.origin);
    return frame;
  }

  /** Undefined for a box that is lost, and `small` for one whose score is. */
  #keep(staged: StagedBox, frame: Frame): KeptBox | 'small' | undefined {
    const { classes, minScore } = this.#of;
    const { origin } = staged;
    const known = classes.get(staged.classId);
    if (known === undefined) {
      this.#skip('badClass', origin);
      return undefined;
    }
    known.boxes++;
    if (known.becomes === null || known.becomes === '') {
      this.#skip('leftOut', origin);
      return undefined;
    }
    const scores = this.#scores(staged);
    if (scores === undefined) {
      this.#skip('badClass', origin);
      return undefined;
    }
    const { score, both } = scores;
    if ((both?.found ?? score) < minScore) {
      this.#skip('belowScore', origin);
      return 'small';
    }
    const placed = placeBox(staged, frame, (reason) => this.#skip(reason, origin));
    if (placed === undefined) return undefined;
    const { box, mask } = placed;
    const classIndex = classes.indexOf(known.becomes);
    return { name: known.becomes, classIndex, score, box, mask, scores: both };
  }

  /**
   * The score that holds, and those of both models where the box was found first: a box that nobody labelled further has the
   * finder's class. Undefined where the finder's class has no name.
   */
  #scores(staged: StagedBox): { score: number; both: BoxScores | undefined } | undefined {
    const { finderClasses } = this.#of;
    const { origin, score } = staged;
    const finder = toFinder(staged);
    if (finderClasses === undefined)
      return { score: this.#score(score ?? finder?.score ?? null, origin), both: undefined };
    const classIndex = finderClasses.get(finder?.classId ?? staged.classId);
    if (classIndex === undefined) return undefined;
    const ofFinder = finder === undefined ? score : (finder.score ?? null);
    const ofLabel = finder?.labelScore ?? null;
    if ([score, ofFinder, ofLabel].some(isOutside)) this.#skip('badScore', origin); // a box, however many of its scores
    const [found, label] = [inRange(ofFinder), ofLabel === null ? undefined : inRange(ofLabel)];
    return {
      score: score === null ? found * (label ?? 1) : inRange(score),
      both: { classIndex, found, label },
    };
  }

  #outcome(
    entry: Entry,
    labels: readonly { name: string; score: number }[],
    boxes: readonly KeptBox[],
    size: Size | undefined,
    task: Task,
  ): ToolOutcome {
    const { counts } = this;
    if (!isDenseTask(task)) {
      const top: ClassProbability[] = labels
        .filter(({ name }) => name !== '')
        .slice(0, TOP)
        .map(({ name, score }) => ({ classIndex: this.#of.classes.indexOf(name), confidence: score }));
      counts.labels += top.length;
      if (top.length === 0) counts.blank++;
      return { status: 'ok', top };
    }
    for (const { name } of labels) if (name !== '') this.#skip('imageLabels', entry.origin);
    const masks = boxes.filter(({ mask }) => mask !== undefined);
    counts.masks += masks.length;
    if (boxes.length === 0) counts.blank++;
    if (TASKS[task].foundIn === 'masks') {
      const regions = regionsOf(masks);
      return { status: 'ok', top: topAreas(regions, (size?.width ?? 1) * (size?.height ?? 1)), regions };
    }
    counts.boxes += boxes.length;
    const detections = boxes.map(({ classIndex, score, box, mask, scores }): LabelledDetection => ({
      classIndex,
      score,
      box,
      ...(mask && { mask }),
      ...(scores && { scores }),
    }));
    return { status: 'ok', top: topFound(detections), detections };
  }

  /** A review holds one label or boxes, whichever the run beside it has. */
  #review(
    entry: Entry,
    labels: readonly { name: string }[],
    boxes: readonly KeptBox[],
  ): Pick<ImageLabels, 'review'> | undefined {
    const { staging, task } = this.#of;
    const { counts } = this;
    const marked = TASKS[staging.found].hasScores;
    const [first, ...others] =
      labels.length > 0 ? labels : marked ? (boxes.length > 0 ? boxes : [{ name: '' }]) : [];
    if (first === undefined) return undefined; // the file says nothing of it that comes in
    if (first.name === '') counts.blank++;
    if (!TASKS[task].hasScores || !marked) {
      if (others.some(({ name }) => name !== first.name)) this.#skip('secondLabels', entry.origin);
      if (first.name !== '') counts.labels++;
      return { review: { label: first.name } };
    }
    for (const { mask } of boxes) if (mask !== undefined) this.#skip('noMasks', entry.origin);
    counts.boxes += boxes.length;
    const held = boxes.map(({ name, box }): HumanBox => ({ label: name, ...box }));
    return { review: { label: held[0]?.label ?? '', boxes: held } };
  }
}

function isOutside(score: number | null): boolean {
  return score !== null && !(score >= 0 && score <= 1);
}

/** A score brought into 0 to 1; what none is stated of is certain. */
function inRange(score: number | null): number {
  return score === null ? 1 : Math.min(1, Math.max(0, score)) || 0;
}

function statedSize({ width, height }: Entry): Size | undefined {
  return width === null || height === null ? undefined : { width, height };
}

/** The area of each class, largest first. A file has one mask for each. */
function regionsOf(boxes: readonly { classIndex: number; mask?: Mask | undefined }[]): Region[] {
  const regions = boxes.flatMap(({ classIndex, mask }) => (mask === undefined ? [] : [{ classIndex, mask }]));
  return regions.sort((one, other) => other.mask.area - one.mask.area);
}
