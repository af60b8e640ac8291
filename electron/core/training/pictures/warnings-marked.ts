import { runsArea, decodeRuns } from '../../../shared/mask.ts';
import { resizedSize } from '../../../shared/resized-size.ts';
import type { DenseInput } from '../../../shared/resized-size.ts';
import { shortened } from '../../../shared/shortened.ts';
import { TASKS } from '../../../shared/tasks.ts';
import type { TrainingWarning, WarningKind } from '../../../shared/training.ts';
import type { KnownMarked, MarkedInspection } from './inspect-marked.ts';
import type { Dropped, MarkedObject } from './marked-run.ts';
import { few, nearDuplicates, smallPictures, unbalanced, unreadableFiles, warning } from './warnings.ts';
import type { ClassSize } from './warnings.ts';

const SAME_PLACE = 0.5; // pixels that sides of boxes at one place differ by at most
const TINY_SHARE = 0.05; // of the objects

export interface MarkedTraining {
  names: readonly string[]; // of the classes
  held: readonly number[]; // indices of the pictures that are held out
  input: DenseInput; // of the model
  patchSize: number; // pixels
  dropped: Dropped;
}

/** All that there is to say before training of what is marked in pictures. */
export function warningsOfMarked(
  { pictures, unreadable, otherSize }: MarkedInspection,
  { names, held, input, patchSize, dropped }: MarkedTraining,
): TrainingWarning[] {
  const hasObjects = TASKS[input.task].hasScores;
  const sizes = classSizes(pictures, names);
  return [
    ...(hasObjects ? few(sizes, 'few-objects', 'objects') : few(sizes, 'few-images', 'pictures')),
    ...(hasObjects
      ? unbalanced(sizes, 'unbalanced-objects', 'objects')
      : unbalanced(sizes, 'unbalanced', 'pictures')),
    ...unreadableFiles(unreadable),
    ...otherSizes(otherSize),
    ...droppedMarks(dropped),
    ...twoLabels(pictures),
    ...background(pictures),
    ...nearDuplicates(pictures, held),
    ...smallPictures(pictures, input.size, hasObjects ? Math.max : Math.min),
    ...tiny(pictures, input, patchSize),
  ];
}

/** How many objects, or pictures with an area of it, there are of each class. */
function classSizes(pictures: readonly KnownMarked[], names: readonly string[]): ClassSize[] {
  const sizes = new Map(names.map((name) => [name, 0]));
  for (const { objects } of pictures)
    for (const { className } of objects) sizes.set(className, (sizes.get(className) ?? 0) + 1);
  return names.map((name) => ({ name, size: sizes.get(name) ?? 0 }));
}

function otherSizes(pictures: MarkedInspection['otherSize']): TrainingWarning[] {
  const [first] = pictures;
  if (first === undefined) return [];
  const { relativePath: path, now, then } = first;
  const count = pictures.length;
  const have = count === 1 ? 'One picture has' : `${count} pictures have`;
  const message = `${have} another size than when ${count === 1 ? 'it was' : 'they were'} marked and ${count === 1 ? 'is' : 'are'} left out, such as ${path} (${now}, marked at ${then}).`;
  const paths = pictures.map(({ relativePath }) => relativePath);
  return [warning('other-size', message, paths, count, { path, now, then })];
}

/** A count and what it counts, such as "One box has" and "3 boxes have". */
const some = (count: number, one: string, many: string) => (count === 1 ? `One ${one}` : `${count} ${many}`);
const are = (count: number) => (count === 1 ? 'is' : 'are');

/** What each kind of mark that is not learned from as it stands is told by; `path`: of a picture that has one. */
const SENTENCES: Record<
  keyof Dropped,
  [kind: WarningKind, sentence: (count: number, path: string) => string]
> = {
  noArea: [
    'no-area',
    (count, path) =>
      `${some(count, 'box has', 'boxes have')} no area and ${are(count)} left out, such as in ${path}.`,
  ],
  outside: [
    'outside',
    (count, path) =>
      `${some(count, 'box lies outside of its picture', 'boxes lie outside of their pictures')} and ${are(count)} left out, such as in ${path}.`,
  ],
  repeated: [
    'repeated',
    (count, path) =>
      `${some(count, 'object is', 'objects are')} marked more than once at the same place and ${count === 1 ? 'counts' : 'count'} once, such as in ${path}.`,
  ],
  noMask: [
    'no-mask',
    (count, path) =>
      `${some(count, 'object has', 'objects have')} a box and no mask, such as in ${path}, so nothing is learned of what lies in ${count === 1 ? 'it' : 'them'}.`,
  ],
  unusedMask: [
    'unused-mask',
    (count, path) =>
      `${some(count, 'object has', 'objects have')} a mask, such as in ${path}, but others have none, so the model learns boxes alone.`,
  ],
  unmarked: [
    'unmarked',
    (count, path) =>
      `${some(count, 'picture is', 'pictures are')} left out, in which no pixel is marked, such as ${path}.`,
  ],
  relabelled: [
    'relabelled',
    (count, path) =>
      `${some(count, 'picture is', 'pictures are')} left out, whose label by a person is none of what is marked there, such as ${path}.`,
  ],
};

function droppedMarks(dropped: Dropped): TrainingWarning[] {
  return (Object.keys(SENTENCES) as (keyof Dropped)[]).flatMap((name) => {
    const [kind, sentence] = SENTENCES[name];
    const paths = dropped[name];
    const [path] = paths;
    if (path === undefined) return [];
    return [warning(kind, sentence(paths.length, path), [...new Set(paths)], paths.length, { path })];
  });
}

/** Boxes of two classes at one place: both are learned, since neither is known to be the wrong one. */
function twoLabels(pictures: readonly KnownMarked[]): TrainingWarning[] {
  const found = pictures.flatMap(({ relativePath, objects }) =>
    samePlaces(objects).map(([one, other]) => ({
      path: relativePath,
      names: [one.className, other.className],
    })),
  );
  const [first] = found;
  if (first === undefined) return [];
  const { path, names } = first;
  const count = found.length;
  const message = `${some(count, 'box has', 'boxes have')} two labels, such as ${names.map(shortened).join(' and ')} in ${path}, so the model learns both of them there.`;
  const paths = [...new Set(found.map((one) => one.path))];
  return [warning('two-labels', message, paths, count, { path, names: names.join(', ') })];
}

function samePlaces(objects: readonly MarkedObject[]): [MarkedObject, MarkedObject][] {
  const sorted = [...objects].sort((one, other) => one.box.x - other.box.x);
  return sorted.flatMap((one, index) => {
    const pairs: [MarkedObject, MarkedObject][] = [];
    for (const other of sorted.slice(index + 1)) {
      if (other.box.x - one.box.x > SAME_PLACE) break;
      if (other.className !== one.className && isSamePlace(one, other)) pairs.push([one, other]);
    }
    return pairs;
  });
}

function isSamePlace(
  { box: one, counts }: MarkedObject,
  { box: other, counts: otherCounts }: MarkedObject,
): boolean {
  const ends = [
    [one.y, other.y],
    [one.x + one.width, other.x + other.width],
    [one.y + one.height, other.y + other.height],
  ] as const;
  return counts === otherCounts && ends.every(([end, otherEnd]) => Math.abs(end - otherEnd) <= SAME_PLACE);
}

function background(pictures: readonly KnownMarked[]): TrainingWarning[] {
  const empty = pictures.filter(({ objects }) => objects.length === 0);
  if (empty.length === 0) return [];
  const message = `${empty.length} of ${pictures.length} pictures have nothing marked in them and are learned from as background.`;
  const paths = empty.map(({ relativePath }) => relativePath);
  return [warning('background', message, paths, empty.length, { images: pictures.length })];
}

/** Objects, or areas, that are less than a patch in what the model sees, where there are many. */
function tiny(pictures: readonly KnownMarked[], input: DenseInput, patchSize: number): TrainingWarning[] {
  const { hasScores } = TASKS[input.task];
  const marks = pictures.flatMap((picture) => {
    const seen = resizedSize(picture, input);
    const scale = (seen.width / picture.width) * (seen.height / picture.height);
    return picture.objects.map((object) => {
      const isTiny = areaOf(object, hasScores) * scale < patchSize ** 2;
      return { path: picture.relativePath, isTiny };
    });
  });
  const found = marks.filter(({ isTiny }) => isTiny);
  const [count, objects] = [found.length, marks.length];
  if (objects === 0 || count < TINY_SHARE * objects) return [];
  const percent = Math.round((100 * count) / objects);
  const message = `${count} of ${objects} ${hasScores ? 'objects' : 'areas'} (${percent} %) are smaller than a patch where the model sees them, so it will hardly find them. It sees pictures at ${input.size} pixels, a patch is ${patchSize}.`;
  const paths = [...new Set(found.map(({ path }) => path))];
  const values = { objects, percent, imageSize: input.size, patch: patchSize };
  return [warning(hasScores ? 'tiny-objects' : 'tiny-areas', message, paths, count, values)];
}

/** Pixels of the picture. */
function areaOf({ box, counts }: MarkedObject, isBox: boolean): number {
  return isBox || counts === undefined ? box.width * box.height : runsArea(decodeRuns(counts));
}
