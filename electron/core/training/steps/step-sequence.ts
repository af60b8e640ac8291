import type { StepRequest, TrainingExample } from '../../../shared/trainer-api.ts';
import type { TrainingPicture } from '../journal/journal.ts';
import type { TrainingRecipe } from '../../../shared/training.ts';
import { batchBounds, learningRateAt, stepsPerEpoch } from './schedule.ts';
import { mixSeed, shuffledIndices } from './seeds.ts';

/** A picture that is learned from, and its index among all. */
export type LearnedPicture = TrainingPicture & { index: number };

const ORDER = 1; // what a seed is for, so that equal numbers are not used twice
const STEP = 2;

/** All steps of a training, each of which can be asked for by its number: nothing depends on those before it. */
export class StepSequence {
  readonly perEpoch: number;
  readonly #learned: readonly LearnedPicture[];
  readonly #recipe: TrainingRecipe;
  readonly #seed: number;
  #order: { epoch: number; indices: Uint32Array } | undefined;

  constructor(learned: readonly LearnedPicture[], recipe: TrainingRecipe, seed: number) {
    this.#learned = learned;
    this.#recipe = recipe;
    this.#seed = seed;
    this.perEpoch = stepsPerEpoch(learned.length, recipe.batch);
  }

  get steps(): number {
    return this.perEpoch * this.#recipe.epochs;
  }

  /** Pictures of a step, from 0. */
  pictures(step: number): LearnedPicture[] {
    const order = this.#orderOf(Math.floor(step / this.perEpoch));
    const [begin, end] = batchBounds(this.#learned.length, this.perEpoch, step % this.perEpoch);
    return [...order.subarray(begin, end)].flatMap((index) => this.#learned[index] ?? []);
  }

  learningRate(step: number): number {
    const { learningRate, epochs } = this.#recipe;
    return learningRateAt(learningRate, { step, steps: this.steps, epochs });
  }

  request(step: number, pictures: readonly LearnedPicture[]): StepRequest {
    return {
      examples: pictures.map(toExample),
      learningRate: this.learningRate(step),
      seed: mixSeed(this.#seed, STEP, step),
    };
  }

  #orderOf(epoch: number): Uint32Array {
    if (this.#order?.epoch !== epoch) {
      const seed = mixSeed(this.#seed, ORDER, epoch);
      this.#order = { epoch, indices: shuffledIndices(this.#learned.length, seed) };
    }
    return this.#order.indices;
  }
}

/** What a step is given of a picture. */
export function toExample(picture: TrainingPicture): TrainingExample {
  if ('objects' in picture) return { path: picture.path, size: picture.size, objects: picture.objects };
  return { path: picture.path, classIndex: picture.classIndex, box: picture.box };
}
