import { constants } from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { AvailableModel, Download } from '../../shared/api/downloads.ts';
import type { CatalogueModel } from '../../shared/catalogue.ts';
import { AppError, codeOf } from '../../shared/errors.ts';
import type { ModelPackage } from '../../shared/model-package.ts';
import type { AppContext } from '../app/app-context.ts';
import { knownImport } from '../catalogue/known-import.ts';
import { catalogue, findModel } from '../catalogue/read-catalogue.ts';
import { freeName, inspectCheckpoint } from '../checkpoint/inspect-checkpoint.ts';
import { DownloadFolder } from '../download/download-folder.ts';
import { DownloadMeter } from '../download/download-meter.ts';
import { fetchFile } from '../download/fetch-file.ts';
import type { FetchContext } from '../download/fetch-file.ts';
import { requireSpace } from '../download/free-space.ts';
import { Http } from '../download/connection.ts';
import type { HttpOptions } from '../download/exchange.ts';
import { placeNew, placeWhole } from '../files/place-whole.ts';
import { toFileSystemError } from '../files/write-file.ts';
import { takeExclusiveLock } from '../store/exclusive-lock.ts';
import type { ExclusiveLock } from '../store/exclusive-lock.ts';

/** How models are fetched; what is left out is as it is outside of tests. */
export interface DownloadOptions extends HttpOptions {
  models?: readonly CatalogueModel[];
  wait?: FetchContext['wait'];
}

interface Work {
  download: Download;
  controller: AbortController;
  ended: Promise<void>;
}

const TELLING = 400; // milliseconds between two events of a download

const IDLE = { bytesPerSecond: 0, secondsLeft: undefined, error: undefined, package: undefined };

/** What keeps a file that has come whole from being used is not its fault, so it stays. */
const ABOUT_THE_DISK = new Set(['DISK_FULL', 'FILE_SYSTEM']);

/** Fetches models of the catalogue and imports them, several at a time, each by one process. */
export class DownloadService {
  readonly #context: AppContext;
  readonly #options: DownloadOptions;
  readonly #folder: string;
  readonly #http: Http;
  readonly #work = new Map<string, Work>();
  /** How downloads ended in this process. */
  readonly #ended = new Map<string, Download>();

  constructor(context: AppContext, options: DownloadOptions = {}) {
    this.#context = context;
    this.#options = options;
    this.#folder = join(context.folders.data, 'downloads');
    this.#http = new Http(options);
  }

  get models(): readonly CatalogueModel[] {
    return this.#options.models ?? catalogue();
  }

  /** The catalogue, with the packages that are here of each model and what has come of it. */
  async available(): Promise<AvailableModel[]> {
    const packages = await this.#context.registry.list();
    return Promise.all(
      this.models.map(async (model) => ({
        model,
        packages: packagesOf(model, packages),
        download: await this.#downloadOf(model),
      })),
    );
  }

  /** Begins to fetch a model, or goes on. Rejects with NOT_FOUND, and with BAD_ARGUMENT when it is here already. */
  async start(name: string): Promise<Download> {
    const model = findModel(this.models, name);
    const begun = this.#work.get(name);
    if (begun !== undefined) return begun.download;
    const packages = await this.#context.registry.list();
    const [here] = packagesOf(model, packages);
    if (here !== undefined) {
      throw new AppError('BAD_ARGUMENT', `${model.title} is here already, as the model ${here}`);
    }
    const folder = new DownloadFolder(this.#folder, name);
    const lock = await takeLock(folder, model);
    return this.#begin(model, folder, lock);
  }

  /** Comes back when it has stopped; what has come stays. Rejects with NOT_FOUND when it is not under way here. */
  async pause(name: string): Promise<void> {
    const work = this.#work.get(name);
    if (work === undefined) throw new AppError('NOT_FOUND', `No download of ${name} is under way here`);
    work.controller.abort();
    await work.ended;
  }

  /** Ends a download and forgets what has come of it. */
  async cancel(name: string): Promise<void> {
    const model = findModel(this.models, name);
    const work = this.#work.get(name);
    work?.controller.abort();
    await work?.ended;
    const folder = new DownloadFolder(this.#folder, name);
    const lock = await takeLock(folder, model);
    try {
      await folder.clear();
    } finally {
      lock.release();
    }
    await folder.remove();
    this.#tell({ ...IDLE, model: name, phase: 'paused', done: 0, total: undefined });
    this.#ended.delete(name);
  }

  /** Copies a package into a folder that is there; gives the copy's path. Rejects with DISK_FULL, FILE_EXISTS and others. */
  async export(name: string, wanted: string): Promise<string> {
    const { path, bytes } = await this.#context.registry.verify(name);
    const folder = resolve(wanted);
    const isFolder = await stat(folder).then(
      (stats) => stats.isDirectory(),
      () => false,
    );
    if (!isFolder) throw new AppError('NOT_FOUND', `There is no folder ${folder}`, 'Name one that is there.');
    await requireSpace(folder, bytes, `The model ${name}`);
    const target = join(folder, basename(path));
    try {
      await placeWhole(target, (partial) => copyFile(path, partial, constants.COPYFILE_EXCL), placeNew);
    } catch (error) {
      if (codeOf(error) !== 'EEXIST') throw toFileSystemError(error, target);
      throw new AppError(
        'FILE_EXISTS',
        `There is a file ${target} already`,
        'Remove it, or name another folder.',
      );
    }
    return target;
  }

  /** Pauses what is under way. */
  async close(): Promise<void> {
    for (const { controller } of this.#work.values()) controller.abort();
    await Promise.all([...this.#work.values()].map(({ ended }) => ended));
    await this.#http.close();
  }

  #begin(model: CatalogueModel, folder: DownloadFolder, lock: ExclusiveLock): Download {
    const controller = new AbortController();
    const download: Download = { ...IDLE, model: model.name, phase: 'asking', done: 0, total: undefined };
    const work: Work = { download, controller, ended: Promise.resolve() };
    this.#work.set(model.name, work);
    this.#ended.delete(model.name);
    work.ended = this.#carryOut(model, folder, work).finally(() => lock.release());
    this.#tell(download);
    return download;
  }

  /** Never rejects: how it ended is told. */
  async #carryOut(model: CatalogueModel, folder: DownloadFolder, work: Work): Promise<void> {
    const { signal } = work.controller;
    const change = (changes: Partial<Download>) => {
      work.download = { ...work.download, ...changes };
      return work.download;
    };
    try {
      await this.#bringFile(model, folder, work, change);
      this.#tell(change({ ...IDLE, phase: 'importing' }));
      const made = await this.#import(model, folder);
      change({ ...IDLE, phase: 'done', package: made.name });
    } catch (error) {
      const { bytes } = await folder.arrived();
      const isPaused = signal.aborted && !(error instanceof AppError);
      change({ ...IDLE, phase: isPaused ? 'paused' : 'failed', done: bytes });
      if (!isPaused) change({ error: describe(error) });
    }
    this.#work.delete(model.name);
    this.#ended.set(model.name, work.download);
    this.#tell(work.download);
  }

  async #bringFile(
    model: CatalogueModel,
    folder: DownloadFolder,
    { controller }: Work,
    change: (changes: Partial<Download>) => Download,
  ): Promise<void> {
    const { clock } = this.#context;
    const meter = new DownloadMeter(clock);
    let told: Download | undefined;
    let current: Download | undefined;
    const tell = () => {
      if (current === undefined || current === told) return;
      told = current;
      this.#tell(current);
    };
    // What came last before a silence is told as well.
    const timer = setInterval(tell, TELLING);
    const fetching = fetchFile(model, {
      folder,
      http: this.#http,
      signal: controller.signal,
      clock,
      wait: this.#options.wait ?? ((milliseconds, signal) => delay(milliseconds, undefined, { signal })),
      tell: ({ phase, done, total, seconds }) => {
        const measured = phase === 'fetching' ? meter.measure(done, total) : IDLE;
        const { bytesPerSecond, secondsLeft } = measured;
        current = change({ phase, done, total, bytesPerSecond, secondsLeft: seconds ?? secondsLeft });
        if (phase !== told?.phase) tell();
      },
    });
    await fetching.finally(() => clearInterval(timer));
  }

  async #import(model: CatalogueModel, folder: DownloadFolder): Promise<ModelPackage> {
    const { registry } = this.#context;
    try {
      const report = await inspectCheckpoint(folder.complete, new Set());
      const taken = new Set((await registry.list()).map(({ name }) => name));
      const made = await registry.import({
        ...knownImport(model, report),
        checkpointPath: folder.complete,
        name: freeName(model.name, taken),
        originalName: model.file.name ?? `${model.name}.pth`,
      });
      await folder.clear();
      return made;
    } catch (error) {
      if (error instanceof AppError && !ABOUT_THE_DISK.has(error.code)) await folder.clear();
      throw error;
    }
  }

  async #downloadOf({ name }: CatalogueModel): Promise<Download | undefined> {
    const known = this.#work.get(name)?.download ?? this.#ended.get(name);
    if (known !== undefined) return known;
    const folder = new DownloadFolder(this.#folder, name);
    const { bytes } = await folder.arrived();
    if (bytes === 0) return undefined;
    return { ...IDLE, model: name, phase: 'paused', done: bytes, total: (await folder.readNote())?.bytes };
  }

  #tell(download: Download): void {
    this.#context.emit({ type: 'download', download });
  }
}

/** Names of the packages that were made of a model. */
function packagesOf(model: CatalogueModel, packages: readonly ModelPackage[]): string[] {
  return packages.filter(({ manifest }) => manifest.published?.model === model.name).map(({ name }) => name);
}

async function takeLock(folder: DownloadFolder, { title }: CatalogueModel): Promise<ExclusiveLock> {
  await folder.make().catch((error: unknown) => {
    throw toFileSystemError(error, folder.path);
  });
  const lock = takeExclusiveLock(folder.lock);
  if (lock !== undefined) return lock;
  throw new AppError(
    'BAD_ARGUMENT',
    `Another Winnow fetches ${title} now`,
    'Pause it there, or wait for its end.',
  );
}

function describe(error: unknown): NonNullable<Download['error']> {
  if (error instanceof AppError) return { code: error.code, message: error.message, hint: error.hint };
  return { code: 'NETWORK', message: error instanceof Error ? error.message : String(error) };
}
