import type { TrainingOutcome, TrainingProgress } from '../../shared/api/training.ts';
import { AppError } from '../../shared/errors.ts';
import { spread } from '../../shared/spread.ts';
import type { Trained } from '../../shared/model-package.ts';
import type { TrainerApi } from '../../shared/trainer-api.ts';
import { placeNew } from '../files/place-whole.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { readManifest } from '../packages/read-package.ts';
import type { BestEpoch, Journal, TrainingPictures } from './journal/journal.ts';
import { curvePoint, outcomeOf, testedKeeps } from './outcome.ts';
import { MOST_TESTED_OF_HEAD } from './steps/schedule.ts';
import { accuracyOf, testHoldout } from './steps/test-holdout.ts';
import type { TestedPicture, TestOptions } from './steps/test-holdout.ts';
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
  journal.result ??= await testBest(options, best);
  await record.save();
  const weights = folder.file(best.file);
  const manifest = { ...plan.manifest, training: trainedOf(record, journal.result) };
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

async function testBest(
  { record, pictures, trainer, signal, onProgress, tested, parent }: FinishOptions,
  best: BestEpoch,
): Promise<TrainingOutcome> {
  const { plan, folder, journal } = record;
  const { manifest, recipe, classes } = plan;
  const { epochs } = recipe;
  const held = pictures.pictures.flatMap((picture, index) => (picture.held ? [{ ...picture, index }] : []));
  const keeps = testedKeeps(manifest);
  const others = keeps.filter((tokenKeep) => keeps.length > 1 && tokenKeep !== manifest.tokenKeep);
  const some = journal.method === 'head' && others.length > 0 ? spread(held, MOST_TESTED_OF_HEAD) : held;
  const ofParent = parent === undefined ? [] : held;
  const total = ofParent.length + (tested ?? held).length + others.length * some.length;
  const progress = { done: 0, total };
  const onTested = (count: number) => {
    progress.done += count;
    const unknown = { secondsLeft: undefined, imagesPerSecond: 0 };
    onProgress({ phase: 'finishing', ...progress, epoch: epochs, epochs, ...unknown });
  };
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

/** What the model's manifest says of its training. */
function trainedOf({ journal, plan }: TrainingRecord, result: TrainingOutcome): Trained {
  const { name, epochs, batch, learningRate } = plan.recipe;
  const { parent, best, head } = journal;
  return {
    method: journal.method,
    ...(head === undefined ? {} : { head }),
    ...(parent === undefined
      ? {}
      : { parent: { name: parent.name, sha256: parent.sha256, dataSha256: parent.dataSha256 } }),
    recipe: { name, epochs, batch, learningRate: learningRate.rate },
    seed: journal.seed,
    classes: plan.classes,
    epochs: thinned(journal.epochs).map(({ epoch, losses, accuracy, holdout }) => ({
      epoch,
      loss: losses.total,
      accuracy,
      ...(holdout === undefined ? {} : { top1: holdout.top1 }),
    })),
    ...(best === undefined || journal.method === 'head' ? {} : { best: best.epoch }),
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
