import type { ModelPackage } from '../../shared/model-package.ts';
import type { Device } from '../../shared/run.ts';
import { TASKS } from '../../shared/tasks.ts';

/** Images of a batch on a GPU at most; more are no faster, and saved later. */
const MOST_ON_GPU = 256;
/** Memory that a forward pass takes per patch and channel, with room: activations between the steps of a block. */
const BYTES_PER_CHANNEL = 128;
/** Share of the free memory that is used; the rest is for whatever else uses the GPU meanwhile. */
const SHARE_OF_FREE = 0.8;

/**
 * Images of a classifier's batch that a GPU's free memory has room for, a power of two; undefined for the processor. It is
 * an estimate: where it is too large, the engine cuts the batches.
 */
export function gpuBatch({ gpu }: Device, { manifest, bytes }: ModelPackage): number | undefined {
  if (gpu === undefined) return undefined;
  const { imageSize, stride, embedDim } = manifest;
  const patches = Math.floor(imageSize / stride) ** 2;
  const perImage = patches * embedDim * BYTES_PER_CHANNEL;
  const fitting = (SHARE_OF_FREE * gpu.freeBytes - bytes) / perImage;
  return 2 ** Math.floor(Math.log2(Math.min(MOST_ON_GPU, Math.max(1, fitting))));
}

/** Images of a batch of a model that predicts them one by one: a larger batch would be no faster, and saved later. */
const DENSE_BATCH = 4;

/** Images of a batch of a model on a device; undefined where the processor finds the best number itself. */
export function usualBatch(device: Device, model: ModelPackage): number | undefined {
  return TASKS[model.manifest.task].isDense ? DENSE_BATCH : gpuBatch(device, model);
}

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

  /** Hears how long the engine took for a batch. A size that is not tried, such as the last batch's, is ignored. */
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
