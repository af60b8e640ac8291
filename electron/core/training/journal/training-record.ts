import { AppError } from '../../../shared/errors.ts';
import type { Journal, Plan, TrainingPictures } from './journal.ts';
import type { TrainingFolder } from './training-folder.ts';

/** A training stops before its end and can go on from its last state; `message` says why when nobody asked for it. */
export class TrainingPaused extends Error {}

/** The journal of a training that is worked on. Changes are in memory first; `save` makes them last. */
export class TrainingRecord {
  readonly folder: TrainingFolder;
  readonly journal: Journal;
  #pictures: TrainingPictures | undefined;

  constructor(folder: TrainingFolder, journal: Journal) {
    this.folder = folder;
    this.journal = journal;
  }

  get id(): number {
    return this.folder.id;
  }

  /** What is known when all pictures were read; they must have been. */
  get plan(): Plan {
    if (this.journal.plan !== undefined) return this.journal.plan;
    throw new AppError('FILE_SYSTEM', `The journal of training ${this.id} does not say what to train`);
  }

  /** Rejects with FILE_SYSTEM. */
  save(): Promise<void> {
    return this.folder.writeJournal(this.journal);
  }

  /** Keeps the plan and the pictures that belong to it. */
  async keepPlan(plan: Plan, pictures: TrainingPictures): Promise<void> {
    await this.folder.writePictures(pictures);
    this.#pictures = pictures;
    this.journal.plan = plan;
    await this.save();
  }

  async pictures(): Promise<TrainingPictures> {
    return (this.#pictures ??= await this.folder.readPictures());
  }
}
