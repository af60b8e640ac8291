import type { EngineDial, ImageOutcome } from '../../shared/engine-api.ts';
import { isDense } from '../../shared/tasks.ts';
import { AppError } from '../../shared/errors.ts';
import { problemText } from '../../shared/picture-problem.ts';
import type { FoundOutcome } from '../../shared/trainer-api.ts';
import type { NativeAddon } from '../addon.ts';
import type { PictureFiles } from '../pictures/picture-files.ts';
import { readModelInput } from '../pictures/read-preprocessing.ts';
import { DensePictures } from './dense-pictures.ts';
import { LastPackage } from './last-package.ts';
import type { Computing } from './package-predictor.ts';
import PQueue from 'p-queue';

/** Finds with segmentation and detection packages what a run finds. The last package stays loaded. */
export class DensePredictor {
  readonly #addon: NativeAddon;
  readonly #files: PictureFiles;
  readonly #computing: PQueue;
  readonly #last = new LastPackage<DensePictures>();

  /** `computing`: models and a trainer use all threads, one call at a time. */
  constructor(addon: NativeAddon, files: PictureFiles, computing: PQueue) {
    this.#addon = addon;
    this.#files = files;
    this.#computing = computing;
  }

  /** Rejects with BAD_MODEL for the package of a classifier. */
  async find(
    packagePath: string,
    paths: readonly string[],
    dial: EngineDial,
    on: Computing,
  ): Promise<FoundOutcome[]> {
    const dense = await this.#last.open(packagePath, on, () => this.#load(packagePath, on));
    return (await dense.predict(paths, dial)).map(toFound);
  }

  async #load(path: string, { device, threads }: Computing): Promise<DensePictures> {
    const input = await readModelInput(path);
    if (!isDense(input))
      throw new AppError('BAD_MODEL', `${path} is the package of a classifier, which finds nothing`);
    const options = { device, threads, precision: 'fp32' as const, inputSize: input.size };
    return new DensePictures({
      addon: this.#addon,
      model: await this.#computing.add(() => this.#addon.loadModel(path, options)),
      input,
      files: this.#files,
      inMemory: new PQueue({ concurrency: threads + 1 }), // one is predicted while others are decoded
      predicting: this.#computing,
    });
  }
}

function toFound(outcome: ImageOutcome): FoundOutcome {
  if (outcome.status === 'failed') return { error: problemText(outcome.problem) };
  const { directions } = outcome.receipt;
  const ran = directions.reduce((sum, bits) => sum + (bits & 1) + (bits >> 1), 0);
  const regions = outcome.regions?.map(({ classIndex, mask }) => ({ classIndex, counts: mask.counts }));
  const objects = outcome.detections?.map(({ classIndex, score, box, mask }) => {
    return { classIndex, score, box, counts: mask?.counts };
  });
  return { found: regions ?? objects ?? [], blockKeep: ran / Math.max(1, 2 * directions.length) };
}
