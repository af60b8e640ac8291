import type { TrainingClass, TrainingWarning } from '../../../shared/training.ts';
import { shortened } from '../../../shared/shortened.ts';
import type { Inspection, KnownPicture } from './inspect-pictures.ts';
import { alikePairs } from './near-duplicates.ts';

const FEW = 20; // pictures of a class
const UNBALANCED = 10; // times as many pictures in the largest class as in the smallest
const NAMED = 3; // classes that a sentence names
const SHOWN_PATHS = 12; // of a warning

/** All that there is to say of the pictures before training. `held`: indices of those that are held out. */
export function warningsOf(
  { pictures, unreadable }: Inspection,
  classes: readonly TrainingClass[],
  held: readonly number[],
  imageSize: number,
): TrainingWarning[] {
  return [
    ...few(sizesOf(classes), 'few-images', 'pictures'),
    ...unbalanced(sizesOf(classes), 'unbalanced', 'pictures'),
    ...unreadableFiles(unreadable),
    ...duplicates(pictures),
    ...nearDuplicates(pictures, held),
    ...smallPictures(pictures, imageSize),
  ];
}

/** About classes that the new model does not learn. */
export function leftOutClasses(classes: readonly { name: string; images: number }[]): TrainingWarning[] {
  if (classes.length === 0) return [];
  const some = nameSome(classes.map(({ name, images }) => ({ name, size: images })));
  const message = `${classes.length === 1 ? 'One class is' : `${classes.length} classes are`} left out, which the model will not know, for want of pictures: ${some.named}${andMore(some.more)}.`;
  return [
    warning(
      'left-out',
      message,
      classes.map(({ name }) => name),
      classes.length,
      some,
    ),
  ];
}

export function warning(
  kind: TrainingWarning['kind'],
  message: string,
  paths: readonly string[],
  count: number,
  values: TrainingWarning['values'] = {},
): TrainingWarning {
  return { kind, message, paths: paths.slice(0, SHOWN_PATHS), count, values };
}

/** Some of the classes with their sizes, as sentences name them. */
function nameSome(classes: readonly { name: string; size: number }[]): { named: string; more: number } {
  const named = classes.slice(0, NAMED).map(({ name, size }) => `${shortened(name)} (${size})`);
  return { named: named.join(', '), more: Math.max(0, classes.length - NAMED) };
}

const andMore = (more: number) => (more > 0 ? ` and ${more} more` : '');

/** A class, and how much there is of it. */
export interface ClassSize {
  name: string;
  size: number;
}

function sizesOf(classes: readonly TrainingClass[]): ClassSize[] {
  return classes.map(({ name, images, holdout }) => ({ name, size: images + holdout }));
}

export function few(
  classes: readonly ClassSize[],
  kind: 'few-images' | 'few-objects',
  noun: string,
): TrainingWarning[] {
  const found = classes.filter(({ size }) => size < FEW).sort((one, other) => one.size - other.size);
  if (found.length === 0) return [];
  const some = nameSome(found);
  const message = `${found.length === 1 ? 'One class has' : `${found.length} classes have`} fewer than ${FEW} ${noun}, which is little to learn from and to test with: ${some.named}${andMore(some.more)}.`;
  return [
    warning(
      kind,
      message,
      found.map(({ name }) => name),
      found.length,
      { ...some, few: FEW },
    ),
  ];
}

export function unbalanced(
  classes: readonly ClassSize[],
  kind: 'unbalanced' | 'unbalanced-objects',
  noun: string,
): TrainingWarning[] {
  const sorted = [...classes].sort((one, other) => one.size - other.size);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined || most.size < UNBALANCED * least.size) return [];
  const message = `The class ${shortened(most.name)} has ${most.size} ${noun} and ${shortened(least.name)} only ${least.size}, so the model will lean towards the larger one.`;
  return [
    warning(kind, message, [most.name, least.name], 2, {
      most: most.name,
      mostImages: most.size,
      least: least.name,
      leastImages: least.size,
    }),
  ];
}

export function unreadableFiles(unreadable: Inspection['unreadable']): TrainingWarning[] {
  const [first] = unreadable;
  if (first === undefined) return [];
  const count = unreadable.length;
  const message = `${count === 1 ? 'One file cannot be read and is' : `${count} files cannot be read and are`} left out, such as ${first.relativePath}: ${first.error.replace(/\.$/, '')}.`;
  return [
    warning(
      'unreadable',
      message,
      unreadable.map(({ relativePath }) => relativePath),
      count,
      { path: first.relativePath, reason: first.error.replace(/\.$/, '') },
    ),
  ];
}

/** Pictures of one content in several classes: at least one of their labels is wrong. */
function duplicates(pictures: readonly KnownPicture[]): TrainingWarning[] {
  const whole = pictures.filter(({ box }) => box === undefined); // boxes of one picture may well differ
  const byContent = Map.groupBy(whole, ({ sha256 }) => sha256);
  const several = [...byContent.values()].filter(
    (same) => new Set(same.map(({ className }) => className)).size > 1,
  );
  const [first] = several;
  if (first === undefined) return [];
  const names = [...new Set(first.map(({ className }) => className))];
  const count = several.length;
  const path = first[0]?.relativePath ?? '';
  const message = `${count === 1 ? 'One picture is' : `${count} pictures are`} in several classes at once, such as ${path} in ${names.map(shortened).join(' and ')}.`;
  return [
    warning(
      'duplicates',
      message,
      several.flatMap((same) => same.map(({ relativePath }) => relativePath)),
      count,
      { path, names: names.join(', ') },
    ),
  ];
}

export function nearDuplicates(
  pictures: readonly Pick<KnownPicture, 'dHash' | 'relativePath'>[],
  held: readonly number[],
): TrainingWarning[] {
  const isHeld = new Set(held);
  const learned = [...pictures.keys()].filter((index) => !isHeld.has(index));
  const pairs = alikePairs(
    pictures.map(({ dHash }) => dHash),
    held,
    learned,
  );
  if (pairs.length === 0) return [];
  const count = pairs.length;
  const message = `${count === 1 ? 'One picture that is held out looks' : `${count} pictures that are held out look`} like one that is learned from, so the measured accuracy will be too good.`;
  const paths = pairs.flatMap((pair) =>
    [pair.held, pair.learned].map((index) => pictures[index]?.relativePath ?? ''),
  );
  return [warning('near-duplicates', message, paths, count)];
}

/** `side`: of a picture, that the model sees at so many pixels. */
export function smallPictures(
  pictures: readonly Pick<KnownPicture, 'width' | 'height' | 'relativePath'>[],
  imageSize: number,
  side: (width: number, height: number) => number = Math.min,
): TrainingWarning[] {
  const small = pictures.filter(({ width, height }) => side(width, height) < imageSize);
  if (small.length * 2 <= pictures.length) return [];
  const message = `${small.length} of ${pictures.length} pictures are smaller than the ${imageSize} pixels that the model sees, so they are enlarged.`;
  return [
    warning(
      'small-pictures',
      message,
      small.map(({ relativePath }) => relativePath),
      small.length,
      { images: pictures.length, imageSize },
    ),
  ];
}
