import { stat } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../shared/errors.ts';
import { callsOver } from '../../shared/calls.ts';
import type { ArgumentsOf } from '../../shared/calls.ts';
import type {
  EngineDial,
  EngineModel,
  ImageFacts,
  ImageOutcome,
  PictureCalls,
  WantedPicture,
} from '../../shared/engine-api.ts';
import { countSeen, pathOfWanted } from '../../shared/engine-api.ts';
import { PictureError } from '../../shared/picture-problem.ts';
import type { PictureProblem } from '../../shared/picture-problem.ts';
import { isGpu } from '../../shared/run.ts';
import type { Device } from '../../shared/run.ts';
import { HostEnded, HostProcess } from './host-process.ts';
import type { HostCalls } from './host-calls.ts';
import { forkHost } from './start-host.ts';
import type { StartHost } from './start-host.ts';
import PQueue from 'p-queue';
import { isDense } from '../../shared/tasks.ts';

type EngineProcess = HostProcess<HostCalls>;

/** The module that an engine host runs. */
export const defaultHostEntry = join(import.meta.dirname, '..', 'engine-host.ts');

const START_ATTEMPTS = 3;
const START_LIMIT = 300_000; // milliseconds for starting and loading a model
const DEVICES_LIMIT = 60_000; // milliseconds for asking all drivers
const RENDER_LIMIT = 120_000; // milliseconds for a picture beside others and a run
/** So many images crash the engine one after the other before the engine is taken for broken. */
const CRASHES_IN_A_ROW = 16;
const CRASHES_OF_A_GPU = 4;

export interface EngineClientOptions {
  /** Module that calls serve(); a test gives another one. */
  hostEntry?: string;
  /** How the host's process is started: under Node unless it is told otherwise. */
  startHost?: StartHost;
  /** How long a batch of so many images may take, in milliseconds, before the host counts as hung. */
  watchdog?: (images: number) => number;
}

/**
 * One engine host, for one device at a time. It starts the host when it is needed and again when it has died.
 * A batch that was under way then is tried again alone; when the host dies again it is halved until the bad
 * image is alone, which becomes a failed outcome. A GPU that is lost, or whose host dies on every image of a batch, is at an
 * end: all calls are then rejected with DEVICE_LOST.
 */
export class EngineClient {
  readonly #hostEntry: string;
  readonly #startHost: StartHost;
  readonly #watchdog: (images: number) => number;
  /** See EngineApi. */
  readonly pictures = callsOver<PictureCalls>((call, args) => this.#picture(call, args), {});
  readonly #crashListeners: ((reason: string) => void)[] = [];
  readonly #starting = new PQueue({ concurrency: 1 });
  #host: EngineProcess | undefined;
  #model: EngineModel | undefined;
  /** Ends when the last batch that was under way in a crash has been examined; others wait meanwhile. */
  #examination: Promise<unknown> = Promise.resolve();
  #crashesInARow = 0;
  #lost: AppError | undefined; // why the GPU is at an end
  /** Reasons by version of the file: a picture that crashes the host is not rendered again until it changes. */
  readonly #notRendered = new Map<string, PictureProblem>();
  #closed = false;

  constructor(options: EngineClientOptions = {}) {
    this.#hostEntry = options.hostEntry ?? defaultHostEntry;
    this.#startHost = options.startHost ?? forkHost;
    this.#watchdog = options.watchdog ?? ((images) => this.#longest(images));
  }

  /** See EngineApi; `withGpus`: asks drivers too. */
  async devices(withGpus = false): Promise<Device[]> {
    const host = await this.#runningHost();
    return this.#ask(host, () => host.calls(DEVICES_LIMIT).devices(withGpus)).catch((error: unknown) => {
      throw error instanceof HostEnded
        ? new AppError('ENGINE', `The engine crashed: ${error.message}`)
        : error;
    });
  }

  /** Loads a model package; what was open before is closed. */
  async open(model: EngineModel): Promise<void> {
    this.#model = model;
    // The thread budget is the process's, so that another one needs another process.
    if (this.#host?.threads !== model.threads) this.#host?.kill('another model was opened');
    if (this.#host?.ended !== undefined) this.#host = undefined;
    const running = this.#host;
    await this.#runningHost();
    if (running === undefined) return; // a new host has opened the model as it started
    try {
      await this.#ask(running, () => running.calls(START_LIMIT).open(model));
    } catch (error) {
      if (!(error instanceof HostEnded)) throw error;
      await this.#runningHost();
    }
  }

  /** See EngineApi. */
  async predict(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]> {
    return this.#orExamine(
      () => this.#attempt(pictures, dial),
      () => this.#examineAll(pictures, dial),
    );
  }

  onCrash(listener: (reason: string) => void): void {
    this.#crashListeners.push(listener);
  }

  /** Ends the host; the next call starts another, with the model open. Nothing may be under way. */
  rest(): void {
    this.#host?.kill('the engine rests');
    this.#host = undefined;
  }

  /** Ends the host at once; calls under way are rejected with CANCELLED. */
  close(): Promise<void> {
    this.#closed = true;
    this.#host?.kill('the engine was closed');
    return Promise.resolve();
  }

  /** Asks for what is made of one picture; one that ends the host is not tried again. */
  async #picture(call: keyof PictureCalls, args: ArgumentsOf<PictureCalls>): Promise<unknown> {
    const [path] = args;
    const key = JSON.stringify([path, await fileVersion(path)]);
    const attempt = async () => {
      const problem = this.#notRendered.get(key);
      if (problem !== undefined) throw new PictureError(problem);
      const host = await this.#runningHost();
      return this.#ask(host, () => host.ask(call, args, RENDER_LIMIT));
    };
    const examine = async () => {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof HostEnded)) throw error;
        const problem: PictureProblem = { code: 'crash', details: error.message };
        this.#notRendered.set(key, problem);
        throw new PictureError(problem, { cause: error });
      }
    };
    return this.#orExamine(attempt, examine);
  }

  /**
   * Milliseconds for a batch. Two may be under way, so one waits for the other; a slow processor takes some seconds per
   * image, and minutes for a picture of many windows.
   */
  #longest(images: number): number {
    const isOneByOne = this.#model !== undefined && isDense(this.#model.input);
    return 120_000 + (images * (isOneByOne ? 600_000 : 60_000)) / (this.#isGpu ? 30 : 1);
  }

  get #isGpu(): boolean {
    return this.#model !== undefined && isGpu(this.#model.device);
  }

  /** What `work` gives; when the host ends meanwhile, what `examine` finds with nothing else under way. */
  async #orExamine<T>(work: () => Promise<T>, examine: () => Promise<T>): Promise<T> {
    for (let seen; seen !== this.#examination;) await (seen = this.#examination);
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof HostEnded)) throw error;
      const examined = this.#examination.then(examine);
      this.#examination = examined.catch(() => undefined); // its own caller hears of it
      return examined;
    }
  }

  async #attempt(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]> {
    const host = await this.#runningHost();
    const seen = pictures.reduce((sum, picture) => sum + countSeen(picture), 0);
    const outcomes = await this.#ask(host, () => host.calls(this.#watchdog(seen)).predict(pictures, dial));
    this.#crashesInARow = 0;
    return outcomes;
  }

  /** Asks the host; notes when that is its end. A host that has lost its device is ended. */
  async #ask<T>(host: EngineProcess, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof HostEnded) this.#lose(host, error.message);
      if (error instanceof AppError && error.code === 'DEVICE_LOST') {
        this.#lost ??= error;
        host.kill(error.message);
      }
      throw error;
    }
  }

  /** Finds the images of a batch that crash the host. When all of them do, a GPU is at fault itself, and is lost. */
  async #examineAll(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]> {
    const outcomes = await this.#examine(pictures, dial);
    if (!this.#isGpu || this.#crashesInARow < pictures.length || pictures.length === 0) return outcomes;
    throw (this.#lost = new AppError('DEVICE_LOST', 'Its process crashed on every image of a batch'));
  }

  /** Predicts with nothing else under way, so that a crash is the fault of one of `pictures`. */
  async #examine(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]> {
    try {
      return await this.#attempt(pictures, dial);
    } catch (error) {
      if (!(error instanceof HostEnded)) throw error;
      const [picture] = pictures;
      if (picture !== undefined && pictures.length === 1)
        return [await this.#blame(pathOfWanted(picture), error)];
      const middle = Math.ceil(pictures.length / 2);
      const first = await this.#examine(pictures.slice(0, middle), dial);
      return [...first, ...(await this.#examine(pictures.slice(middle), dial))];
    }
  }

  async #blame(path: string, crash: HostEnded): Promise<ImageOutcome> {
    this.#crashesInARow++;
    if (this.#isGpu && this.#crashesInARow >= CRASHES_OF_A_GPU) {
      throw (this.#lost = new AppError('DEVICE_LOST', crash.message, undefined, { cause: crash }));
    }
    if (this.#crashesInARow >= CRASHES_IN_A_ROW) {
      throw new AppError(
        'ENGINE',
        `The engine crashed on ${CRASHES_IN_A_ROW} images in a row, the last one ${path}: ${crash.message}`,
        'Try another --device; `winnow resume` goes on where the run stopped.',
        { cause: crash },
      );
    }
    return {
      status: 'failed',
      facts: { version: await fileVersion(path), width: undefined, height: undefined, capturedAt: undefined },
      problem: { code: 'crash', details: crash.message },
    };
  }

  #runningHost(): Promise<EngineProcess> {
    return this.#starting.add(async () => {
      const host = this.#host;
      if (host?.ended !== undefined) this.#lose(host, host.ended);
      if (this.#closed) throw closed();
      if (this.#lost !== undefined) throw this.#lost;
      return this.#host ?? (await this.#start());
    });
  }

  /** Tells, once, that a host has crashed; the next call starts another. Throws CANCELLED when it was closed. */
  #lose(host: EngineProcess, reason: string): void {
    if (this.#closed) throw closed();
    if (this.#host !== host) return;
    this.#host = undefined;
    if (this.#lost !== undefined) return; // it is not started again
    for (const listener of this.#crashListeners) listener(reason);
  }

  /** Starts the host and opens the model, if there is one; some attempts, then one error. */
  async #start(): Promise<EngineProcess> {
    const model = this.#model;
    let reason = '';
    for (let attempt = 0; attempt < START_ATTEMPTS; attempt++) {
      if (this.#closed) throw closed();
      const host: EngineProcess = new HostProcess(
        this.#startHost,
        this.#hostEntry,
        model?.threads ?? availableParallelism(),
      );
      this.#host = host;
      try {
        const calls = host.calls(START_LIMIT);
        await (model === undefined ? calls.devices(false) : calls.open(model));
        return host;
      } catch (error) {
        host.kill('the engine did not start');
        if (!(error instanceof HostEnded)) throw error;
        reason = error.message;
      }
    }
    throw new AppError(
      'ENGINE',
      `The engine ended in each of ${START_ATTEMPTS} attempts to start it: ${reason}`,
      'Set WINNOW_DEBUG=1 to see what it prints.',
    );
  }
}

function closed(): AppError {
  return new AppError('CANCELLED', 'The engine was closed');
}

async function fileVersion(path: string): Promise<ImageFacts['version']> {
  try {
    const { size, mtimeMs } = await stat(path);
    return { fileSize: size, modifiedMs: Math.floor(mtimeMs) };
  } catch {
    return undefined; // gone meanwhile: like any file that cannot be read
  }
}
