import type { Detection, ImageOutcome } from '../../shared/engine-api.ts';
import { intersectionArea } from '../../shared/mask.ts';
import type { Task } from '../../shared/model-package.ts';
import { averagePrecision } from '../evaluate/average-precision.ts';

type Predicted = Extract<ImageOutcome, { status: 'ok' }>;

/** How far the predictions of a point are those of Accurate, gathered image by image. */
export interface Agreement {
  add(accurate: Predicted, other: Predicted): void;
  /** As CalibrationPoint counts it: from none of the images to all of them. */
  agreeing(): number;
}

export function makeAgreement(task: Task): Agreement {
  const kinds = { classification: LabelAgreement, segmentation: MapAgreement, detection: BoxAgreement };
  return new kinds[task]();
}

/** The share of images with the same best class. */
class LabelAgreement implements Agreement {
  #same = 0;

  add(accurate: Predicted, other: Predicted): void {
    if (accurate.top[0]?.classIndex === other.top[0]?.classIndex) this.#same++;
  }

  agreeing(): number {
    return this.#same;
  }
}

/** The mean over the classes of the intersection of their regions in all images over the union of these. */
class MapAgreement implements Agreement {
  #images = 0;
  readonly #classes = new Map<number, { intersection: number; area: number }>(); // area: of both, added

  add(accurate: Predicted, other: Predicted): void {
    this.#images++;
    const theirs = new Map(other.regions?.map(({ classIndex, mask }) => [classIndex, mask]));
    for (const { classIndex, mask } of accurate.regions ?? []) {
      const match = theirs.get(classIndex);
      theirs.delete(classIndex);
      const intersection = match === undefined ? 0 : intersectionArea(mask.counts, match.counts);
      this.#count(classIndex, intersection, mask.area + (match?.area ?? 0));
    }
    for (const [classIndex, mask] of theirs) this.#count(classIndex, 0, mask.area);
  }

  agreeing(): number {
    const classes = [...this.#classes.values()];
    const sum = classes.reduce(
      (total, { intersection, area }) => total + intersection / (area - intersection),
      0,
    );
    return classes.length === 0 ? 0 : (sum / classes.length) * this.#images;
  }

  #count(classIndex: number, intersection: number, area: number): void {
    const before = this.#classes.get(classIndex) ?? { intersection: 0, area: 0 };
    this.#classes.set(classIndex, {
      intersection: before.intersection + intersection,
      area: before.area + area,
    });
  }
}

/** What Accurate finds with at least this score is the truth that a point is measured by. */
const TRUE_SCORE = 0.5;

/** The average precision (IoU .50) against what Accurate found. */
class BoxAgreement implements Agreement {
  readonly #images: { truth: Detection[]; found: Detection[] }[] = [];

  add(accurate: Predicted, other: Predicted): void {
    this.#images.push({
      truth: (accurate.detections ?? []).filter(({ score }) => score >= TRUE_SCORE),
      found: other.detections ?? [],
    });
  }

  agreeing(): number {
    return (averagePrecision(this.#images, []).ap50 ?? 1) * this.#images.length; // undefined: nothing to find
  }
}
