import { mkdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type {
  Training,
  TrainingDetails,
  TrainingPlan,
  TrainingProgress,
  TrainingSamples,
} from '../../shared/api/training.ts';
import type { AppEvent } from '../../shared/app-api.ts';
import { AppError } from '../../shared/errors.ts';
import { foldName } from '../../shared/fold-name.ts';
import type { TrainingMethod } from '../../shared/training.ts';
import type { AppContext } from '../app/app-context.ts';
import { locateFile } from '../pictures/locate-image.ts';
import type { LocatedImage } from '../pictures/locate-image.ts';
import { takeExclusiveLock } from '../store/exclusive-lock.ts';
import type { ExclusiveLock } from '../store/exclusive-lock.ts';
import { toFileSystemError } from '../files/write-file.ts';
import { damagedTraining, describeDetails, describeTraining } from '../training/journal/describe-training.ts';
import { pictureCounts, START } from '../training/journal/journal.ts';
import type { Journal, Plan, TrainingPictures } from '../training/journal/journal.ts';
import { parameterCount } from '../training/new-model.ts';
import type { TrainingRequest } from '../training/new-model.ts';
import { TrainingPlanner } from '../training/plan-training.ts';
import { makeRecipe, resolveTraining } from '../training/resolve-training.ts';
import type { ResolvedTraining } from '../training/resolve-training.ts';
import { describeSamples } from '../training/describe-samples.ts';
import { EventThrottle } from '../training/event-throttle.ts';
import { testedKeeps } from '../training/outcome.ts';
import { trainingSeconds } from '../training/steps/schedule.ts';
import {
  makeTrainingFolder,
  removeAbandonedTrainings,
  TrainingFolder,
  trainingIds,
} from '../training/journal/training-folder.ts';
import { findParent, TrainingJob } from '../training/training-job.ts';
import { TrainingRecord } from '../training/journal/training-record.ts';
import { PRIVATE_FOLDER } from '../files/private.ts';

interface Work {
  record: TrainingRecord;
  controller: AbortController;
  progress: TrainingProgress;
  ended: Promise<void>;
}

/** Works on trainings, one at a time among all processes, and knows those that are kept. */
export class TrainingService {
  readonly #context: AppContext;
  readonly #planner = new TrainingPlanner();
  readonly #folder: string;
  readonly #closing = new AbortController();
  /** The plan that is being made for each that asks. */
  readonly #preparing = new WeakMap<AbortSignal, AbortController>();
  /** As trainings ended in this process: a full disk may keep it from their journals. */
  readonly #settled = new Map<number, Journal>();
  #shown: { id: number; pictures: Promise<TrainingPictures> } | undefined;
  #work: Work | undefined;

  constructor(context: AppContext) {
    this.#context = context;
    this.#folder = join(context.folders.data, 'trainings');
  }

  /**
   * Reads all pictures; throws what `start` would throw, and CANCELLED when the same asker asks for another plan before its
   * end, or is gone.
   */
  async prepare(request: TrainingRequest, asker: AbortSignal): Promise<TrainingPlan> {
    const { trainer, clock } = this.#context;
    // The one before is of a request that has changed since: of a path that was being typed it may read a whole disk.
    this.#preparing.get(asker)?.abort();
    const controller = new AbortController();
    this.#preparing.set(asker, controller);
    const signal = AbortSignal.any([this.#closing.signal, controller.signal, asker]);
    const resolved = await this.#resolve(request, signal);
    const threads = this.#context.threads(request.threads);
    const { plan, secondsPerImage } = await this.#planner.plan(resolved, {
      trainer,
      clock,
      threads,
      signal,
      mayMeasure: () => this.#work === undefined, // a training under way needs the trainer for itself
      mayKeep: () => this.#work === undefined && request.method === 'head', // others close it after measuring
      onProgress: (files, total) => {
        const { source: path } = resolved.set;
        this.#context.emit({ type: 'scanning', path, files, total });
      },
    });
    const { recipe, classes, warnings, steps } = plan;
    return {
      task: resolved.manifest.task,
      method: request.method,
      name: resolved.manifest.name,
      from: resolved.parent?.model,
      pictures: pictureCounts(plan),
      classes,
      warnings,
      recipe,
      steps,
      seconds: secondsPerImage === undefined ? undefined : estimate(request.method, plan, secondsPerImage),
      parameters: parameterCount(plan.manifest),
    };
  }

  /** Keeps a new training and begins with it. */
  async start(request: TrainingRequest): Promise<Training> {
    const resolved = await this.#resolve(request);
    const lock = await this.#takeLock();
    try {
      await removeAbandonedTrainings(this.#folder);
      const folder = await makeTrainingFolder(this.#folder);
      const record = new TrainingRecord(folder, newJournal(resolved, this.#context.now()));
      await record.save();
      return this.#begin(record, resolved, request.threads, lock);
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Goes on with a training; one that is done stays as it is. */
  async resume(id: number, threads: number | undefined): Promise<Training> {
    if (this.#work?.record.id === id) return this.#describe(id, this.#work.record.journal);
    const folder = new TrainingFolder(this.#folder, id);
    const journal = await folder.readJournal();
    if (journal.state === 'done') return this.#describe(id, journal);
    const lock = await this.#takeLock();
    try {
      if (!journal.trained) await findParent(journal, this.#context);
      return this.#begin(
        new TrainingRecord(folder, journal),
        undefined,
        threads ?? journal.request.threads,
        lock,
      );
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  /** Comes back when the state is saved. */
  async pause(id: number): Promise<Training> {
    const work = this.#work;
    if (work?.record.id !== id) {
      if (new TrainingFolder(this.#folder, id).isWorkedOn())
        throw underWay(id, 'in another Winnow', 'Pause it there.');
      throw new AppError('NOT_FOUND', `Training ${id} is not under way here`);
    }
    work.controller.abort();
    await work.ended;
    return this.#describe(id, work.record.journal);
  }

  /** `onlyCheck`: only rejects with what speaks against it. */
  async remove(id: number, onlyCheck = false): Promise<void> {
    const folder = new TrainingFolder(this.#folder, id);
    if (!(await trainingIds(this.#folder)).includes(id)) throw noTraining(id);
    if (this.#work?.record.id === id) throw underWay(id, 'here', 'Pause it, then remove it.');
    if (folder.isWorkedOn()) throw underWay(id, 'in another Winnow', 'Pause it there, then remove it.');
    if (onlyCheck) return;
    await folder.remove();
    this.#settled.delete(id);
    this.#shown = undefined;
  }

  /** Newest first. */
  async list(): Promise<Training[]> {
    const ids = await trainingIds(this.#folder);
    const listed = await Promise.all(ids.reverse().map((id) => this.#listed(id)));
    return listed.filter((training) => training !== undefined);
  }

  async show(id: number): Promise<TrainingDetails> {
    const journal = await this.#journal(id);
    return describeDetails(this.#describe(id, journal), journal);
  }

  /** Undefined of a training that has none, such as one of an earlier version. */
  async showSamples(id: number): Promise<TrainingSamples | undefined> {
    const { samples } = await this.#journal(id);
    return samples && describeSamples(await this.#pictures(id), samples);
  }

  /** Where a picture of a training lies. Throws NOT_FOUND, or BAD_IMAGE for a link that leads out of its folder. */
  async locatePicture(id: number, index: number): Promise<LocatedImage> {
    const { pictures, root } = await this.#pictures(id);
    const picture = pictures[index];
    if (picture !== undefined) {
      return locateFile(picture.path, root ?? dirname(picture.path), `Picture ${index} of training ${id}`);
    }
    throw new AppError('NOT_FOUND', `There is no picture ${index} in training ${id}`);
  }

  /** Those of one training are kept in memory, since the window asks for many of them. */
  #pictures(id: number): Promise<TrainingPictures> {
    if (this.#shown?.id !== id) {
      const pictures = new TrainingFolder(this.#folder, id).readPictures();
      pictures.catch(() => (this.#shown = undefined)); // heard of by whoever asked for it
      this.#shown = { id, pictures };
    }
    return this.#shown.pictures;
  }

  /** Pauses the training under way; it can be resumed. */
  async close(): Promise<void> {
    this.#closing.abort();
    if (this.#work === undefined) return;
    const { record, controller, ended } = this.#work;
    const { plan, trained, method } = record.journal;
    controller.abort();
    // Only between steps there is a state to save; all else need not be waited for.
    if (plan === undefined || trained || method === 'head') await this.#context.trainer.close();
    await ended;
  }

  #resolve(request: TrainingRequest, signal = this.#closing.signal): Promise<ResolvedTraining> {
    return this.#namesTaken().then((names) =>
      resolveTraining(request, this.#context, (name) => names.has(foldName(name)), signal),
    );
  }

  /** Names that unfinished trainings are to give to their models. */
  async #namesTaken(): Promise<ReadonlySet<string>> {
    const trainings = await this.list();
    return new Set(trainings.filter(({ state }) => state !== 'done').map(({ name }) => foldName(name)));
  }

  #begin(
    record: TrainingRecord,
    resolved: ResolvedTraining | undefined,
    threads: number | undefined,
    lock: ExclusiveLock,
  ): Training {
    const { id, journal, folder } = record;
    const own = folder.takeLock();
    if (own === undefined) throw underWay(id, 'in another Winnow', 'Pause it there or wait for its end.');
    const controller = new AbortController();
    const work: Work = { record, controller, progress: BEFORE_FIRST, ended: Promise.resolve() };
    this.#work = work;
    this.#settled.delete(id);
    journal.state = journal.plan === undefined ? 'preparing' : 'running';
    const job = new TrainingJob({
      context: this.#context,
      planner: this.#planner,
      record,
      resolved,
      threads: this.#context.threads(threads),
      signal: controller.signal,
      ...this.#tellers(work),
    });
    const begun = this.#describe(id, journal);
    work.ended = job.execute().finally(() => {
      this.#work = undefined;
      this.#settled.set(id, journal);
      own.release();
      lock.release();
      this.#tell(work);
    });
    return begun;
  }

  /** What the window hears of a training: changes of its state at once, progress and steps a few times a second. */
  #tellers(work: Work): Pick<ConstructorParameters<typeof TrainingJob>[0], 'listener' | 'onState'> {
    const emit = (event: AppEvent) => this.#context.emit(event);
    const throttle = new EventThrottle(this.#context.clock);
    const trainingId = work.record.id;
    return {
      onState: () => this.#tell(work),
      listener: {
        onProgress: (progress) => {
          const isNew = progress.phase !== work.progress.phase;
          work.progress = progress;
          if (throttle.isDue('progress') || isNew) this.#tell(work);
        },
        onStep: (step, report) => {
          if (throttle.isDue('step')) emit({ type: 'trainingStep', trainingId, step, report });
        },
        onEpoch: (report) => {
          emit({ type: 'trainingEpoch', trainingId, report });
          this.#tell(work);
        },
        onNotice: (message) => emit({ type: 'notice', message }),
      },
    };
  }

  #tell({ record }: Work): void {
    const training = this.#describe(record.id, record.journal);
    this.#context.emit({ type: 'training', training });
  }

  #describe(id: number, journal: Journal): Training {
    const work = this.#work?.record.id === id ? this.#work : undefined;
    const isWorkedOn = () => new TrainingFolder(this.#folder, id).isWorkedOn();
    return describeTraining(id, journal, work?.progress, isWorkedOn);
  }

  /** Undefined for one that was killed before it had begun. */
  async #listed(id: number): Promise<Training | undefined> {
    const folder = new TrainingFolder(this.#folder, id);
    try {
      const journal = await this.#journal(id);
      if (journal.state === 'done') await folder.clearDone();
      return this.#describe(id, journal);
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      if (await folder.isBlank()) return undefined;
      const { birthtime } = await stat(folder.path);
      return damagedTraining(id, birthtime.toISOString(), error.message);
    }
  }

  async #journal(id: number): Promise<Journal> {
    if (this.#work?.record.id === id) return this.#work.record.journal;
    return this.#settled.get(id) ?? new TrainingFolder(this.#folder, id).readJournal();
  }

  async #takeLock(): Promise<ExclusiveLock> {
    await mkdir(this.#folder, PRIVATE_FOLDER).catch((error: unknown) => {
      throw toFileSystemError(error, this.#folder);
    });
    const lock = takeExclusiveLock(this.#lockPath);
    if (lock !== undefined) return lock;
    const which =
      this.#work === undefined ? 'Another Winnow trains' : `Training ${this.#work.record.id} is under way`;
    throw new AppError(
      'BAD_ARGUMENT',
      `${which}, and one training goes on at a time`,
      'Pause it or wait for its end.',
    );
  }

  get #lockPath(): string {
    return join(this.#folder, 'lock');
  }
}

const BEFORE_FIRST: TrainingProgress = {
  phase: 'reading',
  done: 0,
  total: 0,
  epoch: 0,
  epochs: 0,
  secondsLeft: undefined,
  imagesPerSecond: 0,
};

function newJournal(resolved: ResolvedTraining, createdAt: string): Journal {
  const { request, manifest, set, parent, device, seed } = resolved;
  return {
    format: 1,
    request,
    name: manifest.name,
    method: request.method,
    source: set.source,
    device,
    seed,
    createdAt,
    ...(parent === undefined
      ? {}
      : {
          parent: {
            name: parent.model.name,
            path: parent.model.path,
            sha256: parent.sha256,
            dataSha256: parent.manifest.dataSha256,
          },
        }),
    state: 'preparing',
    outline: makeRecipe(resolved, set.files.length),
    position: structuredClone(START),
    epochs: [],
    trained: false,
  };
}

function estimate(method: TrainingMethod, plan: Plan, secondsPerImage: number): number {
  const { recipe, manifest } = plan;
  const { learned, held } = pictureCounts(plan);
  return trainingSeconds(method, {
    images: learned,
    holdout: held,
    secondsPerImage,
    epochs: recipe.epochs,
    dials: testedKeeps(manifest).length,
  });
}

function underWay(id: number, where: string, hint: string): AppError {
  return new AppError('BAD_ARGUMENT', `Training ${id} is under way ${where}`, hint);
}

function noTraining(id: number): AppError {
  return new AppError('NOT_FOUND', `There is no training ${id}`, 'It may have been removed.');
}
