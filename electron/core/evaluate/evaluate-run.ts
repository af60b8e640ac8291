import { stringify } from 'csv-stringify/sync';
import { readdir } from 'node:fs/promises';
import type { ClassAccuracy, Evaluation } from '../../shared/app-api.ts';
import type { RunEvaluation } from '../../shared/api/results.ts';
import { AppError } from '../../shared/errors.ts';
import { shortened } from '../../shared/shortened.ts';
import { isToolManifest } from '../../shared/model-package.ts';
import type { Label, Manifest, RunManifest } from '../../shared/model-package.ts';
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
function requireClasses(classFolders: ClassFolders, place: string, manifest: RunManifest): ClassFolders {
  if (classFolders.size > 0) return classFolders;
  const isTool = isToolManifest(manifest);
  const name = shortened(isTool ? manifest.tool : manifest.name);
  const how = isTool ? '' : `; \`winnow models show ${name}\` lists them`;
  const some = manifest.labels.slice(0, 3).map((label) => shortened(label.name));
  throw new AppError(
    'BAD_ARGUMENT',
    `No sub-folder of ${place} is named like a class of ${isTool ? 'the run of ' : 'the model '}${name}`,
    `Its ${manifest.labels.length} classes start with ${some.join(', ')}${how}.`,
  );
}

/**
 * Compares a run, finished or not, with the sub-folders that its images lie in. Throws BAD_ARGUMENT without any of a class.
 */
export function evaluateImages(library: Library, run: RunRow): RunEvaluation {
  const { manifest } = library.models.get(run.spec.modelSha256);
  const found = matchFolders(manifest.labels, library.results.topFolders(run.id));
  const classFolders = requireClasses(found, run.spec.folders.join(', '), manifest);
  const tally = tallyRun(library, run, classFolders);
  return {
    ...tally.accuracy(),
    blockKeep: isToolManifest(manifest) ? undefined : tally.blockKeep(manifest),
    confusion: listConfusion(tally.confusion, classFolders, manifest),
  };
}

/** The pairs that occurred, folder by folder, most frequent first. */
function listConfusion(
  confusion: Confusion,
  classFolders: ClassFolders,
  manifest: RunManifest,
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

/** Compares the results of a finished run of a model on one folder with its class sub-folders. */
export function evaluateRun(
  library: Library,
  run: RunRow,
  classFolders: ClassFolders,
  manifest: Manifest,
): { evaluation: Omit<Evaluation, 'run'>; confusion: Confusion } {
  const tally = tallyRun(library, run, classFolders);
  const blockKeep = tally.blockKeep(manifest);
  const { original, actual } = countFlops(manifest, run.spec.preset?.tokenKeep ?? [], blockKeep);
  const { predicted, milliseconds, confusion } = tally;
  const imagesPerSecond = milliseconds === 0 ? 0 : (predicted / milliseconds) * 1000;
  const evaluation = { ...tally.accuracy(), blockKeep, flops: { original, actual }, imagesPerSecond };
  return { evaluation, confusion };
}

function tallyRun(library: Library, run: RunRow, classFolders: ClassFolders): Tally {
  const { task } = library.models.get(run.spec.modelSha256).manifest;
  const tally = new Tally(classFolders);
  const minScore = leastScore(task, undefined, run.spec);
  for (const part of library.resultQueries.tally(run.id, rightPairs(classFolders), minScore)) tally.add(part);
  return tally;
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

  accuracy(): Pick<Evaluation, 'images' | 'ignored' | 'top1' | 'top5' | 'classes'> {
    const { images, predicted } = this;
    const classes = [...this.classes.values()];
    const share = (key: 'top1' | 'top5') =>
      images === 0 ? 0 : classes.reduce((total, accuracy) => total + accuracy[key], 0) / images;
    return { images, ignored: predicted - images, top1: share('top1'), top5: share('top5'), classes };
  }

  /** Share of the scan directions of the model that ran. */
  blockKeep({ depth }: Manifest): number {
    return this.predicted === 0 ? 1 : this.directions / (this.predicted * 2 * depth);
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
