import { rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import type { Clock } from '../../shared/clock.ts';
import { removeAbandoned } from '../files/partial-files.ts';
import { backupFolder, listBackups } from '../store/tables/backups.ts';
import type { Library } from '../store/library.ts';
import { backUpLibrary, newBackup } from './back-up.ts';

const DAY = 24 * 3600_000; // milliseconds
const KEPT = 3;

/**
 * Backs the library up before it is first changed on a day, beside the work that changes it, and keeps the last few of
 * these backups. Each is read whole, so damage is found within a day, and a damaged one never takes a good one's place.
 */
export class DailyBackup {
  readonly #clock: Clock;
  readonly #notice: (message: string) => void;
  #lastMs = -Infinity;
  #underWay: Promise<void> = Promise.resolve();

  constructor(clock: Clock, notice: (message: string) => void) {
    this.#clock = clock;
    this.#notice = notice;
  }

  /** Starts a backup when one is due and there is something to keep. What goes wrong becomes a notice, once a day. */
  beginIfDue(library: Library): void {
    const now = this.#clock();
    if (now - this.#lastMs < DAY) return;
    if (library.summary().images === 0) return;
    this.#lastMs = now;
    const [last] = listBackups(library.path, 'daily');
    const isDue = last === undefined || Math.abs(now - Date.parse(last.createdAt)) >= DAY;
    this.#underWay = this.#work(library, isDue ? now : undefined).catch((error: unknown) => {
      const { message, hint } = error instanceof AppError ? error : new AppError('LIBRARY', String(error));
      this.#notice(`The library was not backed up today. ${message}.${hint === undefined ? '' : ` ${hint}`}`);
    });
  }

  /** When no backup is under way any more. */
  async settled(): Promise<void> {
    await this.#underWay;
  }

  /** `due`: when a backup is due; undefined when none is. */
  async #work(library: Library, due: number | undefined): Promise<void> {
    // What a killed process left beside its backup or the library goes today, not with the next of its kind.
    await (due === undefined ? removeAbandoned(backupFolder(library.path)) : this.#backUp(library, due));
    await removeAbandoned(dirname(library.path));
  }

  async #backUp(library: Library, now: number): Promise<void> {
    await backUpLibrary(library, newBackup(library.path, 'daily', now), now);
    for (const { path } of listBackups(library.path, 'daily').slice(KEPT)) rmSync(path, { force: true });
  }
}
