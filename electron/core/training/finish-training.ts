import type { MarkedOutcome, TrainingOutcome, TrainingProgress } from '../../shared/api/training.ts';
import { AppError } from '../../shared/errors.ts';
import { areOfDetection } from '../../shared/training.ts';
import { spread } from '../../shared/spread.ts';
import type {
  ClassificationManifest,
  DetectionManifest,
  Manifest,
  SegmentationManifest,
  Trained,
} from '../../shared/model-package.ts';
import type { TrainerApi } from '../../shared/trainer-api.ts';
import { placeNew } from '../files/place-whole.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { readManifest } from '../packages/read-package.ts';
import type { BestEpoch, Journal, TrainingPictures } from './journal/journal.ts';
import { curvePoint, outcomeOf, testedKeeps, workAt } from './outcome.ts';
import { MOST_TESTED_OF_HEAD } from './steps/schedule.ts';
import { forTask, isDense } from '../../shared/tasks.ts';
import { heldOf } from './steps/score-holdout.ts';
import { accuracyOf, testHoldout } from './steps/test-holdout.ts';
import type { TestedPicture, TestOptions } from './steps/test-holdout.ts';
import { testMarked } from './steps/test-marked.ts';
import type { TrainingRecord } from './journal/training-record.ts';
import { writeModel } from '../packages/write-model.ts';

/** A manifest has room for so much. */
const MOST_CLASSES_CONFUSED = 200;
const MOST_EPOCHS = 100;

export interface FinishOptions {
  record: TrainingRecord;
  pictures: TrainingPictures;
  trainer: TrainerApi;
  registry: ModelRegistry;
  /** What the hold-out gave at the trained keep ratios, where this is known already. */
  tested?: TestedPicture[] | undefined;
  /** A package of the same classes that all weights started from, to compare with. */
  parent: string | undefined;
  signal: AbortSignal;
  onProgress: (progress: TrainingProgress) => void;
}

/**
 * Tests the best epoch at every position of the dial, and writes it as a model package of the user's. Rejects with
 * CANCELLED when `signal` is aborted, with BAD_ARGUMENT when another model has the name by now, with FILE_SYSTEM.
 */
export async function finishTraining(options: FinishOptions): Promise<void> {
  const { record, registry } = options;
  const { journal, plan, folder } = record;
  const best = bestOf(journal);
  const manifest = isDense(plan.manifest)
    ? await withMarkedTest(options, best, plan.manifest)
    : await withTest(options, best, plan.manifest);
  const weights = folder.file(best.file);
  const { dataSha256 } = await readManifest(weights);
  if (await isWritten(registry, journal.name, dataSha256)) {
    await registry.clear(); // it may have been killed before the second name was gone
    return;
  }
  await writeModel(await registry.newPath(journal.name), weights, manifest, undefined, placeNew);
}

function bestOf({ best }: Journal): BestEpoch {
  if (best !== undefined) return best;
  throw new AppError('ENGINE', 'The training ended without an epoch to keep');
}

/** The manifest with what the test of the best epoch says, which is then in the journal. */
async function withTest(
  options: FinishOptions,
  best: BestEpoch,
  manifest: ClassificationManifest,
): Promise<ClassificationManifest> {
  const { record } = options;
  const { journal } = record;
  journal.result ??= await testBest(options, best, manifest);
  await record.save();
  return { ...manifest, training: trainedOf(record, journal.result) };
}

type DenseManifest = SegmentationManifest | DetectionManifest;

/** The same of a dense model. */
async function withMarkedTest(
  options: FinishOptions,
  best: BestEpoch,
  manifest: DenseManifest,
): Promise<Manifest> {
  const { record } = options;
  const { journal } = record;
  journal.found ??= await testMarkedBest(options, best, manifest);
  await record.save();
  return withTraining(record, manifest, journal.found);
}

/** Tells how many pictures are tested. */
function progressOf({ record, onProgress }: FinishOptions, total: number): (count: number) => void {
  const { epochs } = record.plan.recipe;
  const progress = { done: 0, total };
  return (count) => {
    progress.done += count;
    const unknown = { secondsLeft: undefined, imagesPerSecond: 0 };
    onProgress({ phase: 'finishing', ...progress, epoch: epochs, epochs, ...unknown });
  };
}

async function testMarkedBest(
  options: FinishOptions,
  best: BestEpoch,
  manifest: DenseManifest,
): Promise<MarkedOutcome> {
  const { record, pictures, trainer, signal } = options;
  const held = heldOf(pictures).marked;
  const keeps = testedKeeps(manifest);
  const onTested = progressOf(options, keeps.length * held.length);
  onTested(0);
  const packagePath = record.folder.file(best.file);
  const common = { trainer, packagePath, manifest, held, signal, onTested };
  const balanced = await testMarked({ ...common, tokenKeep: manifest.tokenKeep });
  const curve: MarkedOutcome['curve'] = [];
  for (const tokenKeep of keeps) {
    const isOther = keeps.length > 1 && tokenKeep !== manifest.tokenKeep;
    const { scores, blockKeep } = isOther ? await testMarked({ ...common, tokenKeep }) : balanced;
    curve.push({ score: scores.score, ...workAt(manifest, tokenKeep, blockKeep) });
  }
  return { ...balanced.scores, images: balanced.images, curve };
}

async function testBest(
  options: FinishOptions,
  best: BestEpoch,
  manifest: ClassificationManifest,
): Promise<TrainingOutcome> {
  const { record, pictures, trainer, signal, tested, parent } = options;
  const { plan, folder, journal } = record;
  const { classes } = plan;
  const held = heldOf(pictures).labelled;
  const keeps = testedKeeps(manifest);
  const others = keeps.filter((tokenKeep) => keeps.length > 1 && tokenKeep !== manifest.tokenKeep);
  const some = journal.method === 'head' && others.length > 0 ? spread(held, MOST_TESTED_OF_HEAD) : held;
  const ofParent = parent === undefined ? [] : held;
  const total = ofParent.length + (tested ?? held).length + others.length * some.length;
  const onTested = progressOf(options, total);
  onTested(tested?.length ?? 0);
  const common = { trainer, packagePath: folder.file(best.file), signal, onTested };
  const balanced = tested ?? (await testHoldout({ ...common, held, tokenKeep: manifest.tokenKeep }));
  const parentTop1 = parent === undefined ? undefined : await accuracyOfParent(parent, { ...common, held });
  const indices = new Set(some.map(({ index }) => index));
  const curve = [];
  for (const tokenKeep of keeps) {
    const found = others.includes(tokenKeep)
      ? await testHoldout({ ...common, held: some, tokenKeep })
      : balanced.filter(({ picture }) => indices.has(picture.index));
    curve.push(curvePoint(manifest, tokenKeep, found));
  }
  return outcomeOf(
    balanced,
    classes.map(({ name }) => name),
    curve,
    parentTop1,
  );
}

/** At its own Balanced. */
async function accuracyOfParent(parent: string, options: Omit<TestOptions, 'packagePath' | 'tokenKeep'>) {
  const { tokenKeep } = await readManifest(parent);
  return accuracyOf(await testHoldout({ ...options, packagePath: parent, tokenKeep }));
}

/** Whether the model is there already: this training wrote it and was cut off before it could say so. */
async function isWritten(registry: ModelRegistry, name: string, dataSha256: string): Promise<boolean> {
  try {
    return (await registry.find(name)).manifest.dataSha256 === dataSha256;
  } catch (error) {
    if (error instanceof AppError) return false;
    throw error;
  }
}

/** What manifests say of the trainings of all tasks. */
function commonOf({ journal, plan }: TrainingRecord) {
  const { name, epochs, batch, learningRate, optimiser } = plan.recipe;
  const { parent, best } = journal;
  return {
    method: journal.method,
    ...(parent === undefined
      ? {}
      : { parent: { name: parent.name, sha256: parent.sha256, dataSha256: parent.dataSha256 } }),
    recipe: {
      name,
      epochs,
      batch,
      learningRate: learningRate.rate,
      ...(optimiser.freezesBackbone === true && { freezesBackbone: true }),
    },
    seed: journal.seed,
    classes: plan.classes,
    ...(best === undefined || journal.method === 'head' ? {} : { best: best.epoch }),
  };
}

/** A dense model's manifest with what it says of its training: no single pictures, and of a detector no curves. */
function withTraining(record: TrainingRecord, manifest: DenseManifest, found: MarkedOutcome): Manifest {
  const common = {
    ...commonOf(record),
    epochs: thinned(record.journal.epochs).map(({ epoch, losses, accuracy, holdout }) => ({
      epoch,
      loss: losses.total,
      accuracy,
      ...(holdout === undefined ? {} : { score: holdout.score }),
    })),
  };
  const { images, score, curve, confusion } = found;
  const holdout = { images, score, curve, ...(confusion && { confusion }) };
  const other = new AppError('ENGINE', `The scores of ${record.journal.name} are not those of its task`);
  return forTask<DenseManifest, Manifest>(manifest, {
    segmentation: (segmenter) => {
      if (areOfDetection(found)) throw other;
      const { pixelAccuracy, perClass } = found;
      return { ...segmenter, training: { ...common, holdout: { ...holdout, pixelAccuracy, perClass } } };
    },
    detection: (detector) => {
      if (!areOfDetection(found)) throw other;
      const { ap, maskAp50, maskAp } = found;
      const perClass = found.perClass.map(({ ap50, objects }) => ({ ap50, objects }));
      const masks = maskAp50 === undefined ? {} : { maskAp50, maskAp };
      return { ...detector, training: { ...common, holdout: { ...holdout, ap, ...masks, perClass } } };
    },
  });
}

/** What a classifier's manifest says of its training. */
function trainedOf(record: TrainingRecord, result: TrainingOutcome): Trained {
  const { journal, plan } = record;
  const { head } = journal;
  return {
    ...commonOf(record),
    ...(head === undefined ? {} : { head }),
    epochs: thinned(journal.epochs).map(({ epoch, losses, accuracy, holdout }) => ({
      epoch,
      loss: losses.total,
      accuracy,
      ...(holdout === undefined ? {} : { top1: holdout.score }),
    })),
    holdout: {
      images: result.images,
      top1: result.top1,
      calibrationError: result.calibrationError,
      ...(result.parentTop1 === undefined ? {} : { parentTop1: result.parentTop1 }),
      curve: result.curve,
      ...(plan.classes.length > MOST_CLASSES_CONFUSED ? {} : { confusion: result.confusion }),
    },
  };
}

/** At most MOST_EPOCHS of them, evenly, the last among them. */
function thinned<T>(epochs: readonly T[]): T[] {
  const step = Math.ceil(epochs.length / MOST_EPOCHS);
  return epochs.filter((_, index) => (epochs.length - 1 - index) % Math.max(1, step) === 0);
}
