import type Database from 'better-sqlite3';
import { AppError } from '../../shared/errors.ts';
import { foldName } from '../../shared/fold-name.ts';
import { BoxLabelsTable } from './tables/box-labels.ts';
import { CalibrationsTable } from './tables/calibrations.ts';
import { ChangeLog } from './change-log.ts';
import { ColumnReads } from './lists/column-reads.ts';
import { findDamage } from './damage.ts';
import type { Damage } from './damage.ts';
import { FoldersTable } from './tables/folders.ts';
import { FoundTable } from './tables/found.ts';
import { ImagesTable } from './tables/images.ts';
import { toLibraryError } from './library-error.ts';
import { ModelsTable } from './tables/models.ts';
import { openDatabase, openToRead } from './open-database.ts';
import type { OpenDatabase } from './open-database.ts';
import { ResultQueries } from './lists/result-queries.ts';
import { QueueTable } from './tables/queue.ts';
import { ResultsTable } from './tables/results.ts';
import { required } from './row.ts';
import { ReviewHistory } from './tables/review-history.ts';
import { ReviewsTable } from './tables/reviews.ts';
import { RunsTable } from './tables/runs.ts';
import type { Writer } from './tables/runs.ts';
import { TransfersTable } from './tables/transfers.ts';
import { WrittenFilesTable } from './written-files.ts';
import { defineSum, keepSums } from './sums.ts';
import { acquireWriterLock, isWriterAlive } from './writer-lock.ts';
import type { WriterLock } from './writer-lock.ts';

export interface LibrarySummary {
  folders: number;
  images: number; // that were there at the last scan of their folder
  runs: number;
}

/** The SQLite file that holds folders, images, runs, results and calibrations: one object per table. */
export class Library {
  readonly path: string;
  /** The database's file: the library, or a copy of one that may only be read. */
  readonly file: string;
  readonly readOnly: boolean;
  readonly folders: FoldersTable;
  readonly images: ImagesTable;
  readonly models: ModelsTable;
  readonly runs: RunsTable;
  readonly queue: QueueTable;
  readonly found: FoundTable;
  readonly results: ResultsTable;
  readonly boxLabels: BoxLabelsTable;
  readonly resultQueries: ResultQueries;
  readonly columnReads: ColumnReads;
  readonly changeLog: ChangeLog;
  readonly reviews: ReviewsTable;
  readonly reviewHistory: ReviewHistory;
  readonly calibrations: CalibrationsTable;
  readonly transfers: TransfersTable;
  readonly writtenFiles: WrittenFilesTable;
  readonly #database: Database.Database;
  readonly #close: () => void;
  readonly #onceFree: (() => void)[] = [];
  #writing = false;
  readonly #summary: Database.Statement<[], LibrarySummary>;

  private constructor(path: string, { database, file, readOnly, close }: OpenDatabase) {
    this.path = path;
    this.file = file;
    this.readOnly = readOnly;
    this.#database = database;
    this.#close = close;
    this.folders = new FoldersTable(database);
    this.images = new ImagesTable(database);
    this.models = new ModelsTable(database);
    this.runs = new RunsTable(database, () => this.#writer());
    this.queue = new QueueTable(database);
    this.found = new FoundTable(database);
    this.results = new ResultsTable(database, this.found);
    this.boxLabels = new BoxLabelsTable(database, this.found);
    this.resultQueries = new ResultQueries(database);
    this.columnReads = new ColumnReads(database);
    this.changeLog = new ChangeLog(database);
    this.reviews = new ReviewsTable(database);
    this.reviewHistory = new ReviewHistory(database);
    this.calibrations = new CalibrationsTable(database);
    this.transfers = new TransfersTable(database);
    this.writtenFiles = new WrittenFilesTable(database);
    this.#summary = database.prepare(`
      SELECT (SELECT count(*) FROM folders) AS folders, (SELECT count(*) FROM runs WHERE NOT importing) AS runs,
        (SELECT count(*) FROM images) - (SELECT count(*) FROM images WHERE gone) AS images`);
  }

  /**
   * Opens the library at `path`, creating or migrating it; throws AppError('LIBRARY') with the reason. After an unclean
   * end, of which a write-ahead log is left, the whole file is checked first: about a second per million images.
   */
  static open(path: string): Library {
    let open: OpenDatabase | undefined;
    try {
      open = openDatabase(path);
      addFunctions(open.database);
      if (!open.readOnly) keepSums(open.database);
      return new Library(path, open);
    } catch (error) {
      open?.close();
      throw toLibraryError(error, path);
    }
  }

  /**
   * Opens a library that is open elsewhere in this process over another connection, which can only read. Throws
   * AppError('LIBRARY').
   */
  static openToRead(path: string): Library {
    let open: OpenDatabase | undefined;
    try {
      open = openToRead(path);
      addFunctions(open.database);
      return new Library(path, open);
    } catch (error) {
      open?.close();
      throw toLibraryError(error, path);
    }
  }

  /** Runs `work`, which must not pause: all that it reads is as it was at one moment. */
  reading<T>(work: () => T): T {
    return this.#database.transaction(work).deferred();
  }

  /** Throws LIBRARY when nothing may be written. */
  requireWritable(): void {
    if (!this.readOnly) return;
    throw new AppError(
      'LIBRARY',
      `The library ${this.path} may only be read`,
      'Give yourself the right to write it and its folder, or name another file with --library.',
    );
  }

  /** Reads all of the file, which takes seconds per million images. */
  findDamage(): Damage {
    return findDamage(this.#database);
  }

  /**
   * Makes images of a run pending again, whatever is known of them, and the run paused; what another tool found cannot be had
   * again, so its images leave the run. The caller has a transaction.
   */
  resetResults(runId: number, imageIds: readonly number[]): void {
    if (this.runs.get(runId)?.spec.imported !== undefined) {
      this.results.drop(runId, imageIds);
      return;
    }
    this.results.reset(runId, imageIds);
    this.runs.setState(runId, 'paused');
  }

  /** Runs `work` in one transaction: all of it is saved, or nothing. */
  transaction<T>(work: () => T): T {
    return this.#database.transaction(work).immediate();
  }

  /** Like `transaction`; what was saved is on the disk when this returns, so a power cut leaves it too. */
  durableTransaction<T>(work: () => T): T {
    this.#database.pragma('synchronous = FULL');
    try {
      return this.transaction(work);
    } finally {
      this.#database.pragma('synchronous = NORMAL');
    }
  }

  /** Who has the right to write runs; undefined when no process that lives has it. */
  #writer(): Writer {
    if (this.#writing) return 'here';
    return isWriterAlive(this.path) ? 'elsewhere' : undefined;
  }

  /**
   * Takes the right to write runs, or throws when it is held, here or by another Winnow. Whoever has it knows that no
   * other process is at work, so what is left of one that died is paused.
   */
  acquireWriter(): WriterLock {
    this.requireWritable();
    if (this.#writing) {
      throw new AppError(
        'LIBRARY',
        `Winnow is at work in the library ${this.path} already`,
        'Wait until it has finished, or queue the run.',
      );
    }
    const lock = acquireWriterLock(this.path);
    try {
      this.runs.pauseInterrupted();
      this.runs.dropUnfinished();
    } catch (error) {
      lock.release();
      throw error;
    }
    this.#writing = true;
    return {
      release: () => {
        this.#writing = false;
        lock.release();
        this.#onceFree.splice(0).forEach((listener) => listener());
      },
    };
  }

  /** Tells `listener` once when the right to write runs is given back; false when it is not held here now. */
  onceWriterFree(listener: () => void): boolean {
    if (this.#writing) this.#onceFree.push(listener);
    return this.#writing;
  }

  /** Copies the library as it is at the end of the copying to a file, while it is in use. Rejects with SqliteError. */
  async copyTo(path: string): Promise<void> {
    await this.#database.backup(path);
  }

  /** What the library holds, in numbers. */
  summary(): LibrarySummary {
    return required(this.#summary.get());
  }

  close(): void {
    this.#close();
  }
}

/** The functions of ours that statements call. */
function addFunctions(database: Database.Database): void {
  defineSum(database);
  database.function('fold', { deterministic: true }, (text) => foldName(String(text)));
}
