import { AppError } from '../../shared/errors.ts';
import type { Detection, EngineDial, ImageOutcome } from '../../shared/engine-api.ts';
import { resizedSize } from '../../shared/resized-size.ts';
import type { DenseInput } from '../../shared/resized-size.ts';
import type { NativeAddon, NativeDetections, NativeModel, NativeSegmentation, NativeSize } from '../addon.ts';
import type { PictureFiles } from '../pictures/picture-files.ts';
import { topAreas, topFound } from './top-classes.ts';
import type PQueue from 'p-queue';

/** A picture as the model wants it. */
interface Resized {
  pixels: Uint8Array;
  size: NativeSize;
  target: NativeSize; // of the upright original
}

/**
 * Pictures for segmentation and detection models, which predict them one at a time: some are decoded and resized
 * meanwhile, and no more of them lie in memory, however large the batch is.
 */
export class DensePictures {
  readonly #addon: NativeAddon;
  readonly #model: NativeModel;
  readonly #input: DenseInput;
  readonly #files: PictureFiles;
  readonly #inMemory: PQueue;
  readonly #predicting: PQueue;

  constructor(parts: {
    addon: NativeAddon;
    model: NativeModel;
    input: DenseInput;
    files: PictureFiles;
    inMemory: PQueue; // pictures, from the file to the outcome
    predicting: PQueue;
  }) {
    this.#addon = parts.addon;
    this.#model = parts.model;
    this.#input = parts.input;
    this.#files = parts.files;
    this.#inMemory = parts.inMemory;
    this.#predicting = parts.predicting;
  }

  async predict(paths: readonly string[], dial: EngineDial): Promise<ImageOutcome[]> {
    const outcomes = paths.map((path) => this.#inMemory.add(() => this.#predict(path, dial)));
    await Promise.allSettled(outcomes); // the model must not be at work any more when the batch fails
    return Promise.all(outcomes);
  }

  async #predict(path: string, dial: EngineDial): Promise<ImageOutcome> {
    const { facts, ...picture } = await this.#decode(path);
    if ('problem' in picture) return { status: 'failed', facts, problem: picture.problem };
    const { made, warning } = picture;
    const found = await this.#predicting.add(() => this.#find(made, dial));
    return { status: 'ok', facts, warning, ...found };
  }

  #decode(path: string) {
    // Segmentation samples single pixels: in a picture that the decoder has shrunk they are other ones.
    const shorterSide = (original: NativeSize) => {
      const { width, height } = resizedSize(original, this.#input);
      return this.#input.task === 'detection' ? Math.min(width, height) : Infinity;
    };
    return this.#files.decode(
      path,
      shorterSide,
      async ({ pixels, width, height }, header): Promise<Resized> => {
        const target = { width: header.width, height: header.height };
        const size = resizedSize(target, this.#input);
        const resized = new Uint8Array(size.width * size.height * 3);
        const filter = this.#input.task === 'detection' ? 'smooth' : 'sampled';
        await this.#addon.resize(pixels, { width, height }, resized, size, filter);
        return { pixels: resized, size, target };
      },
    );
  }

  async #find({ pixels, size, target }: Resized, dial: EngineDial) {
    const { tokenKeep, blockThreshold, slideStride, detection } = dial;
    const options = { tokenKeep, blockThreshold, target };
    if (this.#input.task === 'segmentation') {
      if (slideStride === undefined) throw new AppError('ENGINE', 'A segmentation needs a slide stride');
      return toSegmented(await this.#model.segment(pixels, size, { ...options, slideStride }), target);
    }
    if (detection === undefined) throw new AppError('ENGINE', 'A detection needs a smallest score');
    return toDetected(await this.#model.detect(pixels, size, { ...options, ...detection }));
  }
}

function toSegmented(
  { regions, directions, survived, milliseconds }: NativeSegmentation,
  { width, height }: NativeSize,
) {
  const found = regions.map(({ classIndex, area, counts }) => ({ classIndex, mask: { area, counts } }));
  return {
    top: topAreas(found, width * height),
    regions: found,
    receipt: { directions, survived, milliseconds },
  };
}

function toDetected({ detections, directions, survived, milliseconds }: NativeDetections) {
  const found = detections.map(({ classIndex, score, box, area, counts }): Detection => {
    const [left = 0, top = 0, right = 0, bottom = 0] = box;
    return {
      classIndex,
      score,
      box: { x: left, y: top, width: right - left, height: bottom - top },
      mask: area === undefined || counts === undefined ? undefined : { area, counts },
    };
  });
  return { top: topFound(found), detections: found, receipt: { directions, survived, milliseconds } };
}
