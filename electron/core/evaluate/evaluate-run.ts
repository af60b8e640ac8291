import { stringify } from 'csv-stringify/sync';
import { readdir } from 'node:fs/promises';
import type { ClassAccuracy, Evaluation } from '../../shared/app-api.ts';
import type { RunEvaluation } from '../../shared/api/results.ts';
import { AppError } from '../../shared/errors.ts';
import { shortened } from '../../shared/shortened.ts';
import type { Label, Manifest } from '../../shared/model-package.ts';
import { displayNames, matchFolders, rightPairs } from '../models/class-names.ts';
import type { ClassFolders } from '../models/class-names.ts';
import { countFlops } from '../models/flops.ts';
import { leastScore } from '../results/held-label.ts';
import type { Library } from '../store/library.ts';
import type { FolderTally } from '../store/lists/result-queries.ts';
import type { RunRow } from '../store/tables/runs.ts';

/** How often images of each class folder got each class as their best one. */
export type Confusion = Map<string, Map<number, number>>;

/** The sub-folders of `folder` that are named like classes of the model. */
export async function findClassFolders(folder: string, manifest: Manifest): Promise<ClassFolders> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isFile()).map(({ name }) => name);
  return matchFolders(manifest.labels, names);
}

/** The same; throws BAD_ARGUMENT when there is none. */
export async function matchClassFolders(folder: string, manifest: Manifest): Promise<ClassFolders> {
  return requireClasses(await findClassFolders(folder, manifest), folder, manifest);
}

/** Throws BAD_ARGUMENT when no sub-folder of `place` was found to be named after a class. */
function requireClasses(classFolders: ClassFolders, place: string, manifest: Manifest): ClassFolders {
  if (classFolders.size > 0) return classFolders;
  const some = manifest.labels.slice(0, 3).map((label) => shortened(label.name));
  throw new AppError(
    'BAD_ARGUMENT',
    `No sub-folder of ${place} is named like a class of the model ${shortened(manifest.name)}`,
    `Its ${manifest.classes} classes start with ${some.join(', ')}; \`winnow models show ${shortened(manifest.name)}\` lists them.`,
  );
}

/** Compares a run, finished or not, with the sub-folders that its images lie in. Throws BAD_ARGUMENT without any of a class. */
export function evaluateImages(library: Library, run: RunRow): RunEvaluation {
  const { manifest } = library.models.get(run.spec.modelSha256);
  const found = matchFolders(manifest.labels, library.results.topFolders(run.id));
  const classFolders = requireClasses(found, run.spec.folders.join(', '), manifest);
  const { evaluation, confusion } = evaluateRun(library, run, classFolders);
  const { images, ignored, top1, top5, blockKeep, classes } = evaluation;
  return {
    images,
    ignored,
    top1,
    top5,
    blockKeep,
    classes,
    confusion: listConfusion(confusion, classFolders, manifest),
  };
}

/** The pairs that occurred, folder by folder, most frequent first. */
function listConfusion(
  confusion: Confusion,
  classFolders: ClassFolders,
  manifest: Manifest,
): RunEvaluation['confusion'] {
  const names = displayNames(manifest.labels);
  return [...confusion].flatMap(([folder, counts]) =>
    [...counts]
      .sort(([index, count], [otherIndex, otherCount]) => otherCount - count || index - otherIndex)
      .map(([index, count]) => ({
        folder,
        label: names[index] ?? '',
        count,
        right: classFolders.get(folder)?.includes(index) ?? false,
      })),
  );
}

/** Compares the results of a finished run on one folder with its class sub-folders. */
export function evaluateRun(
  library: Library,
  run: RunRow,
  classFolders: ClassFolders,
): { evaluation: Omit<Evaluation, 'run'>; confusion: Confusion } {
  const { manifest } = library.models.get(run.spec.modelSha256);
  const tally = new Tally(classFolders);
  const minScore = leastScore(manifest.task, undefined);
  for (const part of library.resultQueries.tally(run.id, rightPairs(classFolders), minScore)) tally.add(part);
  const { images, predicted } = tally;
  const blockKeep = predicted === 0 ? 1 : tally.directions / (predicted * 2 * manifest.depth);
  const { original, actual } = countFlops(manifest, run.spec.preset.tokenKeep, blockKeep);
  const classes = [...tally.classes.values()];
  const sum = (key: 'top1' | 'top5') => classes.reduce((total, accuracy) => total + accuracy[key], 0);
  return {
    evaluation: {
      images,
      top1: images === 0 ? 0 : sum('top1') / images,
      top5: images === 0 ? 0 : sum('top5') / images,
      classes,
      ignored: predicted - images,
      blockKeep,
      flops: { original, actual },
      imagesPerSecond: tally.milliseconds === 0 ? 0 : (predicted / tally.milliseconds) * 1000,
    },
    confusion: tally.confusion,
  };
}

class Tally {
  predicted = 0;
  images = 0; // of `predicted`: in a class folder
  directions = 0;
  milliseconds = 0;
  readonly classes = new Map<string, ClassAccuracy>();
  readonly confusion: Confusion = new Map();
  readonly #classFolders: ClassFolders;

  constructor(classFolders: ClassFolders) {
    this.#classFolders = classFolders;
    for (const folder of classFolders.keys()) {
      this.classes.set(folder, { folder, images: 0, top1: 0, top5: 0 });
      this.confusion.set(folder, new Map());
    }
  }

  add({ folder, classIndex, images, top5, directions, milliseconds }: FolderTally): void {
    this.predicted += images;
    this.directions += directions;
    this.milliseconds += milliseconds;
    const [accuracy, counts] = [this.classes.get(folder), this.confusion.get(folder)];
    if (accuracy === undefined || counts === undefined) return;
    this.images += images;
    accuracy.images += images;
    if (this.#classFolders.get(folder)?.includes(classIndex) === true) accuracy.top1 += images;
    accuracy.top5 += top5;
    counts.set(classIndex, images);
  }
}

/** The confusion matrix as CSV: a row per class folder, a column per class of the model. */
export function* confusionText(confusion: Confusion, labels: readonly Label[]): Generator<string> {
  const format = { record_delimiter: 'windows' } as const;
  yield stringify([['folder', ...displayNames(labels)]], format);
  for (const [folder, counts] of confusion) {
    yield stringify([[folder, ...labels.map((_, index) => counts.get(index) ?? 0)]], format);
  }
}
