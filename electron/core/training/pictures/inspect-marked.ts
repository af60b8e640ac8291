import { TASKS } from '../../../shared/tasks.ts';
import type { TrainerApi } from '../../../shared/trainer-api.ts';
import { inspectFiles, refuseEmptied } from './inspect-pictures.ts';
import type { Inspection, InspectOptions, Known } from './inspect-pictures.ts';
import type { MarkedFile, MarkedSet } from './marked-run.ts';

export type KnownMarked = MarkedFile & Known;

export interface MarkedInspection extends Inspection<MarkedFile> {
  /** Pictures that have changed since they were marked, so nobody knows what lies where: left out. Sizes as sentences say them. */
  otherSize: { relativePath: string; now: string; then: string }[];
}

/**
 * Reads all pictures of a set. Rejects with CANCELLED when `signal` is aborted, and with TOO_FEW_PICTURES when a class is left
 * without a picture that can be learned from.
 */
export async function inspectMarked(
  trainer: TrainerApi,
  set: MarkedSet,
  options: InspectOptions,
): Promise<MarkedInspection> {
  const { pictures, unreadable } = await inspectFiles(trainer, set, options);
  const isSame = ({ size, width, height }: KnownMarked) =>
    size === undefined || (size.width === width && size.height === height);
  const same = pictures.filter(isSame);
  refuseEmptied(classesOf(set.files), classesOf(pictures));
  refuseEmptied(
    classesOf(pictures),
    classesOf(same),
    (name) => `that have the size at which they were marked, but none of ${name} has`,
  );
  const otherSize = pictures
    .filter((picture) => !isSame(picture))
    .map(({ relativePath, size, width, height }) => {
      return { relativePath, now: `${width} x ${height}`, then: `${size?.width} x ${size?.height}` };
    });
  return { pictures: same, unreadable, otherSize };
}

/** The classes of what is marked. */
export function classesOf(files: readonly Pick<MarkedFile, 'objects'>[]): Set<string> {
  return new Set(files.flatMap(({ objects }) => objects.map(({ className }) => className)));
}

/**
 * The same set without a class, and how many pictures it was in. What is marked as it is nothing then: of a detector
 * background; of a segmenter pixels that count for nothing, and a picture without others is left out.
 */
export function withoutMarkedClass(set: MarkedSet, name: string): { set: MarkedSet; images: number } {
  const { hasScores } = TASKS[set.task];
  let images = 0;
  const files = set.files.flatMap((file) => {
    const objects = file.objects.filter(({ className }) => className !== name);
    if (objects.length === file.objects.length) return [file];
    images++;
    return objects.length > 0 || hasScores ? [{ ...file, objects }] : [];
  });
  return { set: { ...set, files }, images };
}
