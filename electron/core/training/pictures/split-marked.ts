import { AppError } from '../../../shared/errors.ts';
import { shortened } from '../../../shared/shortened.ts';
import { PoorClass } from './poor-class.ts';
import { groupByContent, heldOutOf, refusePoor, tooAlike } from './split.ts';
import type { Group } from './split.ts';

/** What the hold-out is chosen by. */
export interface SplitMarked {
  sha256: string; // of the file
  classes: readonly number[]; // of what is marked in the picture, each once; none of background
}

type Side = 'held' | 'learned';
const SIDES: readonly Side[] = ['learned', 'held']; // of equal ones the first

/**
 * Indices of the pictures that are held out, ascending: whole pictures, of every class and of background about `share`, at
 * least one where a class is in two different ones, and one left to learn from. By iterative stratification (Sechidis and
 * others, 2011: On the Stratification of Multi-Label Data): of the class that has the fewest pictures left, each in turn goes
 * where the most of it are wanted still. Depends on the seed and on contents, not on names or order; equal contents stay
 * together. Throws TOO_FEW_PICTURES or BAD_ARGUMENT when there is no such choice.
 */
export function holdOutMarked(
  pictures: readonly SplitMarked[],
  classNames: readonly string[],
  share: number,
  seed: number,
): number[] {
  const images = classNames.map(() => 0);
  for (const { classes } of pictures)
    for (const index of new Set(classes)) images[index] = (images[index] ?? 0) + 1;
  refusePoor(classNames.map((name, index) => ({ name, images: images[index] ?? 0 })));
  refuseShare(pictures.length, share);
  const background = classNames.length; // as one more class
  const shown = pictures.map(({ sha256, classes }) => ({
    sha256,
    classes: classes.length === 0 ? [background] : new Set(classes),
  }));
  const groups = groupByContent(shown, seed);
  const contents = countGroups(groups);
  for (const [index, name] of classNames.entries()) if (contents.get(index) === 1) throw tooAlike(name);
  const sides = stratify(groups, background + 1, pictures.length, share);
  for (const index of rarestFirst(images))
    if (!mend(index, groups, sides)) throw inseparable(classNames[index] ?? '');
  return groups
    .flatMap((group) => (sides.get(group) === 'held' ? group.indices : []))
    .sort((one, other) => one - other);
}

function refuseShare(total: number, share: number): void {
  const held = Math.round(total * share);
  if (held >= 1 && held < total) return;
  throw new AppError(
    'BAD_ARGUMENT',
    `Training needs pictures to learn from and to test with, but ${Number((share * 100).toPrecision(3))} % of ${total} pictures are ${held}`,
    held < 1 ? 'Hold out a larger share, or add pictures.' : 'Hold out a smaller share.',
  );
}

/** Which side each group is on, so that every class has about its share on both. */
function stratify(groups: readonly Group[], classes: number, total: number, share: number): Map<Group, Side> {
  const left = new Array<number>(classes).fill(0); // pictures that are on no side yet, by class
  for (const { counts } of groups)
    for (const [index, count] of counts) left[index] = (left[index] ?? 0) + count;
  const held = left.map((count) => (count === 0 ? 0 : heldOutOf(count, share)));
  const wanted: Record<Side, number[]> = {
    held,
    learned: left.map((count, index) => count - (held[index] ?? 0)),
  };
  const room: Record<Side, number> = { held: total * share, learned: total * (1 - share) };
  const sides = new Map<Group, Side>();
  for (;;) {
    const [rarest] = rarestFirst(left).filter((index) => (left[index] ?? 0) > 0);
    if (rarest === undefined) return sides;
    for (const group of groups) {
      if (sides.has(group) || !group.counts.has(rarest)) continue;
      const wantedOn = (side: Side) => wanted[side][rarest] ?? 0;
      const [side = 'learned'] = [...SIDES].sort(
        (one, other) => wantedOn(other) - wantedOn(one) || room[other] - room[one],
      );
      sides.set(group, side);
      room[side] -= group.indices.length;
      for (const [index, count] of group.counts) {
        left[index] = (left[index] ?? 0) - count;
        wanted[side][index] = (wanted[side][index] ?? 0) - count;
      }
    }
  }
}

/** Indices of the classes, those with the fewest pictures first. */
function rarestFirst(counts: readonly number[]): number[] {
  return [...counts.keys()].sort((one, other) => (counts[one] ?? 0) - (counts[other] ?? 0));
}

/**
 * Gives a class a picture on the side where it has none: the smallest group whose classes all stay behind as well, else one
 * that changes places with a group of those that would not. False where there is neither.
 */
function mend(index: number, groups: readonly Group[], sides: Map<Group, Side>): boolean {
  const on = (side: Side) => groups.filter((group) => sides.get(group) === side);
  const to = SIDES.find((side) => !on(side).some(({ counts }) => counts.has(index)));
  if (to === undefined) return true;
  const from = to === 'held' ? 'learned' : 'held';
  const [amounts, amountsThere] = [countGroups(on(from)), countGroups(on(to))];
  const candidates = groups
    .filter(({ counts }) => counts.has(index))
    .sort((one, other) => one.indices.length - other.indices.length || one.counts.size - other.counts.size);
  const lostBy = ({ counts }: Group) => [...counts.keys()].filter((one) => amounts.get(one) === 1);
  const replaces = (other: Group, group: Group) =>
    lostBy(group).every((one) => other.counts.has(one)) &&
    [...other.counts.keys()].every((one) => group.counts.has(one) || amountsThere.get(one) !== 1);
  for (const group of candidates) {
    const other = lostBy(group).length === 0 ? group : on(to).find((one) => replaces(one, group));
    if (other === undefined) continue;
    sides.set(other, from);
    sides.set(group, to);
    return true;
  }
  return false;
}

/** Of some groups how many have each class. */
function countGroups(groups: readonly Group[]): Map<number, number> {
  const amounts = new Map<number, number>();
  for (const index of groups.flatMap(({ counts }) => [...counts.keys()]))
    amounts.set(index, (amounts.get(index) ?? 0) + 1);
  return amounts;
}

function inseparable(name: string): PoorClass {
  return new PoorClass(
    name,
    `Every class needs pictures to learn from and to test with, but those of ${shortened(name)} cannot be parted without taking all of another class to one side`,
  );
}
