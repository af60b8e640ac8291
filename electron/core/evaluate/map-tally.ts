/** How class maps agree with the truth. Shares from 0 to 1. */
export interface MapScores {
  meanIou: number; // over the classes that are in the truth or in the maps; 0 without any
  pixelAccuracy: number; // share of the pixels whose class is right; 0 without any
  /** By class. `iou`: undefined where it is in neither. `pixels`: of it in the truth. */
  classes: { iou: number | undefined; pixels: number }[];
}

/** Pixels by their class in the truth and in a map. */
export class MapTally {
  readonly classes: number;
  unknown = 0; // pixels of classes beyond those
  readonly #truth: Float64Array;
  readonly #found: Float64Array;
  readonly #both: Float64Array;

  constructor(classes: number) {
    this.classes = classes;
    this.#truth = new Float64Array(classes);
    this.#found = new Float64Array(classes);
    this.#both = new Float64Array(classes);
  }

  /** Adds pixels whose class in the truth is known. `found`: their class in the map; -1 where it has none there. */
  add(truth: number, found: number, pixels: number): void {
    if (truth >= this.classes) {
      this.unknown += pixels;
      return;
    }
    increase(this.#truth, truth, pixels);
    if (found >= 0) increase(this.#found, found, pixels);
    if (truth === found) increase(this.#both, truth, pixels);
  }

  result(): MapScores {
    const classes = Array.from(this.#truth, (pixels, index) => {
      const both = this.#both[index] ?? 0;
      const union = pixels + (this.#found[index] ?? 0) - both;
      return { iou: union === 0 ? undefined : both / union, pixels };
    });
    const ious = classes.flatMap(({ iou }) => iou ?? []);
    const pixels = sum(this.#truth);
    return {
      meanIou: ious.length === 0 ? 0 : sum(ious) / ious.length,
      pixelAccuracy: pixels === 0 ? 0 : sum(this.#both) / pixels,
      classes,
    };
  }
}

function increase(counts: Float64Array, index: number, by: number): void {
  counts[index] = (counts[index] ?? 0) + by;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
