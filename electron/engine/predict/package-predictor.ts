import type { EngineDial } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import { toRead } from '../../shared/trainer-api.ts';
import type { HoldoutOutcome, LabelledExample, PictureToRead } from '../../shared/trainer-api.ts';
import type { NativeAddon, NativeBatch, NativeModel } from '../addon.ts';
import type { KeptPictures } from '../pictures/kept-pictures.ts';
import { readPreprocessing } from '../pictures/read-preprocessing.ts';
import type { Preprocessing } from '../pictures/read-preprocessing.ts';
import { LastPackage } from './last-package.ts';
import { softmax, topClasses } from './top-classes.ts';
import PQueue from 'p-queue';

/** Pictures that are predicted together. */
const BATCH = 32;

/** What a package computes on, and with how many threads. */
export interface Computing {
  device: string;
  threads: number;
}

interface OpenPackage extends Preprocessing {
  model: NativeModel;
}

/** A picture at its position in a batch, or why it is not there. */
type Placed = { position: number } | { error: string };

interface ReadyBatch {
  placed: Placed[]; // in the order of what was wanted
  pixels: Uint8Array;
  count: number;
}

interface Predicted {
  placed: Placed[];
  batch: NativeBatch | undefined; // none when no picture could be read
  count: number;
}

/** Features in front of a package's last layer, row by row, and the classes that they belong to. */
export interface Features {
  values: Float32Array;
  labels: number[];
}

/** Predicts pictures with packages as a run does, and computes their features. The last package stays loaded. */
export class PackagePredictor {
  readonly #addon: NativeAddon;
  readonly #pictures: KeptPictures;
  readonly #computing: PQueue;
  /** Features are in the order of the calls, so that what is solved from them is the same every time. */
  readonly #adding = new PQueue({ concurrency: 1 });
  readonly #last = new LastPackage<OpenPackage>();
  #features: Features[] = [];

  /** `computing`: models and a trainer use all threads, one call at a time. */
  constructor(addon: NativeAddon, pictures: KeptPictures, computing: PQueue) {
    this.#addon = addon;
    this.#pictures = pictures;
    this.#computing = computing;
  }

  async predict(
    packagePath: string,
    wanted: readonly PictureToRead[],
    dial: EngineDial,
    on: Computing,
  ): Promise<HoldoutOutcome[]> {
    const outcomes: HoldoutOutcome[] = [];
    const opened = await this.#open(packagePath, on, false);
    for await (const { placed, batch, count } of this.#batches(opened, wanted, dial))
      for (const picture of placed)
        outcomes.push('error' in picture ? picture : toOutcome(picture, batch, count));
    return outcomes;
  }

  addFeatures(
    packagePath: string,
    examples: readonly LabelledExample[],
    dial: EngineDial,
    on: Computing,
  ): Promise<{ index: number; error: string }[]> {
    return this.#adding.add(async () => {
      const opened = await this.#open(packagePath, on, true);
      const wanted = examples.map(toRead);
      const failed: { index: number; error: string }[] = [];
      let first = 0;
      for await (const { placed, batch } of this.#batches(opened, wanted, dial)) {
        const labels: number[] = [];
        for (const [index, picture] of placed.entries()) {
          if ('error' in picture) failed.push({ index: first + index, error: picture.error });
          else labels.push(examples[first + index]?.classIndex ?? 0);
        }
        if (batch !== undefined) this.#features.push({ values: batch.logits, labels });
        first += placed.length;
      }
      return failed;
    });
  }

  /** All features that were added, which are forgotten. */
  takeFeatures(): Features {
    const parts = this.#features;
    this.#features = [];
    const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
    let filled = 0;
    for (const part of parts) {
      values.set(part.values, filled);
      filled += part.values.length;
    }
    return { values, labels: parts.flatMap((part) => part.labels) };
  }

  /** Predicts batch by batch; the pictures of the next are decoded meanwhile. */
  async *#batches(
    opened: OpenPackage,
    wanted: readonly PictureToRead[],
    { tokenKeep, blockThreshold }: EngineDial,
  ): AsyncGenerator<Predicted> {
    const ready = (first: number) => {
      const batch = this.#ready(opened, wanted.slice(first, first + BATCH));
      batch.catch(() => undefined); // heard of when its turn comes
      return batch;
    };
    let next = ready(0);
    for (let first = 0; first < wanted.length; first += BATCH) {
      const { placed, pixels, count } = await next;
      next = ready(first + BATCH);
      const predict = () => opened.model.predict(pixels, count, { tokenKeep, blockThreshold });
      yield { placed, count, batch: count === 0 ? undefined : await this.#computing.add(predict) };
    }
  }

  /** Pictures that can be read lie one behind the other, in the order of what was wanted. */
  async #ready({ resize, crop }: OpenPackage, wanted: readonly PictureToRead[]): Promise<ReadyBatch> {
    const pictures = await Promise.all(wanted.map((path) => this.#pictures.find(path, { resize })));
    const bytes = crop * crop * 3;
    const pixels = new Uint8Array(pictures.length * bytes);
    let count = 0;
    const placed = pictures.map(async (picture): Promise<Placed> => {
      if ('error' in picture) return picture;
      const position = count++;
      const { width, height } = picture;
      const shape = { resize, crop };
      await this.#addon.resizeAndCrop(picture.pixels, width, height, shape, pixels, position * bytes);
      return { position };
    });
    return { placed: await Promise.all(placed), pixels, count };
  }

  #open(path: string, on: Computing, features: boolean): Promise<OpenPackage> {
    return this.#last.open(path, [on, features], () =>
      this.#computing.add(() => this.#load(path, on, features)),
    );
  }

  async #load(path: string, { device, threads }: Computing, features: boolean): Promise<OpenPackage> {
    const options = { device, threads, precision: 'fp32' as const, features };
    const model = await this.#addon.loadModel(path, options);
    return { model, ...(await readPreprocessing(path)) };
  }
}

function toOutcome(
  { position }: { position: number },
  batch: NativeBatch | undefined,
  count: number,
): HoldoutOutcome {
  if (batch === undefined) throw new AppError('ENGINE', 'A decoded picture was not predicted');
  const row = <T extends Float32Array | Uint8Array>(values: T): T => {
    const length = values.length / count;
    return values.slice(position * length, (position + 1) * length) as T;
  };
  const logits = row(batch.logits);
  if (!logits.every(Number.isFinite)) return { error: 'the model gave a result that is not a number' };
  const directions = row(batch.directions);
  const ran = directions.reduce((sum, bits) => sum + (bits & 1) + (bits >> 1), 0);
  return {
    probabilities: softmax(logits),
    top: topClasses(logits),
    blockKeep: ran / (2 * directions.length),
  };
}
