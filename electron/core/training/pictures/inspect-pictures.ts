import { AppError } from '../../../shared/errors.ts';
import { toRead } from '../../../shared/trainer-api.ts';
import type { InspectedPicture, PictureUse, TrainerApi } from '../../../shared/trainer-api.ts';
import { shortened } from '../../../shared/shortened.ts';
import { PoorClass } from './poor-class.ts';
import type { LabelledFile, PictureSet } from './picture-set.ts';

/** What is known of a picture that can be read. */
export type Known = Exclude<InspectedPicture, { error: string }>;

export type KnownPicture = LabelledFile & Known;

type FileToRead = Pick<LabelledFile, 'path' | 'relativePath' | 'box'>;

export interface Inspection<File = LabelledFile> {
  pictures: (File & Known)[]; // in the order of the files
  unreadable: { relativePath: string; error: string }[];
}

export interface InspectOptions extends PictureUse {
  mayKeep: () => boolean; // see PlanOptions
  signal: AbortSignal;
  onProgress: (done: number, total: number) => void;
}

const CHUNK = 128; // pictures that are asked for together

/**
 * Reads all pictures of a set. Rejects with CANCELLED when `signal` is aborted, and with BAD_ARGUMENT when a class is left
 * without a picture that can be read.
 */
export async function inspectPictures(
  trainer: TrainerApi,
  set: PictureSet,
  options: InspectOptions,
): Promise<Inspection> {
  const inspection = await inspectFiles(trainer, set, options);
  const classesOf = (files: readonly LabelledFile[]) => files.map(({ className }) => className);
  refuseEmptied(classesOf(set.files), classesOf(inspection.pictures));
  return inspection;
}

/** The same of any files. */
export async function inspectFiles<File extends FileToRead>(
  trainer: TrainerApi,
  { files, unreadable: folders }: { files: readonly File[]; unreadable: Inspection['unreadable'] },
  { resize, isSampled, mayKeep, signal, onProgress }: InspectOptions,
): Promise<Inspection<File>> {
  const pictures: (File & Known)[] = [];
  const unreadable = [...folders];
  onProgress(0, files.length);
  for (let first = 0; first < files.length; first += CHUNK) {
    if (signal.aborted) throw new AppError('CANCELLED', 'The pictures were not read to the end');
    const chunk = files.slice(first, first + CHUNK);
    const found = await trainer.inspect(chunk.map(toRead), { resize, isSampled, keep: mayKeep() });
    for (const [index, file] of chunk.entries()) note(file, found[index], pictures, unreadable);
    onProgress(first + chunk.length, files.length);
  }
  return { pictures, unreadable };
}

function note<File extends FileToRead>(
  file: File,
  found: InspectedPicture | undefined,
  pictures: (File & Known)[],
  unreadable: Inspection['unreadable'],
): void {
  if (found === undefined) throw new AppError('ENGINE', `The training host gave no answer for ${file.path}`);
  if ('error' in found) unreadable.push({ relativePath: file.relativePath, error: found.error });
  else pictures.push({ ...file, ...found });
}

/** Throws TOO_FEW_PICTURES for a class that is among `before` and not among `left`. `lacks`: what its pictures are not. */
export function refuseEmptied(
  before: Iterable<string>,
  left: Iterable<string>,
  lacks: (name: string) => string = (name) => `that can be read, but none of ${name} can`,
): void {
  const [lost] = new Set(before).difference(new Set(left));
  if (lost === undefined) return;
  throw new PoorClass(lost, `Every class needs pictures ${lacks(shortened(lost))}`);
}
