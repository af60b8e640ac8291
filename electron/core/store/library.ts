import Database from 'better-sqlite3';
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { CalibrationsTable } from './calibrations.ts';
import { FoldersTable } from './folders.ts';
import { ImagesTable } from './images.ts';
import { toLibraryError } from './library-error.ts';
import { migrate } from './migrate.ts';
import { ModelsTable } from './models.ts';
import { ResultsTable } from './results.ts';
import { RunsTable } from './runs.ts';
import { acquireWriterLock } from './writer-lock.ts';
import type { WriterLock } from './writer-lock.ts';

const BUSY_MILLISECONDS = 2000;

/** The SQLite file that holds folders, images, runs, results and calibrations: one object per table. */
export class Library {
  readonly path: string;
  readonly folders: FoldersTable;
  readonly images: ImagesTable;
  readonly models: ModelsTable;
  readonly runs: RunsTable;
  readonly results: ResultsTable;
  readonly calibrations: CalibrationsTable;
  readonly #database: Database.Database;

  private constructor(path: string, database: Database.Database) {
    this.path = path;
    this.#database = database;
    this.folders = new FoldersTable(database);
    this.images = new ImagesTable(database);
    this.models = new ModelsTable(database);
    this.runs = new RunsTable(database);
    this.results = new ResultsTable(database);
    this.calibrations = new CalibrationsTable(database);
  }

  /** Opens the library at `path`, creating or migrating it; throws AppError('LIBRARY') with the reason. */
  static open(path: string): Library {
    makeFolder(dirname(path), path);
    let database: Database.Database | undefined;
    try {
      database = new Database(path, { timeout: BUSY_MILLISECONDS });
      database.pragma('journal_mode = WAL');
      // In WAL mode this survives a crash of the app; a power cut may cost the last batches, never the file.
      database.pragma('synchronous = NORMAL');
      database.pragma('foreign_keys = ON');
      migrate(database, path);
      return new Library(path, database);
    } catch (error) {
      database?.close();
      throw toLibraryError(error, path);
    }
  }

  /** Runs `work` in one transaction: all of it is saved, or nothing. */
  transaction<T>(work: () => T): T {
    return this.#database.transaction(work).immediate();
  }

  /** Takes the right to write runs, or throws when another Winnow holds it. */
  acquireWriter(): WriterLock {
    return acquireWriterLock(this.path);
  }

  close(): void {
    this.#database.close();
  }
}

function makeFolder(folder: string, libraryPath: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new AppError(
      'LIBRARY',
      `The folder of the library ${libraryPath} cannot be created`,
      'Check its permissions, or name another file with --library',
      { cause: error },
    );
  }
}
