import { AppError } from '../../../shared/errors.ts';
import { toRead } from '../../../shared/trainer-api.ts';
import type { InspectedPicture, TrainerApi } from '../../../shared/trainer-api.ts';
import { shortened } from '../../../shared/shortened.ts';
import { PoorClass } from './poor-class.ts';
import type { LabelledFile, PictureSet } from './picture-set.ts';

/** A picture that can be read, with what is known of it. */
export interface KnownPicture extends LabelledFile {
  width: number; // upright, pixels
  height: number;
  dHash: string; // as InspectedPicture
  sha256: string;
}

export interface Inspection {
  pictures: KnownPicture[]; // in the order of the files
  unreadable: { relativePath: string; error: string }[];
}

export interface InspectOptions {
  resize: number; // pixels that evaluation resizes the shorter side to
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
  { files, unreadable: folders }: PictureSet,
  { resize, mayKeep, signal, onProgress }: InspectOptions,
): Promise<Inspection> {
  const pictures: KnownPicture[] = [];
  const unreadable = [...folders];
  onProgress(0, files.length);
  for (let first = 0; first < files.length; first += CHUNK) {
    if (signal.aborted) throw new AppError('CANCELLED', 'The pictures were not read to the end');
    const chunk = files.slice(first, first + CHUNK);
    const found = await trainer.inspect(chunk.map(toRead), { resize, keep: mayKeep() });
    for (const [index, file] of chunk.entries()) note(file, found[index], pictures, unreadable);
    onProgress(first + chunk.length, files.length);
  }
  refuseEmptied(files, pictures);
  return { pictures, unreadable };
}

function note(
  file: LabelledFile,
  found: InspectedPicture | undefined,
  pictures: KnownPicture[],
  unreadable: Inspection['unreadable'],
): void {
  if (found === undefined) throw new AppError('ENGINE', `The training host gave no answer for ${file.path}`);
  if ('error' in found) unreadable.push({ relativePath: file.relativePath, error: found.error });
  else pictures.push({ ...file, ...found });
}

function refuseEmptied(files: readonly LabelledFile[], pictures: readonly KnownPicture[]): void {
  const left = new Set(pictures.map(({ className }) => className));
  const lost = files.find(({ className }) => !left.has(className));
  if (lost === undefined) return;
  throw new PoorClass(
    lost.className,
    `Every class needs pictures that can be read, but none of ${shortened(lost.className)} can`,
  );
}
