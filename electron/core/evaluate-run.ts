import { stringify } from 'csv-stringify/sync';
import { readdir } from 'node:fs/promises';
import type { ClassAccuracy, Evaluation } from '../shared/app-api.ts';
import { AppError } from '../shared/errors.ts';
import type { Label, Manifest } from '../shared/model-package.ts';
import { findClasses } from './class-names.ts';
import { countFlops } from './flops.ts';
import { directionsRun } from './receipt-counts.ts';
import { runRows } from './run-rows.ts';
import type { Library } from './store/library.ts';
import type { ResultRow } from './store/results.ts';
import type { RunRow } from './store/runs.ts';

/** Sub-folder name -> the classes that it stands for. */
export type ClassFolders = Map<string, readonly number[]>;

/** How often images of each class folder got each class as their best one. */
export type Confusion = Map<string, Map<number, number>>;

/** The sub-folders of `folder` that are named like classes of the model. */
export async function findClassFolders(folder: string, manifest: Manifest): Promise<ClassFolders> {
  const classFolders: ClassFolders = new Map();
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries.filter((entry) => !entry.isFile()).map(({ name }) => name);
  for (const name of names.sort()) {
    const classes = findClasses(manifest.labels, name);
    if (classes.length > 0) classFolders.set(name, classes);
  }
  return classFolders;
}

/** The same; throws BAD_ARGUMENT when there is none. */
export async function matchClassFolders(folder: string, manifest: Manifest): Promise<ClassFolders> {
  const classFolders = await findClassFolders(folder, manifest);
  if (classFolders.size > 0) return classFolders;
  const some = manifest.labels.slice(0, 3).map((label) => label.name);
  throw new AppError(
    'BAD_ARGUMENT',
    `No sub-folder of ${folder} is named like a class of the model ${manifest.name}`,
    `Its ${manifest.classes} classes start with ${some.join(', ')}; \`winnow models show ${manifest.name}\` lists them.`,
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
  for (const { rows } of runRows(library, run, { status: 'ok' })) {
    for (const row of rows) tally.add(row);
  }
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

  add({ relativePath, top, receipt }: ResultRow): void {
    this.predicted++;
    if (receipt !== undefined) {
      this.directions += directionsRun(receipt);
      this.milliseconds += receipt.milliseconds;
    }
    const folder = relativePath.slice(0, Math.max(relativePath.indexOf('/'), 0));
    const [accuracy, counts, right] = [
      this.classes.get(folder),
      this.confusion.get(folder),
      this.#classFolders.get(folder),
    ];
    const best = top[0]?.classIndex;
    if (accuracy === undefined || counts === undefined || right === undefined || best === undefined) return;
    this.images++;
    accuracy.images++;
    if (right.includes(best)) accuracy.top1++;
    if (top.some(({ classIndex }) => right.includes(classIndex))) accuracy.top5++;
    counts.set(best, (counts.get(best) ?? 0) + 1);
  }
}

/** The confusion matrix as CSV: a row per class folder, a column per class of the model. */
export function* confusionText(confusion: Confusion, labels: readonly Label[]): Generator<string> {
  const format = { record_delimiter: 'windows' } as const;
  yield stringify([['folder', ...uniqueNames(labels)]], format);
  for (const [folder, counts] of confusion) {
    yield stringify([[folder, ...labels.map((_, index) => counts.get(index) ?? 0)]], format);
  }
}

/** Label names, with the synset where two classes share a name. */
function uniqueNames(labels: readonly Label[]): string[] {
  return labels.map(({ name, synset }) => {
    const shared = labels.filter((label) => label.name === name).length > 1;
    return shared && synset !== undefined ? `${name} (${synset})` : name;
  });
}
