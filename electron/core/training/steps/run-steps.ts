import { dirname } from 'node:path';
import { AppError } from '../../../shared/errors.ts';
import { toRead } from '../../../shared/trainer-api.ts';
import type { TrainerApi } from '../../../shared/trainer-api.ts';
import type { StepReport } from '../../../shared/training.ts';
import { folderExists } from '../../runs/run-folders.ts';
import type { LearnedPicture, StepSequence } from './step-sequence.ts';
import { TrainingPaused } from '../journal/training-record.ts';

/** One is computed while the pictures of the next are decoded. */
const STEPS_UNDER_WAY = 2;

/** When more than this share of the pictures has gone, it is not by chance. */
const MOST_MISSING = 0.1;

/** The loss of a step, from 1, was not finite, or became so large that its gradient was not. */
function lossNotFinite(step: number, cause: AppError): AppError {
  const message = `The loss was not a number any more at step ${step}`;
  return new AppError('DIVERGED', message, undefined, { cause });
}

export interface StepRunnerOptions {
  trainer: TrainerApi;
  sequence: StepSequence;
  root: string | undefined; // folder of all pictures
  learned: number; // pictures that are learned from
  missing: Set<number>; // indices of those that have gone; grows
  onStep: (step: number, report: StepReport | undefined) => void; // undefined: none of its pictures is there
  onMissing: (message: string) => void;
}

interface StepUnderWay {
  step: number;
  pictures: LearnedPicture[];
  result: Promise<StepReport | undefined>;
}

/** Takes steps in order, two at a time. */
export class StepRunner {
  readonly #options: StepRunnerOptions;

  constructor(options: StepRunnerOptions) {
    this.#options = options;
  }

  /**
   * Takes the steps from `first` up to `end` or until `stops`; none is under way any more then. Rejects with
   * TrainingPaused when the pictures have gone, or with what the trainer rejects with; DIVERGED names the step.
   */
  async run(first: number, end: number, stops: () => boolean): Promise<void> {
    const underWay: StepUnderWay[] = [];
    let [next, last] = [first, first];
    try {
      for (;;) {
        while (next < end && underWay.length < STEPS_UNDER_WAY && !stops())
          underWay.push(this.#begin(next++));
        const oldest = underWay.shift();
        if (oldest === undefined) return;
        last = oldest.step;
        this.#options.onStep(oldest.step, await this.#finish(oldest));
      }
    } catch (error) {
      await Promise.allSettled(underWay.map(({ result }) => result));
      throw error instanceof AppError && error.code === 'DIVERGED' ? lossNotFinite(last + 1, error) : error;
    }
  }

  #begin(step: number): StepUnderWay {
    const { trainer, sequence, missing } = this.#options;
    const pictures = sequence.pictures(step).filter(({ index }) => !missing.has(index));
    const result =
      pictures.length === 0 ? Promise.resolve(undefined) : trainer.step(sequence.request(step, pictures));
    result.catch(() => undefined); // heard of when its turn comes
    return { step, pictures, result };
  }

  async #finish({ step, pictures, result }: StepUnderWay): Promise<StepReport | undefined> {
    try {
      return await result;
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'BAD_IMAGE')) throw error;
      await this.#noteMissing(pictures, error);
      return this.#finish(this.#begin(step));
    }
  }

  /** Finds out which pictures have gone; training goes on without them while they are few. */
  async #noteMissing(pictures: readonly LearnedPicture[], cause: AppError): Promise<void> {
    const { trainer, root, learned, missing, onMissing } = this.#options;
    const found = await trainer.inspect(
      pictures.map((picture) => toRead(picture)),
      { resize: 1, keep: false },
    );
    const gone = pictures.filter((_, index) => {
      const inspected = found[index];
      return inspected === undefined || 'error' in inspected;
    });
    const [first] = gone;
    if (first === undefined) throw cause; // it is there again, or what cannot be read is something else
    const folder = root ?? dirname(first.path);
    if (!(await folderExists(folder))) {
      throw new TrainingPaused(
        `The folder ${folder} is not there any more, so the training is paused: connect its drive again, then go on with it`,
      );
    }
    if (missing.size + gone.length > MOST_MISSING * learned) {
      throw new TrainingPaused(
        `${missing.size + gone.length} of ${learned} pictures cannot be read any more, such as ${first.path}, so the training is paused: put them back, then go on with it`,
      );
    }
    for (const { index } of gone) missing.add(index);
    const others = gone.length === 1 ? '' : ` and ${gone.length - 1} more`;
    onMissing(`${first.path}${others} cannot be read any more; the training goes on without.`);
  }
}
