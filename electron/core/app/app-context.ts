import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import type { z } from 'zod';
import type { AppArguments, AppCall, AppEvent, AppResults, appApiArguments } from '../../shared/app-api.ts';
import type { EngineApi } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { TrainerApi } from '../../shared/trainer-api.ts';
import type { ModelRegistry } from '../registry/model-registry.ts';
import { LibraryReaders } from '../reading/library-readers.ts';
import { ReadAhead } from '../reading/read-ahead.ts';
import type { AnswerTo, QuestionName, QuestionOf } from '../reading/questions.ts';
import { LibraryUpdate } from '../reading/update-library.ts';
import type { Clock } from '../../shared/clock.ts';
import { tightenDataFolder } from '../files/data-folder.ts';
import { OutputFiles } from '../outputs/output-files.ts';
import { OwnFiles } from '../outputs/own-files.ts';
import { SettingsFile } from './settings-file.ts';
import { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';

/** Where Winnow keeps what is the user's, and where its own files lie. */
export interface AppFolders {
  data: string; // settings.json, thumbnails and trainings
  samples: string; // pictures that come with Winnow, in the folders of SAMPLES
}

export interface AppServiceParts {
  /** The library is opened, or made, when a call first needs it. */
  libraryPath: string;
  /** Hears that the library was opened and may only be read. */
  onReadOnly?: (libraryPath: string) => void;
  engine: EngineApi;
  trainer: TrainerApi;
  registry: ModelRegistry;
  clock: Clock;
  folders: AppFolders;
}

/** What the calls of AppApi work on. */
export class AppContext {
  readonly engine: EngineApi;
  readonly trainer: TrainerApi;
  readonly registry: ModelRegistry;
  readonly clock: Clock;
  readonly folders: AppFolders;
  readonly libraryPath: string;
  readonly settings: SettingsFile;
  readonly ownFiles: OwnFiles;
  readonly outputs: OutputFiles;
  readonly #listeners = new Set<(event: AppEvent) => void>();
  readonly #readers = new LibraryReaders();
  readonly #update = new LibraryUpdate((isDone) => this.emit({ type: 'updatingLibrary', isDone }));
  readonly #readAhead = new ReadAhead((run, part) => this.ask('readAhead', { run, part }));
  #replacing: Promise<void> = Promise.resolve();
  readonly #onReadOnly: (libraryPath: string) => void;
  #opened: Library | undefined;

  constructor(parts: AppServiceParts) {
    this.engine = parts.engine;
    this.trainer = parts.trainer;
    this.registry = parts.registry;
    this.clock = parts.clock;
    this.folders = parts.folders;
    this.libraryPath = parts.libraryPath;
    this.#onReadOnly = parts.onReadOnly ?? (() => undefined);
    this.settings = new SettingsFile(parts.folders.data, (message) => this.emit({ type: 'notice', message }));
    this.ownFiles = new OwnFiles({
      libraryPath: parts.libraryPath,
      data: parts.folders.data,
      modelFolders: parts.registry.folders,
    });
    this.outputs = new OutputFiles(() => this.library, this.ownFiles);
  }

  get library(): Library {
    if (this.#opened !== undefined) return this.#opened;
    this.#opened = Library.open(this.libraryPath);
    if (this.#opened.readOnly) this.#onReadOnly(this.libraryPath);
    else tightenDataFolder(this.folders.data);
    return this.#opened;
  }

  /** Brings a library of an older Winnow up to date before it is opened, without keeping anybody else waiting. */
  async prepareLibrary(): Promise<void> {
    if (this.#opened === undefined) await this.#update.settle(this.libraryPath);
  }

  /** Whether there is a library already, open or not. */
  get libraryExists(): boolean {
    return this.#opened !== undefined || existsSync(this.libraryPath);
  }

  /** Asks in another thread what takes long to read from the library. */
  async ask<Name extends QuestionName>(name: Name, question: QuestionOf<Name>): Promise<AnswerTo<Name>> {
    await this.#replacing;
    return this.#readers.ask(this.library, name, question); // made and migrated before others read it
  }

  /** Has what lists of a run are made of read in their thread, before it is asked for. */
  readAhead(run: RunRow | undefined): void {
    if (run !== undefined) void this.#readAhead.begin(run);
  }

  /** Closes the library in all threads but this one. */
  closeReaders(): Promise<void> {
    this.#readAhead.stop();
    return this.#readers.close();
  }

  /** Does what puts another library in the place of this one; questions wait meanwhile, and so keep no reader open. */
  async replacing(work: () => Promise<void>): Promise<void> {
    const done = work();
    this.#replacing = done.catch(() => undefined);
    await done;
  }

  /** The next call that needs the library opens it anew. Readers are to be closed before. */
  closeLibrary(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }

  subscribe(listener: (event: AppEvent) => void): () => void {
    this.#listeners.add(listener);
    if (this.#update.isTold) listener({ type: 'updatingLibrary', isDone: false });
    return () => void this.#listeners.delete(listener);
  }

  emit(event: AppEvent): void {
    for (const listener of this.#listeners) listener(event);
  }

  /** Threads for the engine: as asked for, else as the settings say, else one per core. */
  threads(wanted: number | undefined): number {
    return wanted ?? this.settings.read().threads ?? availableParallelism();
  }

  now(): string {
    return new Date(this.clock()).toISOString(); // ISO 8601
  }

  /** Throws NOT_FOUND. */
  runRow(id: number): RunRow {
    const row = this.library.runs.get(id);
    if (row === undefined) {
      throw new AppError('NOT_FOUND', `There is no run ${id} in the library`, '`winnow runs` lists them.');
    }
    return row;
  }
}

/** Calls of AppApi with their arguments checked already. */
export type Calls<Call extends AppCall> = {
  [Name in Call]: (
    request: z.output<(typeof appApiArguments)[Name]>,
    asker: AbortSignal, // who asks, aborted when nobody waits for an answer any more
  ) => AppResults[Name] | Promise<AppResults[Name]>;
};

export type Request<Call extends AppCall> = AppArguments<Call>;
