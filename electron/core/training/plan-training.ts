import { createHash } from 'node:crypto';
import { AppError } from '../../shared/errors.ts';
import { toRead } from '../../shared/trainer-api.ts';
import type { PictureUse, TrainerApi, TrainerSetup, TrainingExample } from '../../shared/trainer-api.ts';
import type { TrainingClass, TrainingRecipe, TrainingWarning } from '../../shared/training.ts';
import type { Clock } from '../../shared/clock.ts';
import { classesOf, inspectMarked } from './pictures/inspect-marked.ts';
import type { KnownMarked, MarkedInspection } from './pictures/inspect-marked.ts';
import { inspectPictures } from './pictures/inspect-pictures.ts';
import type { Inspection, InspectOptions } from './pictures/inspect-pictures.ts';
import type {
  LabelledPicture,
  MarkedPicture,
  Plan,
  TrainingPicture,
  TrainingPictures,
} from './journal/journal.ts';
import { makeRecipe, withoutPoor } from './resolve-training.ts';
import type { ResolvedTraining } from './resolve-training.ts';
import { toExample } from './steps/step-sequence.ts';
import { epochsWithin, stepsPerEpoch } from './steps/schedule.ts';
import { shuffledIndices } from './steps/seeds.ts';
import { isMarkedSet } from './pictures/marked-run.ts';
import { holdOut } from './pictures/split.ts';
import { holdOutMarked } from './pictures/split-marked.ts';
import type { PictureSet } from './pictures/picture-set.ts';
import { isDense, TASKS } from '../../shared/tasks.ts';
import type { Manifest } from '../../shared/model-package.ts';
import { dialOf } from './steps/test-holdout.ts';
import { leftOutClasses, warningsOf } from './pictures/warnings.ts';
import { warningsOfMarked } from './pictures/warnings-marked.ts';

/** What a training will be. */
export interface PlannedTraining {
  plan: Plan;
  pictures: TrainingPictures;
  /** Time of a step, per picture; undefined where it could not be measured, or was not. */
  secondsPerImage: number | undefined;
}

export interface PlanOptions {
  trainer: TrainerApi;
  clock: Clock;
  signal: AbortSignal;
  threads: number;
  /** Whether the trainer may be opened for a few steps that are thrown away: not while it is needed for others. */
  mayMeasure: () => boolean;
  /** Whether it may keep the decoded pictures, for a training that follows: not while it has those of another. */
  mayKeep: () => boolean;
  onProgress: (done: number, total: number) => void;
}

/** What was found when the pictures were read last. */
interface Inspected<Found> {
  last?: { key: string; inspection: Found };
}

type Read<Found> = (how: InspectOptions) => Promise<Found>;

interface ReadPictures {
  pictures: TrainingPicture[];
  classes: TrainingClass[];
  warnings: TrainingWarning[];
}

/**
 * Reads pictures and measures steps, and remembers both: what was found for a plan holds for the training that follows, as
 * long as neither files nor settings have changed.
 */
export class TrainingPlanner {
  #turn: Promise<unknown> = Promise.resolve();
  readonly #labelled: Inspected<Inspection> = {};
  readonly #marked: Inspected<MarkedInspection> = {};
  #measured: { key: string; secondsPerImage: number } | undefined;

  /**
   * One plan at a time. Rejects with TOO_FEW_PICTURES or BAD_ARGUMENT for pictures that cannot be learned from, with
   * CANCELLED when `signal` is aborted.
   */
  plan(resolved: ResolvedTraining, options: PlanOptions): Promise<PlannedTraining> {
    const plan = this.#turn.then(() => withoutPoor(resolved, (left) => this.#plan(left, options)));
    this.#turn = plan.catch(() => undefined); // heard of by whoever asked for it
    return plan;
  }

  async #plan(resolved: ResolvedTraining, options: PlanOptions): Promise<PlannedTraining> {
    const { manifest, request, set } = resolved;
    const { pictures, classes, warnings } = await this.#read(resolved, options);
    const { recipe, secondsPerImage } = await this.#planRecipe(resolved, pictures, options);
    const images = pictures.filter(({ held }) => !held).length;
    return {
      plan: {
        manifest,
        recipe,
        pictures: { learned: images, held: pictures.length - images },
        classes,
        warnings: [...leftOutClasses(resolved.leftOut), ...warnings],
        steps: request.method === 'head' ? 0 : recipe.epochs * stepsPerEpoch(images, recipe.batch),
      },
      pictures: { format: 1, ...(request.folder === undefined ? {} : { root: set.source }), pictures },
      secondsPerImage,
    };
  }

  /** Reads all pictures, and holds some of them out. */
  async #read(resolved: ResolvedTraining, options: PlanOptions): Promise<ReadPictures> {
    const { manifest, set } = resolved;
    const { imageSize, patchSize } = manifest;
    const names = resolved.classes.map(({ name }) => name);
    if (isMarkedSet(set)) {
      const { task } = set;
      const use = { resize: imageSize, isSampled: TASKS[task].foundIn === 'masks' };
      const read = (how: InspectOptions) => inspectMarked(options.trainer, set, how);
      const inspection = await this.#inspect(this.#marked, { use, set, read }, options);
      const { pictures, held } = splitMarked(inspection.pictures, names, resolved);
      const of = { names, held, input: { task, size: imageSize }, patchSize, dropped: set.dropped };
      return { pictures, classes: countClasses(names, pictures), warnings: warningsOfMarked(inspection, of) };
    }
    const use = { resize: resizeOf(manifest) };
    const read = (how: InspectOptions) => inspectPictures(options.trainer, set, how);
    const inspection = await this.#inspect(this.#labelled, { use, set, read }, options);
    const { pictures, held } = splitPictures(inspection, names, resolved);
    const classes = countClasses(names, pictures);
    return { pictures, classes, warnings: warningsOf(inspection, classes, held, imageSize) };
  }

  /** The recipe, with fewer epochs where the time is short. */
  async #planRecipe(
    resolved: ResolvedTraining,
    pictures: readonly TrainingPicture[],
    options: PlanOptions,
  ): Promise<{ recipe: TrainingRecipe; secondsPerImage: number | undefined }> {
    const { method, minutes } = resolved.request;
    const learned = pictures.filter(({ held }) => !held);
    const [images, holdout] = [learned.length, pictures.length - learned.length];
    const recipe = makeRecipe(resolved, images);
    if (!options.mayMeasure()) return { recipe, secondsPerImage: undefined };
    const secondsPerImage = await this.#measure(resolved, recipe, learned, options);
    if (method === 'head' || minutes === undefined || secondsPerImage === undefined)
      return { recipe, secondsPerImage };
    const epochs = epochsWithin(minutes * 60, recipe.epochs, { images, holdout, secondsPerImage });
    return { recipe: makeRecipe(resolved, images, epochs), secondsPerImage };
  }

  /** As `read` finds the pictures, or as they were found last where no file has changed. */
  async #inspect<Found>(
    inspected: Inspected<Found>,
    of: { use: PictureUse; set: Pick<PictureSet, 'unreadable'> & { files: unknown }; read: Read<Found> },
    { trainer, signal, mayKeep, onProgress }: PlanOptions,
  ): Promise<Found> {
    const key = keyOf([of.use, of.set.unreadable, of.set.files]);
    if (inspected.last?.key === key) return inspected.last.inspection;
    if (mayKeep()) await trainer.close(); // and with it the pictures of an earlier plan
    const inspection = await of.read({ ...of.use, signal, mayKeep, onProgress });
    inspected.last = { key, inspection };
    return inspection;
  }

  /**
   * Seconds per picture of a step, or of computing features for a new head; undefined when that fails here, which training
   * itself will then say.
   */
  async #measure(
    resolved: ResolvedTraining,
    recipe: TrainingRecipe,
    pictures: readonly TrainingPicture[],
    { trainer, clock, threads }: PlanOptions,
  ): Promise<number | undefined> {
    const setup = trainerSetup(resolved, recipe, threads);
    const isHead = resolved.request.method === 'head';
    const key = keyOf([setup, recipe.batch]);
    if (this.#measured?.key === key) return this.#measured.secondsPerImage;
    try {
      const batches = measuredBatches(pictures.map(toExample), recipe.batch);
      const work = isHead ? predictWork(trainer, resolved) : await stepWork(trainer, setup, recipe);
      const secondsPerImage = await timed(work, batches, clock);
      this.#measured = { key, secondsPerImage };
      return secondsPerImage;
    } catch (error) {
      if (error instanceof AppError && error.code !== 'CANCELLED') return undefined;
      throw error;
    } finally {
      if (!isHead) await trainer.close(); // its memory is not needed before training starts
    }
  }
}

const MEASURED = 2; // after one batch that is not counted, since memory is fetched and the first pictures are decoded

type Batch = readonly TrainingExample[];

/** Some batches of pictures of all classes. */
function measuredBatches(learned: readonly TrainingExample[], batch: number): Batch[] {
  const order = [...shuffledIndices(learned.length, 0)];
  const size = Math.min(batch, learned.length);
  return Array.from({ length: MEASURED + 1 }, (_, number) =>
    Array.from({ length: size }, (_, index) => order[(number * size + index) % order.length] ?? 0).flatMap(
      (picture) => learned[picture] ?? [],
    ),
  );
}

/** Seconds per picture. As in training, the next batch's pictures are decoded while one is computed. */
async function timed(
  work: (batch: Batch) => Promise<unknown>,
  batches: Batch[],
  clock: Clock,
): Promise<number> {
  const [first = [], ...counted] = batches;
  await work(first);
  const start = clock();
  await Promise.all(counted.map(work));
  const seconds = (clock() - start) / 1000;
  return Math.max(1e-6, seconds / (counted.length * first.length));
}

async function stepWork(
  trainer: TrainerApi,
  setup: TrainerSetup,
  { learningRate }: TrainingRecipe,
): Promise<(batch: Batch) => Promise<unknown>> {
  await trainer.open(setup);
  const { warmUpRate } = learningRate;
  return (examples) => trainer.step({ examples, learningRate: warmUpRate, seed: 0 });
}

/** Takes as long as computing features, of which none are to be left over. */
function predictWork(
  trainer: TrainerApi,
  { parent, manifest }: ResolvedTraining,
): (batch: Batch) => Promise<unknown> {
  const path = parent?.model.path ?? '';
  const dial = dialOf(manifest.tokenKeep);
  return (examples) => trainer.predict(path, examples.map(toRead), dial);
}

/** What the trainer is opened with at the start of a training. */
export function trainerSetup(
  {
    manifest,
    parent,
    seed,
    device,
  }: Pick<ResolvedTraining, 'manifest' | 'seed' | 'device'> & {
    parent: { model: { path: string } } | undefined;
  },
  { losses, optimiser, augmentation }: TrainingRecipe,
  threads: number,
): TrainerSetup {
  const hasTeacher = losses.distillClass > 0 || losses.distillToken > 0;
  return {
    manifest: JSON.stringify(manifest),
    parent: parent?.model.path,
    teacher: hasTeacher ? parent?.model.path : undefined,
    state: undefined,
    seed,
    device,
    threads,
    losses,
    optimiser,
    augmentation,
  };
}

/** Which pictures are held out; `held`: their indices. */
function splitPictures(
  inspection: Inspection,
  names: readonly string[],
  { holdout, seed }: ResolvedTraining,
): { pictures: LabelledPicture[]; held: number[] } {
  const indices = new Map(names.map((name, index) => [name, index]));
  const known = inspection.pictures.map((picture) => {
    return { ...picture, classIndex: indices.get(picture.className) ?? 0 };
  });
  const held = holdOut(known, names, holdout, seed);
  const isHeld = new Set(held);
  const pictures = known.map(({ path, relativePath, classIndex, box }, index) => {
    return { path, relativePath, classIndex, held: isHeld.has(index), ...(box && { box }) };
  });
  return { pictures, held };
}

/** Pixels of the shorter side at evaluation. */
function resizeOf(manifest: Manifest): number {
  return isDense(manifest) ? manifest.imageSize : manifest.preprocessing.resize;
}

/** The same of marked pictures. */
function splitMarked(
  known: readonly KnownMarked[],
  names: readonly string[],
  { holdout, seed, manifest }: ResolvedTraining,
): { pictures: MarkedPicture[]; held: number[] } {
  const hasBoxes = TASKS[manifest.task].hasScores; // areas are told by their pixels alone
  const indices = new Map(names.map((name, index) => [name, index]));
  const classIndexOf = (name: string) => indices.get(name) ?? 0;
  const described = known.map((file) => ({
    sha256: file.sha256,
    classes: [...classesOf([file])].map(classIndexOf),
  }));
  const held = holdOutMarked(described, names, holdout, seed);
  const isHeld = new Set(held);
  const pictures = known.map(({ path, relativePath, width, height, size, objects }, index) => ({
    path,
    relativePath,
    held: isHeld.has(index),
    size: size ?? { width, height },
    objects: objects.map(({ className, box, counts }) => ({
      classIndex: classIndexOf(className),
      ...(hasBoxes && { box }),
      counts,
    })),
  }));
  return { pictures, held };
}

function countClasses(names: readonly string[], pictures: readonly TrainingPicture[]): TrainingClass[] {
  const classes = names.map((name) => ({ name, images: 0, holdout: 0 }));
  for (const picture of pictures) {
    const shown =
      'objects' in picture ? picture.objects.map(({ classIndex }) => classIndex) : [picture.classIndex];
    for (const classIndex of new Set(shown)) {
      const one = classes[classIndex];
      if (one === undefined) continue;
      if (picture.held) one.holdout++;
      else one.images++;
    }
  }
  return classes;
}

function keyOf(content: unknown): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
