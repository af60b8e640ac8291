import { rmSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import { AppError, codeOf } from '../../../shared/errors.ts';
import { shortJson } from '../../../shared/shortened.ts';
import { isPartial, removeAbandoned } from '../../files/partial-files.ts';
import { isLockHeld, takeExclusiveLock } from '../../store/exclusive-lock.ts';
import type { ExclusiveLock } from '../../store/exclusive-lock.ts';
import { toFileSystemError, writeFileWhole } from '../../files/write-file.ts';
import { journalSchema, picturesSchema } from './journal.ts';
import type { Journal, TrainingPictures } from './journal.ts';
import { PRIVATE_FOLDER } from '../../files/private.ts';

const JOURNAL = 'training.json';
const PICTURES = 'pictures.json';
const LOCK = 'lock';

/** The folder of one training: its journal, its pictures, its last state and its best weights. */
export class TrainingFolder {
  readonly id: number;
  readonly path: string;

  constructor(trainings: string, id: number) {
    this.id = id;
    this.path = join(trainings, String(id));
  }

  /** Taken by the process that works on the training; undefined when another has it. */
  takeLock(): ExclusiveLock | undefined {
    const path = this.file(LOCK);
    const lock = takeExclusiveLock(path);
    if (lock === undefined) return undefined;
    return {
      release: () => {
        lock.release();
        rmSync(path, { force: true });
      },
    };
  }

  /** Whether a process that lives works on the training. */
  isWorkedOn(): boolean {
    return isLockHeld(this.file(LOCK));
  }

  /** Rejects with NOT_FOUND, or with FILE_SYSTEM for a journal that cannot be understood. */
  readJournal(): Promise<Journal> {
    return this.#read(JOURNAL, journalSchema);
  }

  /** Whole or not at all; rejects with FILE_SYSTEM. */
  writeJournal(journal: Journal): Promise<void> {
    return writeFileWhole(this.file(JOURNAL), [JSON.stringify(journal)]);
  }

  /** Likewise. */
  readPictures(): Promise<TrainingPictures> {
    return this.#read(PICTURES, picturesSchema);
  }

  writePictures(pictures: TrainingPictures): Promise<void> {
    return writeFileWhole(this.file(PICTURES), [JSON.stringify(pictures)]);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /** Deletes all files but journal, pictures, lock and those named; what cannot be deleted now is tried again later. */
  async clear(kept: readonly (string | undefined)[]): Promise<void> {
    const stay = new Set<string | undefined>([JOURNAL, PICTURES, LOCK, ...kept]);
    const files = await readdir(this.path).catch(() => []);
    const gone = files.filter((file) => !stay.has(file)).map((file) => rm(this.file(file), { force: true }));
    await Promise.allSettled(gone);
  }

  /** Of a training that is done: deletes what a process left that was killed just before it would have done so. */
  async clearDone(): Promise<void> {
    const files = await readdir(this.path).catch(() => []);
    if (files.every((file) => file === JOURNAL || file === PICTURES) || this.isWorkedOn()) return;
    await this.clear([]);
    await rm(this.file(LOCK), { force: true });
  }

  /** Whether nothing is in it but what is being written, or was when its process died: no training has begun here yet. */
  async isBlank(): Promise<boolean> {
    const files = await readdir(this.path).catch(() => []);
    return files.every((file) => isPartial(file));
  }

  /** Rejects with FILE_SYSTEM. */
  async remove(): Promise<void> {
    await rm(this.path, { recursive: true, force: true }).catch((error: unknown) => {
      throw toFileSystemError(error, this.path);
    });
  }

  async #read<Schema extends z.ZodType>(name: string, schema: Schema): Promise<z.output<Schema>> {
    const path = this.file(name);
    const text = await readFile(path, 'utf8').catch((cause: unknown) => {
      throw new AppError('NOT_FOUND', `There is no training ${this.id}: ${path} cannot be read`, undefined, {
        cause,
      });
    });
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    const place = parsed.error.issues[0]?.path.join('.') ?? '';
    throw new AppError(
      'FILE_SYSTEM',
      `The journal of training ${this.id} is damaged: ${path} is not as Winnow writes it${place === '' ? '' : ` at ${shortJson(place)}`}`,
      'Remove the training and start it again; a model that it made stays.',
    );
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // which no schema takes
  }
}

/** Numbers of the trainings in a folder, ascending; none when there is no such folder. */
export async function trainingIds(trainings: string): Promise<number[]> {
  const names = await readdir(trainings).catch((error: unknown) => {
    if (codeOf(error) === 'ENOENT') return [];
    throw toFileSystemError(error, trainings);
  });
  return names
    .filter((name) => /^[1-9]\d{0,8}$/.test(name))
    .map(Number)
    .sort((one, other) => one - other);
}

/**
 * Removes what dead processes were writing, and the folders of trainings that had not begun by then. To be called by the
 * one process that may begin a training.
 */
export async function removeAbandonedTrainings(trainings: string): Promise<void> {
  for (const id of await trainingIds(trainings)) {
    const { path } = new TrainingFolder(trainings, id);
    await removeAbandoned(path);
    await rmdir(path).catch(() => undefined); // which takes empty folders only
  }
}

/** Makes the folder of a new training, with the next number. Rejects with FILE_SYSTEM. */
export async function makeTrainingFolder(trainings: string): Promise<TrainingFolder> {
  const id = ((await trainingIds(trainings)).at(-1) ?? 0) + 1;
  const folder = new TrainingFolder(trainings, id);
  await mkdir(folder.path, PRIVATE_FOLDER).catch((error: unknown) => {
    throw toFileSystemError(error, folder.path);
  });
  return folder;
}
