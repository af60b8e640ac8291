import { availableParallelism } from 'node:os';
import type { EngineDial } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import { toRead } from '../../shared/trainer-api.ts';
import type {
  HeadOptions,
  HoldoutOutcome,
  InspectedPicture,
  InspectOptions,
  FoundOutcome,
  LabelledExample,
  MarkedExample,
  PictureToRead,
  PictureUse,
  SolvedHead,
  StepRequest,
  TrainerCalls,
  TrainerSetup,
} from '../../shared/trainer-api.ts';
import type { StepReport } from '../../shared/training.ts';
import type { NativeAddon, NativeExample, NativeMarkedObject, NativeSize, NativeTrainer } from '../addon.ts';
import type { ImageDecoder } from '../pictures/decode-image.ts';
import { inspectPicture } from '../pictures/inspect-picture.ts';
import { KeptPictures } from '../pictures/kept-pictures.ts';
import type { Shrink } from '../pictures/kept-pictures.ts';
import { DensePredictor } from './dense-predictor.ts';
import { PackagePredictor } from './package-predictor.ts';
import type { Computing } from './package-predictor.ts';
import { PictureFiles } from '../pictures/picture-files.ts';
import { modelInputOf, pictureUseOf } from '../pictures/read-preprocessing.ts';
import PQueue from 'p-queue';

interface OpenTraining {
  native: NativeTrainer;
  use: PictureUse;
}

/** What the training host does with pictures: looks at them, learns from them, predicts them. */
export class PictureTrainer implements TrainerCalls {
  readonly #addon: NativeAddon;
  readonly #pictures: KeptPictures;
  readonly #predictor: PackagePredictor;
  readonly #dense: DensePredictor;
  /** The trainer and models use all threads: one call at a time, in the order of asking. */
  readonly #computing = new PQueue({ concurrency: 1 });
  /** One is computed while the pictures of the other are decoded. */
  readonly #steps = new PQueue({ concurrency: 2 });
  #training: OpenTraining | undefined;
  #on: Computing = { device: 'cpu', threads: availableParallelism() };

  /** `memory`: bytes for decoded pictures. */
  constructor(addon: NativeAddon, decoder: ImageDecoder, memory?: number) {
    this.#addon = addon;
    const files = new PictureFiles(decoder, availableParallelism());
    this.#pictures = new KeptPictures(files, this.#shrink, memory);
    this.#predictor = new PackagePredictor(addon, this.#pictures, this.#computing);
    this.#dense = new DensePredictor(addon, files, this.#computing);
  }

  inspect(pictures: readonly PictureToRead[], options: InspectOptions): Promise<InspectedPicture[]> {
    return Promise.all(
      pictures.map((wanted) => inspectPicture(wanted, options, this.#pictures, this.#shrink)),
    );
  }

  open({ manifest, losses, optimiser, augmentation, ...options }: TrainerSetup): Promise<void> {
    return this.#computing.add(async () => {
      this.#training = undefined;
      const use = pictureUseOf(modelInputOf(manifest));
      const { device, threads } = options;
      const settings = JSON.stringify({ manifest, losses, optimiser, augmentation });
      this.#training = { native: await this.#addon.createTrainer({ settings, ...options }), use };
      this.#on = { device, threads };
    });
  }

  step(request: StepRequest): Promise<StepReport> {
    return this.#steps.add(() => this.#step(request));
  }

  saveState(path: string): Promise<void> {
    return this.#computing.add(() => this.#opened().native.saveState(path));
  }

  saveWeights(path: string, { averaged }: { averaged: boolean }): Promise<void> {
    return this.#computing.add(() => this.#opened().native.saveWeights(path, averaged));
  }

  predict(
    packagePath: string,
    pictures: readonly PictureToRead[],
    dial: EngineDial,
  ): Promise<HoldoutOutcome[]> {
    return this.#predictor.predict(packagePath, pictures, dial, this.#on);
  }

  find(packagePath: string, paths: readonly string[], dial: EngineDial): Promise<FoundOutcome[]> {
    return this.#dense.find(packagePath, paths, dial, this.#on);
  }

  addFeatures(
    packagePath: string,
    examples: readonly LabelledExample[],
    dial: EngineDial,
  ): Promise<{ index: number; error: string }[]> {
    return this.#predictor.addFeatures(packagePath, examples, dial, this.#on);
  }

  solveHead(options: HeadOptions): Promise<SolvedHead> {
    const { values, labels } = this.#predictor.takeFeatures();
    return this.#computing.add(() =>
      this.#addon.solveHead(values, Int32Array.from(labels), { ...options, ...this.#on }),
    );
  }

  /** Takes its turn at once, and waits in it for the pictures: those of a later step may be there before. */
  async #step({ examples, seed, learningRate }: StepRequest): Promise<StepReport> {
    const { native, use } = this.#opened();
    const decoded = Promise.all(
      examples.map(async (example): Promise<NativeExample> => {
        const picture = await this.#pictures.take(toRead(example), use);
        return 'objects' in example
          ? { ...picture, marked: toMarked(example) }
          : { ...picture, label: example.classIndex };
      }),
    );
    decoded.catch(() => undefined); // heard of when its turn comes
    return this.#computing.add(async () => native.step(await decoded, { seed, learningRate }));
  }

  #opened(): OpenTraining {
    if (this.#training === undefined)
      throw new AppError('ENGINE', 'No training is open in the training host');
    return this.#training;
  }

  readonly #shrink: Shrink = async (picture, size, filter = 'smooth') => {
    const pixels = new Uint8Array(size.width * size.height * 3);
    await this.#addon.resize(picture.pixels, picture, pixels, size, filter);
    return { ...size, pixels };
  };
}

function toMarked({ size, objects }: MarkedExample): NativeSize & { objects: NativeMarkedObject[] } {
  return {
    ...size,
    objects: objects.map(({ classIndex, box, counts }) => {
      if (box === undefined) return { label: classIndex, counts };
      const { x, y, width, height } = box;
      return {
        label: classIndex,
        counts,
        box: { left: x, top: y, right: x + width, bottom: y + height },
      };
    }),
  };
}
