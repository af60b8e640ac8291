import { AppError } from '../../shared/errors.ts';
import { pathOfWanted } from '../../shared/engine-api.ts';
import type { EngineDial, EngineModel, ImageOutcome, WantedPicture } from '../../shared/engine-api.ts';
import type { Device } from '../../shared/run.ts';
import type { NativeAddon, NativeBatch, NativeModel } from '../addon.ts';
import { alreadyDecoded, BatchBuffers } from './batch-buffers.ts';
import type { BatchBuffer, Decoded } from './batch-buffers.ts';
import type { ModelCalls } from '../hosts/host-calls.ts';
import type { ImageDecoder } from '../pictures/decode-image.ts';
import type { Picture } from '../pictures/picture.ts';
import { CropBatches } from './crop-batches.ts';
import { DensePictures } from './dense-pictures.ts';
import { PictureFiles } from '../pictures/picture-files.ts';
import { topClasses } from './top-classes.ts';
import PQueue from 'p-queue';
import { isDense } from '../../shared/tasks.ts';

interface OpenModel {
  predict: (pictures: readonly WantedPicture[], dial: EngineDial) => Promise<ImageOutcome[]>;
}

interface Classifier {
  native: NativeModel;
  files: PictureFiles;
  resize: number;
  crop: number;
}

/**
 * What the host does with a batch. For a classifier: read, decode, resize and crop into the batch buffer, predict. There
 * are two buffers, so a second batch is decoded while the first is predicted. See DensePictures for other models.
 */
export class BatchEngine implements ModelCalls {
  readonly #addon: NativeAddon;
  readonly #decoder: ImageDecoder;
  readonly #predicting = new PQueue({ concurrency: 1 });
  readonly #buffers = new BatchBuffers();
  readonly #batches = new PQueue({ concurrency: 2 });
  #model: OpenModel | undefined;

  constructor(addon: NativeAddon, decoder: ImageDecoder) {
    this.#addon = addon;
    this.#decoder = decoder;
  }

  get isPredicting(): boolean {
    return this.#batches.pending > 0;
  }

  devices(withGpus: boolean): Promise<Device[]> {
    return Promise.resolve(this.#addon.devices(withGpus));
  }

  async open({ packagePath, device, threads, precision, input }: EngineModel): Promise<void> {
    const inputSize = isDense(input) ? input.size : undefined;
    const native = await this.#addon.loadModel(packagePath, { device, threads, precision, inputSize });
    const files = new PictureFiles(this.#decoder, threads);
    if (!isDense(input)) {
      const { resize, crop } = input;
      const addon = this.#addon;
      const crops = new CropBatches({ addon, native, files, resize, crop, predicting: this.#predicting });
      this.#model = {
        predict: (pictures, dial) =>
          pictures.some((picture) => typeof picture !== 'string')
            ? crops.predict(pictures, dial)
            : this.#classify(pictures.map(pathOfWanted), dial, { native, files, resize, crop }),
      };
      return;
    }
    const dense = new DensePictures({
      addon: this.#addon,
      model: native,
      input,
      files,
      predicting: this.#predicting,
      inMemory: new PQueue({ concurrency: threads + 1 }), // one is predicted while others are decoded
    });
    this.#model = { predict: (pictures, dial) => dense.predict(pictures.map(pathOfWanted), dial) };
  }

  predict(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]> {
    return this.#batches.add(() => {
      if (this.#model === undefined) throw new AppError('ENGINE', 'No model is open');
      return this.#model.predict(pictures, dial);
    });
  }

  async #classify(paths: readonly string[], dial: EngineDial, model: Classifier): Promise<ImageOutcome[]> {
    const wanted = { paths, resize: model.resize, crop: model.crop };
    const buffer = this.#buffers.take(wanted);
    try {
      const decoded = (await alreadyDecoded(buffer, wanted)) ?? (await this.#decode(buffer, paths, model));
      const count = decoded.filter((image) => 'position' in image).length;
      const batch =
        count === 0
          ? undefined
          : await this.#predicting.add(() => model.native.predict(buffer.bytes, count, dial));
      return decoded.map((image) => toOutcome(image, batch, count));
    } finally {
      this.#buffers.giveBack(buffer);
    }
  }

  async #decode(buffer: BatchBuffer, paths: readonly string[], model: Classifier): Promise<Decoded[]> {
    const bytes = paths.length * pictureBytes(model);
    if (buffer.bytes.length < bytes) buffer.bytes = new Uint8Array(bytes);
    buffer.holds = undefined; // until all of it is there
    const decoded = await this.#fill(buffer.bytes, paths, model);
    buffer.holds = { paths, resize: model.resize, crop: model.crop, decoded };
    return decoded;
  }

  /** Decodes every file it can; their pictures lie one behind the other in `buffer`. */
  async #fill(buffer: Uint8Array, paths: readonly string[], model: Classifier): Promise<Decoded[]> {
    let filled = 0;
    const put = async ({ pixels, width, height }: Picture): Promise<number> => {
      const position = filled++;
      const offset = position * pictureBytes(model);
      await this.#addon.resizeAndCrop(pixels, width, height, model, buffer, offset);
      return position;
    };
    const files = paths.map(async (path): Promise<Decoded> => {
      const file = await model.files.decode(path, () => model.resize, put);
      if ('problem' in file) return file;
      return { facts: file.facts, position: file.made, warning: file.warning };
    });
    await Promise.allSettled(files); // nothing may still write when the buffer is handed on
    return Promise.all(files);
  }
}

function pictureBytes({ crop }: { crop: number }): number {
  return crop * crop * 3;
}

function toOutcome(image: Decoded, batch: NativeBatch | undefined, count: number): ImageOutcome {
  if ('problem' in image) return { status: 'failed', facts: image.facts, problem: image.problem };
  if (batch === undefined) throw new AppError('ENGINE', 'A decoded image was not predicted');
  const row = <T extends Float32Array | Uint8Array>(values: T): T => {
    const length = values.length / count;
    return values.slice(image.position * length, (image.position + 1) * length) as T;
  };
  const logits = row(batch.logits);
  if (!logits.every(Number.isFinite))
    return { status: 'failed', facts: image.facts, problem: { code: 'notANumber' } };
  const receipt = {
    directions: row(batch.directions),
    survived: row(batch.survived),
    milliseconds: batch.milliseconds / count,
  };
  return { status: 'ok', facts: image.facts, warning: image.warning, top: topClasses(logits), receipt };
}
