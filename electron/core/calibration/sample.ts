import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { MIN_CALIBRATION_IMAGES } from '../../shared/calibration.ts';
import { AppError } from '../../shared/errors.ts';
import type { Manifest } from '../../shared/model-package.ts';
import { findClassFolders } from '../evaluate/evaluate-run.ts';
import { scanFolder } from '../files/scan-folder.ts';
import type { Library } from '../store/library.ts';

/** Images of earlier runs may be gone: so many times the sample's size are looked at. */
const SPARE = 4;

/** The images that a calibration measures. */
export interface Sample {
  folder: string | undefined; // undefined for images of earlier runs
  paths: string[];
  labels: (readonly number[] | undefined)[]; // of each path: the classes that its sub-folder stands for
  found: number; // images that the sample was drawn from
}

/**
 * `size` images of a folder, or all when it holds no more. Which ones depends on their relative paths alone, so the same
 * folder gives the same sample. Throws BAD_ARGUMENT when there are too few.
 */
export async function sampleFolder(
  folder: string,
  manifest: Manifest,
  size: number,
  onNotice: (message: string) => void,
): Promise<Sample> {
  const draw = new Draw(size);
  const files = scanFolder(folder, ({ relativePath, error }) => {
    const path = join(folder, relativePath);
    if (relativePath === '')
      throw new AppError('FILE_SYSTEM', `The folder ${path} cannot be read: ${error.message}`);
    onNotice(`The folder ${path} cannot be read and is left out: ${error.message}`);
  });
  for await (const some of files) for (const { relativePath } of some) draw.add(relativePath);
  requireEnough(draw.found, `the folder ${folder} holds ${draw.found}`);
  const classFolders = await findClassFolders(folder, manifest);
  const names = draw.drawn();
  return {
    folder,
    paths: names.map((name) => join(folder, name)),
    labels: names.map((name) => classFolders.get(name.slice(0, Math.max(name.indexOf('/'), 0)))),
    found: draw.found,
  };
}

/** The same of the images that earlier runs labelled and that are still there; without labels to compare with. */
export async function sampleLibrary(library: Library, size: number): Promise<Sample> {
  const draw = new Draw(size * SPARE);
  for (const { folder, relativePath } of library.images.predicted()) draw.add(join(folder, relativePath));
  const paths: string[] = [];
  for (const path of draw.drawn()) {
    if (paths.length < size && (await fileExists(path))) paths.push(path);
  }
  requireEnough(paths.length, `of the images of earlier runs ${paths.length} are there`);
  return {
    folder: undefined,
    paths,
    labels: paths.map(() => undefined),
    found: Math.max(draw.found, paths.length),
  };
}

/** Throws BAD_ARGUMENT when `count` images are too few; `what` says in words how many are where. */
export function requireEnough(count: number, what: string): void {
  if (count >= MIN_CALIBRATION_IMAGES) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `A calibration needs at least ${MIN_CALIBRATION_IMAGES} images, but ${what}`,
    'Name a folder with more of the images that you work with: --images FOLDER.',
  );
}

/** Keeps the texts whose hashes are the smallest: a random choice that does not depend on the order of adding. */
class Draw {
  found = 0;
  readonly #size: number;
  #kept: { text: string; hash: string }[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  add(text: string): void {
    this.found++;
    this.#kept.push({ text, hash: createHash('sha256').update(text).digest('hex') });
    if (this.#kept.length >= this.#size * 2) this.#trim();
  }

  drawn(): string[] {
    this.#trim();
    return this.#kept.map(({ text }) => text);
  }

  #trim(): void {
    this.#kept = this.#kept.sort((one, other) => (one.hash < other.hash ? -1 : 1)).slice(0, this.#size);
  }
}

async function fileExists(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile();
  } catch {
    return false; // moved, deleted or on a drive that is not connected
  }
}
