import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import type { EngineDial } from '../shared/engine-api.ts';
import { AppError } from '../shared/errors.ts';
import { classificationSchema } from '../shared/model-package.ts';
import type {
  HoldoutOutcome,
  InspectedPicture,
  SolvedHead,
  StepRequest,
  TrainerApi,
  TrainerSetup,
  TrainingExample,
} from '../shared/trainer-api.ts';
import type { StepReport } from '../shared/training.ts';
import type { NativeAddon, NativeBatch, NativeModel, NativeTrainer } from './addon.ts';
import type { ImageDecoder, Picture } from './decode-image.ts';
import { inspectPicture } from './inspect-picture.ts';
import { KeptPictures } from './kept-pictures.ts';
import { softmax, topClasses } from './top-classes.ts';
import { Turns } from './turns.ts';

/** Pictures that are predicted together. */
const BATCH = 32;

interface OpenPackage {
  key: string; // path, version of the file, and whether it gives features
  model: NativeModel;
}

/** A picture of the hold-out in the batch, or why it is not there. */
type Placed = { position: number } | { error: string };

/** What the training host does with pictures: looks at them, learns from them, predicts them. */
export class PictureTrainer implements Omit<TrainerApi, 'close'> {
  readonly #addon: NativeAddon;
  readonly #decoder: ImageDecoder;
  readonly #pictures: KeptPictures;
  readonly #inspecting = new Turns(availableParallelism());
  /** The trainer and models use all threads, one call at a time. */
  readonly #computing = new Turns(1);
  #trainer: NativeTrainer | undefined;
  #preprocessing = { resize: 0, crop: 0 };
  #threads = availableParallelism();
  #device = 'cpu';
  #package: OpenPackage | undefined;
  #features: { values: Float32Array; labels: number[] }[] = [];

  /** `memory`: bytes for decoded pictures. */
  constructor(addon: NativeAddon, decoder: ImageDecoder, memory?: number) {
    this.#addon = addon;
    this.#decoder = decoder;
    this.#pictures = new KeptPictures(
      decoder,
      availableParallelism(),
      (picture, size) => this.#shrink(picture, size),
      memory,
    );
  }

  inspect(paths: readonly string[], size: number): Promise<InspectedPicture[]> {
    const inspected = paths.map((path) =>
      this.#inspecting.take(() =>
        inspectPicture(path, size, this.#decoder, (picture, to) => this.#shrink(picture, to)),
      ),
    );
    return Promise.all(inspected);
  }

  async open({ manifest, losses, optimiser, augmentation, ...options }: TrainerSetup): Promise<void> {
    const settings = JSON.stringify({ manifest, losses, optimiser, augmentation });
    this.#trainer = undefined;
    this.#trainer = await this.#computing.take(() => this.#addon.createTrainer({ settings, ...options }));
    this.#usePreprocessing(JSON.parse(manifest));
    [this.#threads, this.#device] = [options.threads, options.device];
  }

  async step({ examples, seed, learningRate }: StepRequest): Promise<StepReport> {
    const trainer = this.#opened();
    const pictures = await Promise.all(examples.map(({ path }) => this.#pictures.take(path)));
    const labels = Int32Array.from(examples, ({ classIndex }) => classIndex);
    return this.#computing.take(() => trainer.step(pictures, labels, { seed, learningRate }));
  }

  saveState(path: string): Promise<void> {
    return this.#computing.take(() => this.#opened().saveState(path));
  }

  saveWeights(path: string, { averaged }: { averaged: boolean }): Promise<void> {
    return this.#computing.take(() => this.#opened().saveWeights(path, averaged));
  }

  async predict(packagePath: string, paths: readonly string[], dial: EngineDial): Promise<HoldoutOutcome[]> {
    const outcomes: HoldoutOutcome[] = [];
    for (let first = 0; first < paths.length; first += BATCH) {
      const chunk = paths.slice(first, first + BATCH);
      const { placed, batch, count } = await this.#run(packagePath, chunk, dial, false);
      for (const place of placed) outcomes.push('error' in place ? place : toOutcome(place, batch, count));
    }
    return outcomes;
  }

  async addFeatures(
    packagePath: string,
    examples: readonly TrainingExample[],
    dial: EngineDial,
  ): Promise<{ place: number; error: string }[]> {
    const failed: { place: number; error: string }[] = [];
    for (let first = 0; first < examples.length; first += BATCH) {
      const chunk = examples.slice(first, first + BATCH);
      const paths = chunk.map(({ path }) => path);
      const { placed, batch } = await this.#run(packagePath, paths, dial, true);
      const labels: number[] = [];
      for (const [index, place] of placed.entries()) {
        if ('error' in place) failed.push({ place: first + index, error: place.error });
        else labels[place.position] = chunk[index]?.classIndex ?? 0;
      }
      if (batch !== undefined) this.#features.push({ values: batch.logits, labels });
    }
    return failed;
  }

  async solveHead(options: { classes: number; smoothing: number; decay: number }): Promise<SolvedHead> {
    const parts = this.#features;
    this.#features = [];
    const values = new Float32Array(parts.reduce((sum, part) => sum + part.values.length, 0));
    let filled = 0;
    for (const part of parts) {
      values.set(part.values, filled);
      filled += part.values.length;
    }
    const labels = Int32Array.from(parts.flatMap((part) => part.labels));
    const { classes, smoothing, decay } = options;
    return this.#computing.take(() =>
      this.#addon.solveHead(values, labels, {
        ...{ classes, smoothing, decay, device: this.#device, threads: this.#threads },
      }),
    );
  }

  /** Predicts up to BATCH pictures with a package; those that cannot be read are left out of the batch. */
  async #run(
    packagePath: string,
    paths: readonly string[],
    { tokenKeep, blockThreshold }: EngineDial,
    features: boolean,
  ): Promise<{ placed: Placed[]; batch: NativeBatch | undefined; count: number }> {
    const model = await this.#load(packagePath, features);
    const { resize, crop } = this.#preprocessing;
    const pixels = new Uint8Array(paths.length * crop * crop * 3);
    let count = 0;
    const place = async (path: string): Promise<Placed> => {
      const picture = await this.#pictures.find(path);
      if ('error' in picture) return picture;
      const position = count++;
      const { width, height } = picture;
      const offset = position * crop * crop * 3;
      await this.#addon.resizeAndCrop(picture.pixels, width, height, { resize, crop }, pixels, offset);
      return { position };
    };
    const placed = await Promise.all(paths.map(place));
    const batch =
      count === 0
        ? undefined
        : await this.#computing.take(() => model.predict(pixels, count, { tokenKeep, blockThreshold }));
    return { placed, batch, count };
  }

  async #load(path: string, features: boolean): Promise<NativeModel> {
    const { mtimeMs, size } = await stat(path);
    const key = JSON.stringify([path, mtimeMs, size, features]);
    if (this.#package?.key === key) return this.#package.model;
    this.#package = undefined;
    const options = { device: this.#device, threads: this.#threads, precision: 'fp32' as const, features };
    const model = await this.#computing.take(() => this.#addon.loadModel(path, options));
    this.#package = { key, model };
    return model;
  }

  #usePreprocessing(manifest: unknown): void {
    const { resize, crop } = classificationSchema.shape.preprocessing.parse(
      (manifest as { preprocessing?: unknown }).preprocessing,
    );
    this.#preprocessing = { resize, crop };
    this.#pictures.setResize(resize);
  }

  #opened(): NativeTrainer {
    if (this.#trainer === undefined) throw new AppError('ENGINE', 'No training is open');
    return this.#trainer;
  }

  async #shrink(picture: Picture, size: { width: number; height: number }): Promise<Picture> {
    const pixels = new Uint8Array(size.width * size.height * 3);
    await this.#addon.resize(picture.pixels, picture, pixels, size, 'smooth');
    return { ...size, pixels };
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
  const ran = row(batch.directions).reduce((sum, bits) => sum + (bits & 1) + (bits >> 1), 0);
  const blockKeep = (ran * count) / (2 * batch.directions.length);
  return { probabilities: softmax(logits), top: topClasses(logits), blockKeep };
}
