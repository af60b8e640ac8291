import { createHash } from 'node:crypto';
import { AppError } from '../../../shared/errors.ts';
import { shortened } from '../../../shared/shortened.ts';
import { PoorClass } from './poor-class.ts';

/** What the hold-out is chosen by. */
export interface SplitPicture {
  classIndex: number;
  sha256: string; // of the file
}

/** Pictures of one content, which stay on one side. */
export interface Group {
  key: string; // decides the order
  indices: number[];
  counts: Map<number, number>; // class -> pictures
}

/**
 * Indices of the pictures that are held out, ascending: of every class about `share`, at least one. Which ones depends on
 * the seed and on the pictures' content alone, not on names or order; pictures of equal content stay together. Throws
 * TOO_FEW_PICTURES or BAD_ARGUMENT when there is no such choice.
 */
export function holdOut(
  pictures: readonly SplitPicture[],
  classes: readonly string[],
  share: number,
  seed: number,
): number[] {
  const totals = classes.map(() => 0);
  for (const { classIndex } of pictures) totals[classIndex] = (totals[classIndex] ?? 0) + 1;
  checkHoldout(
    classes.map((name, index) => ({ name, images: totals[index] ?? 0 })),
    share,
  );
  const wanted = totals.map((total) => heldOutOf(total, share));
  const held = totals.map(() => 0);
  const contents = pictures.map(({ sha256, classIndex }) => ({ sha256, classes: [classIndex] }));
  const groups = groupByContent(contents, seed);
  const chosen = new Set<Group>();
  const choose = (group: Group) => {
    chosen.add(group);
    for (const [classIndex, count] of group.counts) held[classIndex] = (held[classIndex] ?? 0) + count;
  };
  for (const group of groups) {
    const fits = ([index, count]: [number, number]) => (held[index] ?? 0) + count <= (wanted[index] ?? 0);
    if ([...group.counts].every(fits)) choose(group);
  }
  for (const [index, name] of classes.entries()) {
    if ((held[index] ?? 0) > 0) continue;
    // Every content of the class comes more often than is wanted: the rarest that leaves all classes something.
    const leaves = ([other, count]: [number, number]) => (held[other] ?? 0) + count < (totals[other] ?? 0);
    const candidates = groups.filter(({ counts }) => counts.has(index) && [...counts].every(leaves));
    const [rarest] = candidates.sort((one, other) => one.indices.length - other.indices.length);
    if (rarest === undefined) throw tooAlike(name);
    choose(rarest);
  }
  return [...chosen].flatMap(({ indices }) => indices).sort((one, other) => one - other);
}

/** Pictures of a class that are to be held out. */
export function heldOutOf(total: number, share: number): number {
  return Math.min(total - 1, Math.max(1, Math.round(total * share)));
}

/**
 * Throws TOO_FEW_PICTURES for a class without a picture on each side, BAD_ARGUMENT when a hold-out of `share` would be
 * smaller than the number of classes, or would leave a class without a picture to learn from.
 */
export function checkHoldout(classes: readonly { name: string; images: number }[], share: number): void {
  const percent = `${Number((share * 100).toPrecision(3))} %`;
  refusePoor(classes);
  const total = classes.reduce((sum, { images }) => sum + images, 0);
  const held = Math.round(total * share);
  if (held < classes.length) {
    throw new AppError(
      'BAD_ARGUMENT',
      `The hold-out needs a picture of each of the ${classes.length} classes, but ${percent} of ${total} pictures are ${held}`,
      'Hold out a larger share, or add pictures.',
    );
  }
  const emptied = classes.find(({ images }) => Math.round(images * share) >= images);
  if (emptied === undefined) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `Every class needs pictures to learn from and to test with, but of ${shortened(emptied.name)} there are ${emptied.images} and ${percent} are held out`,
    'Hold out a smaller share.',
  );
}

/** Throws TOO_FEW_PICTURES for a class without a picture on each side. */
export function refusePoor(classes: readonly { name: string; images: number }[]): void {
  const poor = classes.find(({ images }) => images < 2);
  if (poor === undefined) return;
  const { name, images } = poor;
  throw new PoorClass(
    name,
    `Every class needs pictures to learn from and to test with, but of ${shortened(name)} there ${images === 1 ? 'is 1' : `are ${images}`}`,
  );
}

/** Groups in the order that the seed and their contents give. `classes`: of each picture, every one once. */
export function groupByContent(
  pictures: readonly { sha256: string; classes: Iterable<number> }[],
  seed: number,
): Group[] {
  const groups = new Map<string, Group>();
  for (const [index, { classes, sha256 }] of pictures.entries()) {
    let group = groups.get(sha256);
    if (group === undefined) {
      const key = createHash('sha256').update(`${seed} ${sha256}`).digest('hex');
      group = { key, indices: [], counts: new Map() };
      groups.set(sha256, group);
    }
    group.indices.push(index);
    for (const one of classes) group.counts.set(one, (group.counts.get(one) ?? 0) + 1);
  }
  return [...groups.values()].sort((one, other) => (one.key < other.key ? -1 : 1));
}

/** Of a class whose pictures are all the same. */
export function tooAlike(name: string): PoorClass {
  return new PoorClass(
    name,
    `Every class needs at least two different pictures, but all of ${shortened(name)} are the same one`,
  );
}
