import type { LabelClass, LabelRequest } from '../../shared/api/labels.ts';
import type { HumanBox } from '../../shared/api/review.ts';
import type { BoxScores, ClassProbability, LabelledDetection } from '../../shared/engine-api.ts';
import type { SkipReason } from '../../shared/label-skips.ts';
import type { Task } from '../../shared/model-package.ts';
import type { Size } from '../../shared/resized-size.ts';
import { isDenseTask, TASKS } from '../../shared/tasks.ts';
import { TOP, topAreas, topFound } from '../../shared/top-found.ts';
import type { ToolOutcome } from '../store/tables/results.ts';
import type { ClassMap } from './class-map.ts';
import { mergeRegions } from './merge-regions.ts';
import { frameOf, placeBox } from './place-boxes.ts';
import type { Frame } from './place-boxes.ts';
import type { Staging } from './staging.ts';
import { toFinder } from './staging-tables.ts';
import type { Entry, StagedBox } from './staging-tables.ts';

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

/** A box that came through, with its class: what that is called here, and which of the file it is. */
type KeptBox = LabelledDetection & { name: string; of: LabelClass };

/** A label of a whole image, likewise. */
interface KeptLabel {
  name: string;
  of: LabelClass;
  score: number;
}

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

  /** The labels of the whole image, best first, each once and with its best score. */
  #labelsOf(entry: Entry): KeptLabel[] {
    const { classes, staging } = this.#of;
    const best = new Map<string, KeptLabel>();
    for (const { classId, score, origin } of staging.labelsOf(entry.key)) {
      const of = classes.get(classId);
      if (of === undefined) {
        this.#skip('badClass', origin);
        continue;
      }
      const name = of.becomes;
      if (name === null) {
        this.#skip('leftOut', origin);
        continue;
      }
      const label = { name, of, score: this.#score(score, origin) };
      if (label.score > (best.get(name)?.score ?? -1)) best.set(name, label);
    }
    return [...best.values()].sort((one, other) => other.score - one.score);
  }

  #score(score: number | null, origin: string): number {
    if (isOutside(score)) this.#skip('badScore', origin);
    return inRange(score);
  }

  /** The boxes of an image, best first, and areas in the order of the file; undefined when they cannot be placed. */
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
      const same = JSON.stringify([
        one.classId,
        toFinder(one)?.classId,
        x,
        y,
        width,
        height,
        box.mask?.counts,
      ]);
      if (seen.has(same)) this.#skip('sameBox', one.origin);
      else kept.push(box);
      seen.add(same);
    }
    if (TASKS[this.#of.task].foundIn === 'masks') return kept;
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
    return { name: known.becomes, of: known, classIndex, score, box, mask, scores: both };
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
    labels: readonly KeptLabel[],
    boxes: readonly KeptBox[],
    size: Size | undefined,
    task: Task,
  ): ToolOutcome {
    const { counts } = this;
    const named = labels.filter(({ name }) => name !== '');
    if (!isDenseTask(task)) {
      for (const { of } of labels.filter(({ name }) => name === '')) of.labels++;
      const kept = named.slice(0, TOP);
      for (const { of } of kept) of.labels++;
      for (let index = TOP; index < named.length; index++) this.#skip('moreLabels', entry.origin);
      const top = kept.map(({ name, score }): ClassProbability => {
        return { classIndex: this.#of.classes.indexOf(name), confidence: score };
      });
      counts.labels += top.length;
      if (top.length === 0) counts.blank++;
      return { status: 'ok', top };
    }
    for (let index = 0; index < named.length; index++) this.#skip('imageLabels', entry.origin);
    const masks = boxes.filter(({ mask }) => mask !== undefined);
    counts.masks += masks.length;
    if (TASKS[task].foundIn === 'masks') return this.#areas(entry, boxes, size);
    if (boxes.length === 0) counts.blank++;
    counts.boxes += boxes.length;
    for (const { of } of boxes) of.boxes++;
    const detections = boxes.map(({ classIndex, score, box, mask, scores }): LabelledDetection => ({
      classIndex,
      score,
      box,
      ...(mask && { mask }),
      ...(scores && { scores }),
    }));
    return { status: 'ok', top: topFound(detections), detections };
  }

  /** What a segmentation model says: an area for each class. */
  #areas({ origin }: Entry, boxes: readonly KeptBox[], size: Size | undefined): ToolOutcome {
    const masks = boxes.flatMap(({ classIndex, mask, of }) => (mask ? { classIndex, mask, of } : []));
    for (const { of } of masks) of.boxes++;
    for (let index = masks.length; index < boxes.length; index++) this.#skip('noMask', origin);
    if (masks.length === 0) this.counts.blank++;
    const pixels = (size?.width ?? 1) * (size?.height ?? 1);
    const areas = masks.map(({ classIndex, mask }) => ({ classIndex, mask }));
    const regions = mergeRegions(areas, pixels);
    return { status: 'ok', top: topAreas(regions, pixels), regions };
  }

  /** A review holds one label or boxes, whichever the run beside it has. */
  #review(
    entry: Entry,
    labels: readonly KeptLabel[],
    boxes: readonly KeptBox[],
  ): Pick<ImageLabels, 'review'> | undefined {
    const { staging, task } = this.#of;
    const { counts } = this;
    const marked = TASKS[staging.found].hasScores;
    const found = labels.length > 0 ? labels : marked ? boxes : [];
    const [first, ...others] = found;
    if (first === undefined && !marked) {
      for (let index = 0; index < boxes.length; index++) this.#skip('onlyAreas', entry.origin);
      return undefined; // the file says nothing of it that comes in
    }
    if (first === undefined || first.name === '') counts.blank++;
    if (!TASKS[task].hasScores || !marked) {
      if (others.some(({ name }) => name !== first?.name)) this.#skip('secondLabels', entry.origin);
      if (first !== undefined) first.of.labels++;
      if (first !== undefined && first.name !== '') counts.labels++;
      return { review: { label: first?.name ?? '' } };
    }
    for (const { mask } of boxes) if (mask !== undefined) this.#skip('noMasks', entry.origin);
    counts.boxes += boxes.length;
    for (const { of } of boxes) of.boxes++;
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
