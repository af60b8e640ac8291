import { posix } from 'node:path';
import { OutputNames, withoutExtension } from '../export/output-names.ts';
import { runRows } from '../results/run-rows.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import type { ImageStatus } from '../../shared/run.ts';
import { foldName } from '../../shared/fold-name.ts';
import { shortened } from '../../shared/shortened.ts';

/** An image of a run as it is looked up by the names in a truth. */
export interface RunImage {
  imageId: number;
  path: string; // as exports name it, with forward slashes
  relativePath: string;
  status: ImageStatus;
  width: number; // of the upright picture, pixels; 0 while unknown
  height: number;
}

export function runImages(library: Library, run: RunRow): RunImage[] {
  const names = new OutputNames(run.spec.folders);
  const images: RunImage[] = [];
  for (const { folder, rows } of runRows(library, run)) {
    for (const { imageId, relativePath, status, width = 0, height = 0 } of rows)
      images.push({
        imageId,
        path: names.imagePath(folder, relativePath),
        relativePath,
        status,
        width,
        height,
      });
  }
  return images;
}

/** What was found of a truth among the images of a run. */
export interface Matched<Truth> {
  pairs: { truth: Truth; image: RunImage }[]; // predicted images
  missing: Truth[]; // not in the run
  unpredicted: Truth[]; // whose image failed or is pending
  beyond: number; // predicted images that the truth says nothing of
}

/**
 * Finds the image that each part of a truth is about: by its path as exports write it, by its path in a folder of the run,
 * or by its file name; the last two where only one image and one part of the truth have it. Each letter by letter first, then
 * in any case and however its accents are written. `forms`: the texts of a path by which the truth may name it, the best
 * first.
 */
export function matchTruth<Truth>(
  truths: readonly Truth[],
  images: readonly RunImage[],
  nameOf: (truth: Truth) => string,
  forms: (path: string) => string[] = (path) => [path],
): Matched<Truth> {
  const plainName = (truth: Truth) => posix.normalize(nameOf(truth).replaceAll('\\', '/'));
  const found = new Map<Truth, RunImage>();
  const free = new Set(images);
  const ways: { ofImage: (image: RunImage) => string; ofTruth: (name: string) => string }[] = [
    { ofImage: ({ path }) => path, ofTruth: (name) => name },
    { ofImage: ({ relativePath }) => relativePath, ofTruth: (name) => name },
    { ofImage: ({ path }) => posix.basename(path), ofTruth: (name) => posix.basename(name) },
  ];
  const steps = ways.flatMap(({ ofImage, ofTruth }) => [
    { ofImage, ofTruth },
    {
      ofImage: (image: RunImage) => foldName(ofImage(image)),
      ofTruth: (name: string) => foldName(ofTruth(name)),
    },
  ]);
  for (const { ofImage, ofTruth } of steps) {
    const left = unique(
      truths.filter((truth) => !found.has(truth)),
      (truth) => ofTruth(plainName(truth)),
    );
    for (const form of forms('').keys()) {
      const there = unique([...free], (image) => forms(ofImage(image))[form] ?? '');
      for (const [name, image] of there) {
        const truth = left.get(name);
        if (truth === undefined || found.has(truth)) continue;
        found.set(truth, image);
        free.delete(image);
      }
    }
  }
  const pairs = [...found].map(([truth, image]) => ({ truth, image }));
  return {
    pairs: pairs.filter(({ image }) => image.status === 'ok'),
    missing: truths.filter((truth) => !found.has(truth)),
    unpredicted: pairs.flatMap(({ truth, image }) => (image.status === 'ok' ? [] : [truth])),
    beyond: [...free].filter(({ status }) => status === 'ok').length,
  };
}

/** The forms of an image's path that a map may have: `a/b.jpg.png`, else `a/b.png`. */
export function mapForms(path: string): string[] {
  return [`${path}.png`, `${withoutExtension(path)}.png`];
}

/** By key; keys that several have are left out. */
function unique<T>(values: readonly T[], keyOf: (value: T) => string): Map<string, T> {
  const byKey = new Map<string, T | undefined>();
  for (const value of values) {
    const key = keyOf(value);
    byKey.set(key, byKey.has(key) ? undefined : value);
  }
  return new Map([...byKey].flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const])));
}

/** What could not be compared, in sentences. `noun`: what the truth has for each image; `nameOf`: how it names it. */
export function matchNotices<Truth>(
  { missing, unpredicted, beyond }: Matched<Truth>,
  nameOf: (truth: Truth) => string,
  noun: 'image' | 'map',
): string[] {
  const notices: string[] = [];
  const [missed] = missing;
  if (missed !== undefined) {
    const others = some(missing.length, noun);
    const where = noun === 'map' ? 'of no image' : missing.length === 1 ? 'that is not' : 'that are not';
    notices.push(`The truth has ${others} ${where} in the run, such as ${shortened(nameOf(missed))}.`);
  }
  const [left] = unpredicted;
  if (left !== undefined) {
    const others = some(unpredicted.length, noun);
    notices.push(`The truth has ${others} without a prediction, such as ${shortened(nameOf(left))}.`);
  }
  if (beyond > 0) {
    const others = `${some(beyond, 'image')} that ${beyond === 1 ? 'was' : 'were'} predicted`;
    notices.push(`The truth does not have ${others}.`);
  }
  return notices;
}

/** "1 image", "2 images". */
export function some(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}
