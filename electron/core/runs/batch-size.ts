/** Sizes that are tried, in this order; the first is also what a run starts with. */
const CANDIDATES = [16, 32, 8] as const;
const BATCHES_PER_CANDIDATE = 3;
/** A larger batch must be so much faster to be worth its memory and its later answers. */
const WORTH = 1.03;

/**
 * How many images of a run are predicted and saved together. The first batches of a run are of different sizes; the
 * size whose images took the engine least stays, a smaller one where it is nearly as fast.
 */
export class BatchSize {
  readonly #taken = new Map<number, number[]>(); // milliseconds per image of the batches of each size
  #settled: number | undefined;

  /** `fixed`: the size that a person asked for; the others are not tried. */
  constructor(fixed?: number) {
    this.#settled = fixed;
  }

  /** Images of the next batch. */
  get next(): number {
    return this.#settled ?? CANDIDATES.find((size) => !this.#isMeasured(size)) ?? CANDIDATES[0];
  }

  /**
   * Hears what a batch took of the engine. Batches of another size than was asked for, such as the last one, say
   * nothing.
   */
  note(images: number, millisecondsPerImage: number): void {
    if (this.#settled !== undefined || !CANDIDATES.some((size) => size === images)) return;
    const times = this.#taken.get(images) ?? [];
    this.#taken.set(images, [...times, millisecondsPerImage]);
    if (CANDIDATES.every((size) => this.#isMeasured(size))) this.#settled = this.#best();
  }

  #isMeasured(size: number): boolean {
    return (this.#taken.get(size)?.length ?? 0) >= BATCHES_PER_CANDIDATE;
  }

  #best(): number {
    const sizes = [...CANDIDATES].sort((one, other) => one - other);
    const took = (size: number) => Math.min(...(this.#taken.get(size) ?? [Infinity]));
    const fastest = Math.min(...sizes.map(took));
    return sizes.find((size) => took(size) <= fastest * WORTH) ?? CANDIDATES[0];
  }
}
