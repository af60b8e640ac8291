import { NO_LOSSES } from '../../../electron/shared/training.ts';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Journal, TrainingPictures } from '../../../electron/core/training/journal/journal.ts';
import { recipeBase } from '../../../electron/core/training/recipes.ts';
import { readManifest } from '../../../electron/core/packages/read-package.ts';
import { takeExclusiveLock } from '../../../electron/core/store/exclusive-lock.ts';
import type { ExclusiveLock } from '../../../electron/core/store/exclusive-lock.ts';
import { makeTrainingFolder } from '../../../electron/core/training/journal/training-folder.ts';
import type { TrainingOutcome } from '../../../electron/shared/api/training.ts';
import type { ClassificationManifest } from '../../../electron/shared/model-package.ts';
import type { EpochReport, StepReport, TrainingRecipe } from '../../../electron/shared/training.ts';
import { seededRandom } from '../../electron/core/random.ts';
import { everyday10 } from '../../electron/support/models.ts';

const EPOCHS = 20;
const BATCH = 64;
const STRIDE = 4; // steps of a point of the curve
const HELD = 7; // every seventh picture
/** Of the classes, as if there were more pictures than lie in the folder. */
const [IMAGES, FEWER, HOLDOUT] = [421, 13, 74]; // of the first class, of each further one than of the one before

/** Numbers of the trainings that `makeTrainings` makes. */
export const DONE = 1;
export const UNDER_WAY = 2;

const noise = (random: (limit: number) => number, size: number) => (random(2001) / 1000 - 1) * size;

/** What a step did at a time from 0 to 1, as trainings go. */
function reportAt(time: number, random: (limit: number) => number, size: number): StepReport {
  const accuracy = 0.9 - 0.5 * Math.exp(-4 * time) + noise(random, size);
  const classification = 0.55 + 1.4 * Math.exp(-3.4 * time) + noise(random, 2 * size);
  return {
    losses: {
      ...NO_LOSSES,
      total: classification + 0.4,
      classification,
      tokenRatio: 0.02,
      blockRatio: 0.05,
      distillClass: 0.25,
      distillToken: 0.08,
    },
    gradientNorm: 1,
    accuracy: Math.min(1, accuracy),
    tokensKept: 0.35 + 0.1 * Math.exp(-3 * time),
    directionsKept: 0.8 + 0.15 * Math.exp(-2 * time),
  };
}

function epochAt(epoch: number, random: (limit: number) => number): EpochReport {
  const time = epoch / EPOCHS;
  return {
    ...reportAt(time, random, 0.005),
    epoch,
    learningRate: 3e-4 * (1 + Math.cos(Math.PI * time)) * 0.5,
    seconds: 71,
    holdout: {
      score: 0.86 - 0.42 * Math.exp(-4.6 * time) + noise(random, 0.012),
      loss: 0.66 + 1.1 * Math.exp(-3.8 * time) + noise(random, 0.02),
    },
  };
}

function recipeOf(manifest: ClassificationManifest): TrainingRecipe {
  const { imageSize, embedDim, tokenKeep } = manifest;
  const recipe = recipeBase('winnow', {
    method: 'distill',
    images: IMAGES,
    imageSize,
    embedDim,
    epochs: EPOCHS,
    batch: BATCH,
  });
  const losses = { classification: 1, tokenRatio: 10, blockRatio: 10, distillClass: 0.5, distillToken: 0.5 };
  return { ...recipe, losses: { ...losses, tokenKeep, blockKeep: 0.8 } };
}

/** A model that takes cats for dogs and lorries for cars, as models do. */
function outcomeOf(names: readonly string[], pictures: TrainingPictures['pictures']): TrainingOutcome {
  const mistakes: Record<string, [string, number][]> = {
    cat: [['dog', 18], ['deer', 6]], // prettier-ignore
    dog: [['cat', 22]],
    truck: [['automobile', 9]],
    automobile: [['truck', 7]],
    bird: [['airplane', 8], ['frog', 6]], // prettier-ignore
    ship: [['airplane', 8]],
    deer: [['horse', 11]],
    horse: [['deer', 7]],
  };
  const confusion = names.map((name) => {
    const wrong = new Map(mistakes[name]);
    const missed = [...wrong.values()].reduce((sum, count) => sum + count, 0);
    return names.map((other) => (other === name ? HOLDOUT - missed : (wrong.get(other) ?? 0)));
  });
  const right = confusion.reduce((sum, row, index) => sum + (row[index] ?? 0), 0);
  const held = pictures.flatMap((picture, index) =>
    picture.held && 'classIndex' in picture ? [{ ...picture, index }] : [],
  );
  const worst = held.map(({ index, relativePath, classIndex }, rank) => {
    const label = names[classIndex] ?? '';
    const [predicted = label] = mistakes[label]?.[rank % 2] ?? mistakes[label]?.[0] ?? [];
    return { index, path: relativePath, label, predicted, confidence: 0.94 - 0.02 * rank };
  });
  const images = names.length * HOLDOUT;
  const top1 = right / images;
  const curve = [1, 0.9, 0.8, 0.7, 0.6, 0.5].map((tokenKeep, index) => ({
    tokenKeep,
    blockKeep: 0.81,
    top1: top1 + ([0.012, 0.011, 0.007, 0, -0.018, -0.057][index] ?? 0),
    workShare: [0.84, 0.73, 0.63, 0.54, 0.46, 0.4][index] ?? 0,
  }));
  const isRight = ({ label, predicted }: (typeof worst)[number]) => Number(label === predicted);
  worst.sort((one, other) => isRight(one) - isRight(other));
  return { images, top1, parentTop1: top1 - 0.021, confusion, curve, calibrationError: 0.031, worst };
}

function picturesOf(folder: string, names: readonly string[]): TrainingPictures {
  const pictures = names.flatMap((name, classIndex) =>
    readdirSync(join(folder, name))
      .filter((file) => file.endsWith('.jpg') && file !== 'notes.jpg')
      .sort()
      .map((file) => ({ path: join(folder, name, file), relativePath: `${name}/${file}`, classIndex })),
  );
  return {
    format: 1,
    root: folder,
    pictures: pictures.map((picture, index) => ({ ...picture, held: index % HELD === 3 })),
  };
}

/**
 * Puts two trainings on the pictures of class folders into the data folder, as if they had happened: one that is done, and
 * one that came to its eighth epoch.
 */
export async function makeTrainings(data: string, folder: string): Promise<void> {
  const trainings = join(data, 'trainings');
  mkdirSync(trainings, { recursive: true });
  const manifest = await readManifest(everyday10);
  if (manifest.task !== 'classification') throw new Error('The bundled model is no classifier');
  const names = manifest.labels.map(({ name }) => name);
  const pictures = picturesOf(folder, names);
  await makeTraining(trainings, pictures, journalOf('field-animals', folder, manifest, EPOCHS, pictures));
  await makeTraining(trainings, pictures, journalOf('field-animals-small', folder, manifest, 7, pictures));
}

async function makeTraining(trainings: string, pictures: TrainingPictures, journal: Journal): Promise<void> {
  const made = await makeTrainingFolder(trainings);
  await made.writePictures(pictures);
  await made.writeJournal(journal);
}

function journalOf(
  name: string,
  folder: string,
  manifest: ClassificationManifest,
  done: number, // epochs
  pictures: TrainingPictures,
): Journal {
  const random = seededRandom(done);
  const recipe = recipeOf(manifest);
  const names = manifest.labels.map((label) => label.name);
  const classes = names.map((label, index) => {
    return { name: label, images: IMAGES - FEWER * index, holdout: HOLDOUT };
  });
  const perEpoch = Math.ceil(classes.reduce((sum, { images }) => sum + images, 0) / BATCH);
  const steps = EPOCHS * perEpoch;
  const step = Math.min(steps, Math.round((done + 0.4) * perEpoch));
  const epochs = Array.from({ length: done }, (_, index) => epochAt(index + 1, random));
  const best = epochs.reduce((a, b) => ((b.holdout?.score ?? 0) > (a.holdout?.score ?? 0) ? b : a));
  const isDone = done === EPOCHS;
  const { dataSha256 } = manifest;
  return {
    format: 1,
    request: { folder, method: 'distill', from: 'everyday10', name },
    name,
    method: 'distill',
    source: folder,
    device: 'cpu',
    seed: 0,
    parent: { name: 'everyday10', path: everyday10, sha256: dataSha256, dataSha256 },
    createdAt: '2026-01-02T03:04:05.000Z',
    ...(isDone && { finishedAt: '2026-01-02T03:29:41.000Z', model: name }),
    state: isDone ? 'done' : 'running',
    trained: isDone,
    outline: recipe,
    plan: {
      manifest: { ...manifest, name },
      recipe,
      steps,
      classes,
      warnings: [
        {
          kind: 'near-duplicates',
          message:
            '3 pictures that are held out look like one that is learned from, so the measured accuracy will be too good.',
          paths: ['cat/cat-10.jpg', 'cat/cat-12.jpg'],
          count: 3,
        },
      ],
    },
    position: {
      step,
      state: undefined,
      seconds: 71 * done,
      epochSeconds: 0,
      epochSum: undefined,
      missing: [],
      curve: {
        stride: STRIDE,
        pending: undefined,
        points: Array.from({ length: Math.floor(step / STRIDE) }, (_, index) => ({
          step: (index + 1) * STRIDE,
          report: reportAt((index * STRIDE) / steps, random, 0.03),
        })),
      },
    },
    epochs,
    best: {
      epoch: best.epoch,
      score: best.holdout?.score ?? 0,
      loss: best.holdout?.loss ?? 0,
      onAim: true,
      file: 'epoch.safetensors',
    },
    ...(isDone && { result: outcomeOf(names, pictures.pictures) }),
  };
}

/** Makes Winnow believe that another process works on a training, until the lock is released. */
export function holdTrainings(data: string): ExclusiveLock {
  const lock = takeExclusiveLock(join(data, 'trainings/lock'));
  if (lock === undefined) throw new Error('A training is under way');
  return lock;
}
