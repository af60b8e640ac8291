import { AppError } from '../../../shared/errors.ts';
import type { TrainingProgress } from '../../../shared/api/training.ts';
import type { TrainerApi, TrainerSetup } from '../../../shared/trainer-api.ts';
import type { EpochReport, StepReport } from '../../../shared/training.ts';
import type { Clock } from '../../../shared/clock.ts';
import { errorResponse } from './error-response.ts';
import { chooseBest, endedEarly, epochReport } from './epochs.ts';
import type { Position, TrainingPictures } from '../journal/journal.ts';
import { addReport, extendCurve } from '../journal/report-means.ts';
import { StepRunner } from './run-steps.ts';
import { Pace } from './pace.ts';
import { StepSequence } from './step-sequence.ts';
import { heldOf, scoreHoldout } from './score-holdout.ts';
import type { HeldPictures } from './score-holdout.ts';
import { sampledPictures, toSample } from './samples.ts';
import { withEpoch } from '../journal/samples.ts';
import type { SampledEpoch } from '../journal/samples.ts';
import { TrainingPaused } from '../journal/training-record.ts';
import type { TrainingRecord } from '../journal/training-record.ts';
import { writeModel } from '../../packages/write-model.ts';

const SAVE_INTERVAL = 180; // seconds of training that a sudden end costs at most

/** When the trainer dies so often without having got to another saved state, the reason is no chance. */
const MOST_CRASHES = 2;

const WEIGHTS = 'weights.safetensors';

export interface LoopOptions {
  record: TrainingRecord;
  pictures: TrainingPictures;
  setup: TrainerSetup; // without a state
  trainer: TrainerApi;
  clock: Clock;
  signal: AbortSignal;
  listener: LoopListener;
}

/** What is heard of a training under way. */
export interface LoopListener {
  onProgress: (progress: TrainingProgress) => void;
  onStep: (step: number, report: StepReport) => void;
  onEpoch: (report: EpochReport) => void;
  onNotice: (message: string) => void;
}

/**
 * Trains epoch by epoch: steps, a saved state, the test on the hold-out. It goes on from the position in the journal as if
 * it had never stopped: order, seeds and learning rates follow from the number of a step, weights and moments from its state.
 */
export class EpochLoop {
  readonly #options: LoopOptions;
  readonly #sequence: StepSequence;
  readonly #held: HeldPictures;
  readonly #sampled: ReadonlySet<number>; // indices of pictures of the hold-out
  readonly #learned: number;
  readonly #pace: Pace;
  #runner: StepRunner;
  #missing = new Set<number>();
  #position: Position; // of what is in the trainer

  constructor(options: LoopOptions) {
    this.#options = options;
    const { record, pictures, clock } = options;
    const placed = pictures.pictures.map((picture, index) => ({ ...picture, index }));
    const learned = placed.filter(({ held }) => !held);
    this.#held = heldOf(pictures);
    this.#sampled = new Set(sampledPictures(this.#held));
    this.#learned = learned.length;
    this.#sequence = new StepSequence(learned, record.plan.recipe, record.journal.seed);
    this.#pace = new Pace(clock, record.plan.recipe.epochs);
    this.#position = structuredClone(record.journal.position);
    this.#runner = this.#makeRunner();
  }

  /**
   * Trains to the end. Resolves to why it ended before the last epoch, undefined when it did not; the journal then has its
   * best epoch. Rejects with TrainingPaused when it was paused, by the signal or because pictures have gone; with DIVERGED
   * when there was no epoch to keep before; with DISK_FULL or FILE_SYSTEM when it cannot be saved, nothing being lost; with
   * ENGINE when the trainer fails again and again.
   */
  async run(): Promise<string | undefined> {
    const { record, signal, listener } = this.#options;
    for (let crashes = 0; ;) {
      const before = record.journal.position.step;
      try {
        await this.#open();
        return await this.#train();
      } catch (error) {
        if (!(error instanceof AppError)) throw error;
        if (signal.aborted || error.code === 'CANCELLED') throw new TrainingPaused();
        const response = errorResponse[error.code];
        if (response === 'end') return endedBy(error, record);
        if (response !== 'repeat') throw error;
        crashes = record.journal.position.step > before ? 1 : crashes + 1;
        if (crashes >= MOST_CRASHES) throw error;
        listener.onNotice(`The training is started again from its last state: ${error.message}`);
      }
    }
  }

  /** Gives the trainer the last state. */
  async #open(): Promise<void> {
    const { record, setup, trainer } = this.#options;
    this.#position = structuredClone(record.journal.position);
    const { state, missing } = this.#position;
    this.#missing = new Set(missing);
    this.#runner = this.#makeRunner();
    await trainer.open({ ...setup, state: state === undefined ? undefined : record.folder.file(state) });
  }

  async #train(): Promise<string | undefined> {
    const { record, signal } = this.#options;
    const { epochs, patience } = record.plan.recipe;
    this.#pace.lap();
    for (;;) {
      const ended = endedEarly(record.journal, patience);
      const epoch = record.journal.epochs.length + 1;
      if (ended !== undefined || epoch > epochs) return ended;
      await this.#takeSteps(epoch * this.#sequence.perEpoch);
      const isLate = this.#isLate();
      if (this.#position.epochSum !== undefined || !isLate) await this.#test(epoch);
      if (signal.aborted) throw new TrainingPaused();
      if (isLate && epoch < epochs) return this.#lateSentence(epoch, epochs);
    }
  }

  /** Steps up to `end`, saved; fewer when the time is over. */
  async #takeSteps(end: number): Promise<void> {
    const { signal } = this.#options;
    const stops = () => signal.aborted || this.#isLate() || this.#pace.sinceSave >= SAVE_INTERVAL;
    do {
      await this.#runner.run(this.#position.step, end, stops);
      await this.#save();
      if (signal.aborted) throw new TrainingPaused();
    } while (this.#position.step < end && !this.#isLate());
  }

  /** Whether the time is over, with what the test of this epoch will take. */
  #isLate(): boolean {
    const { minutes } = this.#options.record.journal.request;
    if (minutes === undefined || this.#position.step === 0) return false;
    return this.#position.seconds + this.#pace.sinceLap + this.#pace.testSeconds >= minutes * 60;
  }

  #lateSentence(epoch: number, epochs: number): string {
    const { minutes = 0 } = this.#options.record.journal.request;
    return `The time of ${minutes} minute${minutes === 1 ? '' : 's'} was over in epoch ${epoch} of ${epochs}`;
  }

  /** The state in a file, and then in the journal; the one before goes when the journal does not need it any more. */
  async #save(): Promise<void> {
    const { record, trainer } = this.#options;
    const { folder, journal } = record;
    this.#countTime();
    this.#position.missing = [...this.#missing].sort((one, other) => one - other);
    const state = `state-${this.#position.step}.safetensors`;
    if (this.#position.state !== state) await trainer.saveState(folder.file(state));
    this.#position.state = state;
    journal.position = structuredClone(this.#position);
    await record.save();
    this.#pace.saved();
    await folder.clear([state, journal.best?.file]);
  }

  /** Tests the averaged weights at the trained keep ratios, and keeps them when they are the best so far. */
  async #test(epoch: number): Promise<void> {
    const { record, trainer, signal, listener } = this.#options;
    const { folder, journal, plan } = record;
    const file = `epoch-${epoch}.safetensors`; // a name of its own, since the trainer keeps a package loaded
    this.#tell('testing', epoch);
    await trainer.saveWeights(folder.file(WEIGHTS), { averaged: true });
    await writeModel(folder.file(file), folder.file(WEIGHTS), plan.manifest);
    const sampled: SampledEpoch['pictures'] = [];
    const holdout = await scoreHoldout({
      trainer,
      packagePath: folder.file(file),
      manifest: plan.manifest,
      held: this.#held,
      signal,
      onFound: ({ index, ...picture }, found) => {
        if (!this.#sampled.has(index)) return;
        sampled.push({ index, found: toSample(found, 'size' in picture ? picture.size : undefined) });
      },
    });
    this.#pace.tested(this.#countTime());
    const report = epochReport(epoch, this.#position, {
      learningRate: this.#sequence.learningRate(Math.max(0, this.#position.step - 1)),
      holdout,
    });
    journal.epochs.push(report);
    journal.samples = withEpoch(journal.samples, { epoch, pictures: sampled });
    journal.best = chooseBest(journal.epochs, journal.best, plan, file);
    this.#position = { ...this.#position, epochSum: undefined, epochSeconds: 0 };
    journal.position = structuredClone(this.#position);
    await record.save();
    await folder.clear([this.#position.state, journal.best?.file]);
    listener.onEpoch(report);
  }

  #makeRunner(): StepRunner {
    const { pictures, trainer, listener } = this.#options;
    return new StepRunner({
      trainer,
      sequence: this.#sequence,
      root: pictures.root,
      learned: this.#learned,
      missing: this.#missing,
      onStep: (step, report) => this.#note(step, report),
      onMissing: (message) => listener.onNotice(message),
    });
  }

  #note(step: number, report: StepReport | undefined): void {
    this.#position.step = step + 1;
    const epoch = Math.floor(step / this.#sequence.perEpoch) + 1;
    if (report !== undefined) {
      this.#position.epochSum = addReport(this.#position.epochSum, report);
      this.#position.curve = extendCurve(this.#position.curve, step + 1, report);
      this.#options.listener.onStep(step + 1, report);
    }
    this.#pace.stepped(this.#learned / this.#sequence.perEpoch);
    this.#tell('training', epoch);
  }

  /** Adds the time since the last lap to the training's; returns the seconds. */
  #countTime(): number {
    const seconds = this.#pace.lap();
    this.#position.seconds += seconds;
    this.#position.epochSeconds += seconds;
    return seconds;
  }

  #tell(phase: 'training' | 'testing', epoch: number): void {
    const { step } = this.#position;
    const { steps, perEpoch } = this.#sequence;
    this.#options.listener.onProgress({
      phase,
      done: step,
      total: steps,
      epoch,
      epochs: steps / perEpoch,
      ...this.#pace.outlook(((steps - step) * this.#learned) / perEpoch, epoch),
    });
  }
}

/** Ends a training that diverged with its best epoch. Throws DIVERGED when there is none. */
function endedBy(error: AppError, { journal, plan }: TrainingRecord): string {
  const { rate } = plan.recipe.learningRate;
  const advice = `lower the learning rate, for example to ${Number((rate / 2).toPrecision(2))}`;
  if (journal.best !== undefined)
    return `${error.message}, so epoch ${journal.best.epoch} was kept; ${advice}`;
  throw new AppError('DIVERGED', `${error.message}, before an epoch was done: ${advice}`, undefined, {
    cause: error,
  });
}
