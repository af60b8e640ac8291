import { AppError } from '../shared/errors.ts';
import type { EngineDial, EngineModel, ImageFacts, ImageOutcome } from '../shared/engine-api.ts';
import type { Device } from '../shared/run.ts';
import type { NativeAddon, NativeBatch, NativeModel } from './addon.ts';
import { alreadyDecoded, BatchBuffers } from './batch-buffers.ts';
import type { BatchBuffer, Decoded } from './batch-buffers.ts';
import type { ImageDecoder, Picture } from './decode-image.ts';
import { readImageFile } from './read-image-file.ts';
import { topClasses } from './top-classes.ts';
import { Turns } from './turns.ts';

const LARGE_PICTURE = 40e6; // pixels; decoded one at a time so that memory stays bounded

interface OpenModel {
  native: NativeModel;
  resize: number;
  crop: number;
}

/**
 * What the host does with a batch: read, decode, resize and crop into the batch buffer, predict. There are two
 * buffers, so a second batch is decoded while the first is predicted.
 */
export class BatchEngine {
  readonly #addon: NativeAddon;
  readonly #decoder: ImageDecoder;
  #decoding = new Turns(1);
  readonly #largeDecoding = new Turns(1);
  readonly #predicting = new Turns(1);
  readonly #buffers = new BatchBuffers();
  readonly #batches = new Turns(2);
  #model: OpenModel | undefined;

  constructor(addon: NativeAddon, decoder: ImageDecoder) {
    this.#addon = addon;
    this.#decoder = decoder;
  }

  get isPredicting(): boolean {
    return this.#batches.isBusy;
  }

  devices(): Device[] {
    return this.#addon.devices();
  }

  async open({ packagePath, device, threads, precision, preprocessing }: EngineModel): Promise<undefined> {
    const native = await this.#addon.loadModel(packagePath, { device, threads, precision });
    this.#decoding = new Turns(threads);
    this.#model = { native, resize: preprocessing.resize, crop: preprocessing.crop };
  }

  predict(paths: readonly string[], dial: EngineDial): Promise<ImageOutcome[]> {
    return this.#batches.take(async () => {
      const model = this.#model;
      if (model === undefined) throw new AppError('ENGINE', 'No model is open');
      const wanted = { paths, resize: model.resize, crop: model.crop };
      const buffer = this.#buffers.take(wanted);
      try {
        const decoded = (await alreadyDecoded(buffer, wanted)) ?? (await this.#decode(buffer, paths, model));
        const count = decoded.filter((image) => 'position' in image).length;
        const batch =
          count === 0
            ? undefined
            : await this.#predicting.take(() => model.native.predict(buffer.bytes, count, dial));
        return decoded.map((image) => toOutcome(image, batch, count));
      } finally {
        this.#buffers.giveBack(buffer);
      }
    });
  }

  async #decode(buffer: BatchBuffer, paths: readonly string[], model: OpenModel): Promise<Decoded[]> {
    const bytes = paths.length * pictureBytes(model);
    if (buffer.bytes.length < bytes) buffer.bytes = new Uint8Array(bytes);
    buffer.holds = undefined; // until all of it is there
    const decoded = await this.#fill(buffer.bytes, paths, model);
    buffer.holds = { paths, resize: model.resize, crop: model.crop, decoded };
    return decoded;
  }

  /** Decodes every file it can; their pictures lie one behind the other in `buffer`. */
  async #fill(buffer: Uint8Array, paths: readonly string[], model: OpenModel): Promise<Decoded[]> {
    let filled = 0;
    const put = async ({ pixels, width, height }: Picture): Promise<number> => {
      const position = filled++;
      const offset = position * pictureBytes(model);
      await this.#addon.resizeAndCrop(pixels, width, height, model, buffer, offset);
      return position;
    };
    const files = paths.map((path) => this.#decoding.take(() => this.#decodeFile(path, model, put)));
    await Promise.allSettled(files); // nothing may still write when the buffer is handed on
    return Promise.all(files);
  }

  async #decodeFile(
    path: string,
    { resize }: OpenModel,
    put: (picture: Picture) => Promise<number>,
  ): Promise<Decoded> {
    const facts: ImageFacts = {
      version: undefined,
      width: undefined,
      height: undefined,
      capturedAt: undefined,
    };
    try {
      const { bytes, version } = await readImageFile(path);
      facts.version = version;
      const header = await this.#decoder.readHeader(bytes);
      const { width, height, capturedAt } = header;
      Object.assign(facts, { width, height, capturedAt });
      const decode = async () => put(await this.#decoder.decode(bytes, header, resize));
      const large = width * height > LARGE_PICTURE;
      return { facts, position: await (large ? this.#largeDecoding.take(decode) : decode()) };
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'BAD_IMAGE')) throw error;
      return { facts, error: error.message };
    }
  }
}

function pictureBytes({ crop }: { crop: number }): number {
  return crop * crop * 3;
}

function toOutcome(image: Decoded, batch: NativeBatch | undefined, count: number): ImageOutcome {
  if ('error' in image) return { status: 'failed', facts: image.facts, error: image.error };
  if (batch === undefined) throw new AppError('ENGINE', 'A decoded image was not predicted');
  const row = <T extends Float32Array | Uint8Array>(values: T): T => {
    const length = values.length / count;
    return values.slice(image.position * length, (image.position + 1) * length) as T;
  };
  const logits = row(batch.logits);
  if (!logits.every(Number.isFinite)) {
    return { status: 'failed', facts: image.facts, error: 'the model gave a result that is not a number' };
  }
  const receipt = {
    directions: row(batch.directions),
    survived: row(batch.survived),
    milliseconds: batch.milliseconds / count,
  };
  return { status: 'ok', facts: image.facts, top: topClasses(logits), receipt };
}
