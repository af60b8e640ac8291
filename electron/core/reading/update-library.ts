import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { readMigrations } from '../store/migrate.ts';
import { isOfOlderWinnow } from '../store/open-database.ts';
import type { UpdateData } from './messages.ts';
import { readerEntry } from './reader-entry.ts';

const TOLD_AFTER = 500; // milliseconds: an update that is done by then is not reported

/** Brings a library of an older Winnow up to date in another thread: of a million images that takes a minute. */
export class LibraryUpdate {
  readonly #tell: (isDone: boolean) => void;
  readonly #toldAfter: number;
  #underWay: Promise<void> | undefined;
  #isTold = false;

  /** `tell` hears that it takes longer than so many milliseconds, and when it is done then. */
  constructor(tell: (isDone: boolean) => void, toldAfter = TOLD_AFTER) {
    this.#tell = tell;
    this.#toldAfter = toldAfter;
  }

  /** Whether it was told that it takes long. */
  get isTold(): boolean {
    return this.#isTold;
  }

  /** Comes back when the library is up to date, or cannot be: then opening it throws why. */
  async settle(libraryPath: string): Promise<void> {
    this.#underWay ??= isOfOlderWinnow(libraryPath) ? this.#update(libraryPath) : undefined;
    await this.#underWay;
  }

  async #update(libraryPath: string): Promise<void> {
    const timer = setTimeout(() => {
      this.#isTold = true;
      this.#tell(false);
    }, this.#toldAfter);
    const workerData: UpdateData = { libraryPath, migrations: readMigrations() };
    const worker = new Worker(readerEntry, { workerData });
    worker.on('error', () => undefined); // whoever opens the library hears it
    await once(worker, 'exit');
    clearTimeout(timer);
    this.#underWay = undefined;
    if (this.#isTold) this.#tell(true);
    this.#isTold = false;
  }
}
