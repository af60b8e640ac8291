import { isDeepStrictEqual } from 'node:util';
import type { TrainingProgress } from '../../shared/api/training.ts';
import { AppError } from '../../shared/errors.ts';
import { readManifest } from '../packages/read-package.ts';
import { EpochLoop } from './steps/epoch-loop.ts';
import type { LoopListener } from './steps/epoch-loop.ts';
import { errorResponse } from './steps/error-response.ts';
import { finishTraining } from './finish-training.ts';
import type { Journal } from './journal/journal.ts';
import { trainerSetup } from './plan-training.ts';
import type { TrainingPlanner } from './plan-training.ts';
import { resolveTraining } from './resolve-training.ts';
import type { ResolvedTraining } from './resolve-training.ts';
import type { TestedPicture } from './steps/test-holdout.ts';
import { trainHead } from './steps/train-head.ts';
import { TrainingPaused } from './journal/training-record.ts';
import type { TrainingRecord } from './journal/training-record.ts';
import type { TrainingContext } from './training-context.ts';

export interface JobOptions {
  context: TrainingContext;
  planner: TrainingPlanner;
  record: TrainingRecord;
  /** Of a training that was started just now; an earlier one is resolved again if it must be. */
  resolved: ResolvedTraining | undefined;
  threads: number;
  signal: AbortSignal;
  listener: LoopListener;
  /** Hears that work begins, or goes on with the next part. */
  onState: () => void;
}

/** One session's work on a training: reads its pictures, trains, tests and writes the model, as far as that is left to do. */
export class TrainingJob {
  readonly #options: JobOptions;

  constructor(options: JobOptions) {
    this.#options = options;
  }

  /** Never rejects: how it ended is in the journal, and the reason beside it. */
  async execute(): Promise<void> {
    const { record, context } = this.#options;
    const { journal } = record;
    try {
      await this.#work();
      journal.state = 'done';
      journal.finishedAt = context.now();
      journal.model = journal.name;
    } catch (error) {
      Object.assign(journal, settle(error));
    }
    await this.#keep();
    if (journal.state === 'done') await record.folder.clear([]);
  }

  async #work(): Promise<void> {
    const { record, context, signal, listener } = this.#options;
    const { trainer, registry } = context;
    const { journal } = record;
    if (journal.plan === undefined) await this.#plan();
    this.#stopIfPaused();
    await this.#enter('running');
    const pictures = await record.pictures();
    let tested: TestedPicture[] | undefined;
    if (!journal.trained) {
      const trained = await this.#train();
      tested = trained.tested;
      journal.trained = true;
      if (trained.ended !== undefined) journal.ended = trained.ended;
      await record.save();
    }
    this.#stopIfPaused();
    const onProgress = (progress: TrainingProgress) => listener.onProgress(progress);
    const parent = await this.#comparableParent();
    await finishTraining({ record, pictures, trainer, registry, tested, parent, signal, onProgress });
  }

  async #plan(): Promise<void> {
    const { record, context, planner, threads, signal, listener } = this.#options;
    const { request, name } = record.journal;
    await this.#enter('preparing');
    const resolved =
      this.#options.resolved ?? (await resolveTraining({ ...request, name }, context, () => false));
    const { trainer, clock } = context;
    const { plan, pictures } = await planner.plan(resolved, {
      trainer,
      clock,
      signal,
      threads,
      mayMeasure: () => request.minutes !== undefined,
      mayKeep: () => true,
      onProgress: (done, total) =>
        listener.onProgress({
          phase: 'reading',
          done,
          total,
          epoch: 0,
          epochs: 0,
          secondsLeft: undefined,
          imagesPerSecond: 0,
        }),
    });
    await record.keepPlan(plan, pictures);
  }

  /** `ended`: why it ended early, if it did; `tested`: what the kept epoch made of the hold-out, if it is known. */
  async #train(): Promise<{ ended?: string | undefined; tested?: TestedPicture[] }> {
    const { record, context, threads, signal, listener } = this.#options;
    const { trainer, clock } = context;
    const { journal, plan } = record;
    const pictures = await record.pictures();
    const parent = await findParent(journal, context);
    if (journal.method === 'head') {
      const options = { record, pictures, parent: parent ?? '', trainer, clock, signal, listener };
      return { tested: await trainHead(options) };
    }
    const { device, seed } = journal;
    const of = { manifest: plan.manifest, device, seed };
    const setup = trainerSetup(
      { ...of, parent: parent === undefined ? undefined : { model: { path: parent } } },
      plan.recipe,
      threads,
    );
    const loop = new EpochLoop({ record, pictures, setup, trainer, clock, signal, listener });
    return { ended: await loop.run() };
  }

  /** The parent's package, where it knew the classes before all its weights were taught them, and is still there. */
  async #comparableParent(): Promise<string | undefined> {
    const { record, context } = this.#options;
    if (record.journal.method === 'head') return undefined;
    try {
      const parent = await findParent(record.journal, context);
      if (parent === undefined) return undefined;
      const { labels } = await readManifest(parent);
      return isDeepStrictEqual(labels, record.plan.manifest.labels) ? parent : undefined;
    } catch (error) {
      if (error instanceof AppError) return undefined;
      throw error;
    }
  }

  async #enter(state: 'preparing' | 'running'): Promise<void> {
    const { record, onState } = this.#options;
    record.journal.state = state;
    delete record.journal.reason;
    await record.save();
    onState();
  }

  #stopIfPaused(): void {
    if (this.#options.signal.aborted) throw new TrainingPaused();
  }

  /** When not even the journal can be written, what it said before still holds, with the state that belongs to it. */
  async #keep(): Promise<void> {
    const { record, listener } = this.#options;
    try {
      await record.save();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      listener.onNotice(`How training ${record.id} ended could not be written down: ${error.message}`);
    }
  }
}

/** The state that a training is in after an error. */
function settle(error: unknown): Pick<Journal, 'state' | 'reason'> {
  if (error instanceof TrainingPaused)
    return { state: 'paused', ...(error.message === '' ? {} : { reason: error.message }) };
  if (!(error instanceof AppError)) {
    return {
      state: 'failed',
      reason: `This is a mistake in Winnow: ${error instanceof Error ? error.message : String(error)}`,
    };
  }
  const { code, message } = error;
  if (errorResponse[code] !== 'pause') return { state: 'failed', reason: message };
  if (code === 'CANCELLED') return { state: 'paused' };
  const nothingLost =
    code === 'DISK_FULL' ? '; nothing is lost, and it can go on when there is room' : '; nothing is lost';
  return { state: 'paused', reason: `${message}, so the training is paused${nothingLost}` };
}

/** The parent's package, wherever it lies now; undefined from scratch. Throws NOT_FOUND, BAD_MODEL. */
export async function findParent(
  { parent }: Pick<Journal, 'parent'>,
  { registry }: TrainingContext,
): Promise<string | undefined> {
  if (parent === undefined) return undefined;
  const model = await registry.findContent(parent);
  if (model !== undefined) return model.path;
  throw new AppError(
    'NOT_FOUND',
    `The model ${parent.name} that the training starts from is not there any more (SHA-256 ${parent.sha256.slice(0, 12)}...)`,
    'Import it again from the same checkpoint, or start a new training.',
  );
}
