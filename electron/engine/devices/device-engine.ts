import type {
  EngineApi,
  EngineDial,
  EngineModel,
  ImageOutcome,
  OpenedModel,
  PictureCalls,
  WantedPicture,
} from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { KeptText } from '../../shared/kept-text.ts';
import { isGpu } from '../../shared/run.ts';
import type { Device } from '../../shared/run.ts';
import { DeviceWorkers } from './device-workers.ts';
import { tryDevice } from './device-trial.ts';
import type { TrialSubject } from './device-trial.ts';
import { DeviceTrials } from './device-trials.ts';
import { defaultHostEntry, EngineClient } from '../hosts/engine-client.ts';
import type { EngineClientOptions } from '../hosts/engine-client.ts';
import { forkHost } from '../hosts/start-host.ts';

/** Drivers are not asked again for so many milliseconds. */
const LIST_LIFETIME = 10_000;

export interface DeviceEngineOptions extends EngineClientOptions {
  /** What GPUs are tried with before their first use. */
  trial: TrialSubject;
  /** Where it is kept which GPUs have passed. */
  trials: KeptText;
}

/**
 * The engine as the rest of the app sees it, over all devices: one host for pictures and the processor, and one for each
 * GPU that predicts.
 */
export class DeviceEngine implements EngineApi {
  readonly #processor: EngineClient;
  readonly #workers: DeviceWorkers;
  readonly #trials: DeviceTrials;
  readonly #crashListeners: ((reason: string) => void)[] = [];
  readonly #noteListeners: ((note: string) => void)[] = [];
  #listed: { devices: Promise<Device[]>; at: number } | undefined;
  #searchFailed: string | undefined; // why drivers are not asked any more

  constructor({ trial, trials, ...options }: DeviceEngineOptions) {
    const makeClient = () => {
      const client = new EngineClient(options);
      client.onCrash((reason) => this.#crashListeners.forEach((listener) => listener(reason)));
      return client;
    };
    this.#processor = makeClient();
    const onNote = (note: string) => this.#noteListeners.forEach((listener) => listener(note));
    this.#workers = new DeviceWorkers({ processor: this.#processor, makeClient, onNote });
    const { startHost = forkHost, hostEntry = defaultHostEntry } = options;
    this.#trials = new DeviceTrials(trials, (device) => tryDevice(device, trial, startHost, hostEntry));
  }

  get pictures(): PictureCalls {
    return this.#processor.pictures;
  }

  devices(again = false): Promise<Device[]> {
    const now = performance.now();
    if (!again && this.#listed !== undefined && now - this.#listed.at < LIST_LIFETIME)
      return this.#listed.devices;
    if (again) this.#searchFailed = undefined;
    const devices = this.#list(again);
    this.#listed = { devices, at: now };
    devices.catch(() => (this.#listed = undefined)); // whoever asked hears of it
    return devices;
  }

  async open(model: EngineModel): Promise<OpenedModel> {
    return this.#workers.open(model, isGpu(model.device) ? await this.devices() : []);
  }

  predict(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]> {
    return this.#workers.predict(pictures, dial);
  }

  onCrash(listener: (reason: string) => void): void {
    this.#crashListeners.push(listener);
  }

  onNote(listener: (note: string) => void): void {
    this.#noteListeners.push(listener);
  }

  async close(): Promise<void> {
    await Promise.all([this.#processor.close(), this.#workers.close()]);
  }

  async #list(again: boolean): Promise<Device[]> {
    const checked: Device[] = [];
    for (const device of await this.#search()) checked.push(await this.#trials.check(device, again));
    return checked;
  }

  /** All devices. When a driver takes the host down, those that need none, and the reason in place of the others. */
  async #search(): Promise<Device[]> {
    if (this.#searchFailed === undefined) {
      try {
        return await this.#processor.devices(true);
      } catch (error) {
        if (!(error instanceof AppError) || error.code !== 'ENGINE') throw error;
        this.#searchFailed = error.message;
      }
    }
    const reason = `The search for GPUs failed: ${this.#searchFailed}.`;
    const gpu = { name: 'gpu', description: '', available: false, reason, precisions: [] };
    return [gpu, ...(await this.#processor.devices(false))];
  }
}
