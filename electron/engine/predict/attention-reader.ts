import { availableParallelism } from 'node:os';
import PQueue from 'p-queue';
import type { AttentionQuestion, LayerAttention, PictureCalls } from '../../shared/engine-api.ts';
import { PictureError } from '../../shared/picture-problem.ts';
import type { NativeAddon, NativeModel } from '../addon.ts';
import type { ImageDecoder } from '../pictures/decode-image.ts';
import { PictureFiles } from '../pictures/picture-files.ts';
import { LastPackage } from './last-package.ts';

const THREADS = Math.max(1, availableParallelism() >> 1); // a run may go on beside it

/** Says where layers of classifiers look, one question at a time. The last model stays loaded. */
export class AttentionReader implements Pick<PictureCalls, 'attention'> {
  readonly #addon: NativeAddon;
  readonly #files: PictureFiles;
  readonly #asking = new PQueue({ concurrency: 1 });
  readonly #last = new LastPackage<NativeModel>();

  constructor(addon: NativeAddon, decoder: ImageDecoder) {
    this.#addon = addon;
    this.#files = new PictureFiles(decoder, 1);
  }

  attention(path: string, question: AttentionQuestion): Promise<LayerAttention> {
    return this.#asking.add(() => this.#answer(path, question));
  }

  async #answer(
    path: string,
    { packagePath, input, dial, layer }: AttentionQuestion,
  ): Promise<LayerAttention> {
    const { resize, crop } = input;
    const pixels = new Uint8Array(crop * crop * 3);
    const file = await this.#files.decode(
      path,
      () => resize,
      (picture) =>
        this.#addon.resizeAndCrop(picture.pixels, picture.width, picture.height, { resize, crop }, pixels, 0),
    );
    if ('problem' in file) throw new PictureError(file.problem);
    const model = await this.#last.open(packagePath, undefined, () => this.#load(packagePath));
    const { tokenKeep, blockThreshold } = dial;
    const seen = await model.attend(pixels, layer, { tokenKeep, blockThreshold });
    const directions = seen.directions[layer] ?? 0;
    return {
      patches: [...seen.attention],
      kept: seen.survived.filter((stages) => stages >= seen.stages).length,
      forward: (directions & 1) !== 0,
      backward: (directions & 2) !== 0,
    };
  }

  #load(packagePath: string): Promise<NativeModel> {
    const options = { device: 'cpu', threads: THREADS, precision: 'fp32' as const };
    return this.#addon.loadModel(packagePath, options);
  }
}
