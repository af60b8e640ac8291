import { AppError } from '../../../shared/errors.ts';
import type { TrainerApi } from '../../../shared/trainer-api.ts';
import type { LoopListener } from './epoch-loop.ts';
import { errorResponse } from './error-response.ts';
import type { LabelledPicture, TrainingPictures } from '../journal/journal.ts';
import { Pace } from './pace.ts';
import { heldOf } from './score-holdout.ts';
import { accuracyOf, dialOf, lossOf, testHoldout } from './test-holdout.ts';
import type { TestedPicture } from './test-holdout.ts';
import { TrainingPaused } from '../journal/training-record.ts';
import type { TrainingRecord } from '../journal/training-record.ts';
import type { Clock } from '../../../shared/clock.ts';
import { writeModel } from '../../packages/write-model.ts';

const FILE = 'head.safetensors';
const MOST_TRIES = 2; // when the trainer dies under it

/** Pictures of the largest class up to which heads for few pictures are compared. */
const FEW = 50;

export interface HeadOptions {
  record: TrainingRecord;
  pictures: TrainingPictures;
  parent: string; // its package
  trainer: TrainerApi;
  clock: Clock;
  signal: AbortSignal;
  listener: Pick<LoopListener, 'onProgress' | 'onNotice'>;
}

/**
 * Computes the features of all pictures that are learned from, once and at the trained keep ratios, solves a last layer for
 * them and tests it: the parent's weights with that layer are then the best epoch of the journal, the only one. Gives what
 * the test found. What was computed is not kept when it is paused. Rejects like EpochLoop.
 */
export async function trainHead(options: HeadOptions): Promise<TestedPicture[]> {
  for (let tries = 1; ; tries++) {
    try {
      return await solveAndTest(options);
    } catch (error) {
      await options.trainer.close(); // and with it the features that were added
      if (!(error instanceof AppError)) throw error;
      if (options.signal.aborted || error.code === 'CANCELLED') throw new TrainingPaused();
      if (errorResponse[error.code] !== 'repeat' || tries === MOST_TRIES) throw error;
      options.listener.onNotice(`The features are computed again: ${error.message}`);
    }
  }
}

async function solveAndTest(options: HeadOptions): Promise<TestedPicture[]> {
  const { record, pictures, parent, trainer, clock, signal } = options;
  const { folder, journal, plan } = record;
  const pace = new Pace(clock, 1);
  const learned = await addFeatures(options, pace);
  const { weightDecay } = plan.recipe.optimiser;
  const { classes, tokenKeep } = plan.manifest;
  const { smoothing } = plan.recipe.augmentation;
  const compare = areFew(learned);
  const solved = await trainer.solveHead({ classes, smoothing, decay: weightDecay, compare });
  const head = new Map([
    ['head.weight', { shape: [classes, plan.manifest.embedDim], values: solved.weight }],
    ['head.bias', { shape: [classes], values: solved.bias }],
  ]);
  await writeModel(folder.file(FILE), parent, plan.manifest, head);
  const held = heldOf(pictures).labelled;
  const tested = await testHoldout({ trainer, packagePath: folder.file(FILE), held, tokenKeep, signal });
  journal.best = { epoch: 1, score: accuracyOf(tested), loss: lossOf(tested), onAim: true, file: FILE };
  if (solved.choice !== undefined) journal.head = solved.choice;
  journal.position.seconds += pace.lap();
  await record.save();
  return tested;
}

/** Whether so few pictures were learned from, by class, that heads are compared, and enough to compare them. */
export function areFew(pictures: readonly { classIndex: number }[]): boolean {
  const counts = [...Map.groupBy(pictures, ({ classIndex }) => classIndex).values()].map(
    ({ length }) => length,
  );
  return Math.max(...counts) <= FEW && counts.filter((count) => count > 1).length > 1;
}

/** Gives the pictures that could be read. */
async function addFeatures(
  { record, pictures, parent, trainer, signal, listener }: HeadOptions,
  pace: Pace,
): Promise<LabelledPicture[]> {
  const { batch } = record.plan.recipe;
  const learned = pictures.pictures.filter(
    (picture) => 'classIndex' in picture && !picture.held,
  ) as LabelledPicture[];
  const read: LabelledPicture[] = [];
  for (let first = 0; first < learned.length; first += batch) {
    if (signal.aborted) throw new TrainingPaused();
    const chunk = learned.slice(first, first + batch);
    const examples = chunk.map(({ path, classIndex, box }) => ({ path, classIndex, box }));
    const failed = await trainer.addFeatures(parent, examples, dialOf(record.plan.manifest.tokenKeep));
    const gone = new Set(failed.map(({ index }) => index));
    read.push(...chunk.filter((_, index) => !gone.has(index)));
    for (const { index, error } of failed)
      listener.onNotice(`${chunk[index]?.path ?? ''} is left out: ${error}`);
    pace.stepped(chunk.length);
    listener.onProgress({
      phase: 'training',
      done: first + chunk.length,
      total: learned.length,
      epoch: 1,
      epochs: 1,
      ...pace.outlook(learned.length - first - chunk.length, 1),
    });
  }
  if (read.length > 0) return read;
  throw new TrainingPaused(
    'None of the pictures can be read any more, so the training is paused: connect their drive again, then go on with it',
  );
}
