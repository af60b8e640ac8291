import { countSeen } from '../../shared/engine-api.ts';
import type {
  EngineDial,
  EngineModel,
  ImageOutcome,
  OpenedModel,
  WantedPicture,
} from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { isGpu, nearestPrecision } from '../../shared/run.ts';
import type { Device } from '../../shared/run.ts';
import type { EngineClient } from '../hosts/engine-client.ts';
import PQueue from 'p-queue';

/** On each device one batch is decoded while another is predicted. */
const BATCHES_PER_DEVICE = 2;
/** Images that the processor takes at a time of a batch that was cut for a GPU. */
const PROCESSOR_BATCH = 16;
/** A GPU that had nothing to do for so many milliseconds gives its memory back. */
const IDLE = 60_000;
/** What another device may do better. */
const DEVICE_FAULTS: readonly ErrorCode[] = ['OUT_OF_MEMORY', 'DEVICE_LOST', 'ENGINE'];

export interface WorkerParts {
  processor: EngineClient;
  /** A client for a GPU. */
  makeClient: () => EngineClient;
  onNote: (note: string) => void;
}

/** A device with the model open. */
interface DeviceWorker {
  name: string;
  gpu: Device | undefined;
  client: EngineClient;
  busy: number; // batches
  limit: number; // images that it takes at a time
  cutFrom: number | undefined; // images that did not fit, until fewer did
}

/**
 * The devices that predict with a model, each in a host of its own. Whichever is least busy takes the next batch. A GPU
 * whose memory is too small gets smaller batches; one that fails makes way for those that are left, for another GPU, or for
 * the processor at last, and what it had not answered goes there. A note tells of either.
 */
export class DeviceWorkers {
  readonly #parts: WorkerParts;
  readonly #changing = new PQueue({ concurrency: 1 });
  #model: EngineModel | undefined;
  #workers: DeviceWorker[] = [];
  #spare: Device[] = []; // GPUs that can take the place of others
  #processor: Device | undefined;
  #idle: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(parts: WorkerParts) {
    this.#parts = parts;
  }

  /** See EngineApi. `devices`: those that there are; a model for the processor needs none. */
  async open(model: EngineModel, devices: readonly Device[]): Promise<OpenedModel> {
    const former = this.#workers.filter(({ gpu }) => gpu !== undefined);
    this.#model = model;
    this.#workers = [];
    if (isGpu(model.device)) await this.#openGpus(model, devices, former);
    else await this.#addProcessor(model);
    for (const { client } of former)
      if (!this.#workers.some((worker) => worker.client === client)) await client.close();
    return { batchesUnderWay: BATCHES_PER_DEVICE * this.#workers.length };
  }

  /** See EngineApi. */
  async predict(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]> {
    clearTimeout(this.#idle);
    const outcomes: ImageOutcome[] = [];
    while (outcomes.length < pictures.length) {
      const worker = await this.#leastBusy();
      const { some, images } = takeImages(pictures.slice(outcomes.length), worker.limit);
      const cropsAtOnce = Math.min(worker.limit, dial.cropsAtOnce ?? Infinity);
      const cut = Number.isFinite(cropsAtOnce) ? { ...dial, cropsAtOnce } : dial;
      worker.busy++;
      try {
        outcomes.push(...(await worker.client.predict(some, cut)));
        this.#tellOfCut(worker);
      } catch (error) {
        await this.#recover(worker, Math.min(images, cropsAtOnce), error);
      } finally {
        worker.busy--;
      }
    }
    this.#restWhenIdle();
    return outcomes;
  }

  /** Ends the hosts of all GPUs at once. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#idle);
    for (const { client } of this.#workers) await client.close();
  }

  async #openGpus(
    model: EngineModel,
    devices: readonly Device[],
    former: readonly DeviceWorker[],
  ): Promise<void> {
    const gpus = devices.filter(({ gpu, available }) => gpu !== undefined && available);
    const wanted = gpus.filter(({ name, gpu }) => name === model.device || gpu?.backend === model.device);
    this.#spare = gpus.filter((gpu) => !wanted.includes(gpu));
    this.#processor = devices.find(({ name }) => name === 'cpu');
    this.#model = { ...model, threads: Math.ceil(model.threads / Math.max(1, wanted.length)) };
    const added = wanted.map((gpu) =>
      this.#addGpu(gpu, former.find(({ name }) => name === gpu.name)?.client),
    );
    const failures = (await Promise.all(added)).filter((failure) => failure !== undefined);
    if (wanted.length === 0) failures.push(`${model.device} cannot be used`);
    await this.#goOn(failures);
  }

  /** Opens the model on a GPU; comes back with what was in its way. Throws what any device would throw. */
  async #addGpu(gpu: Device, client = this.#parts.makeClient()): Promise<string | undefined> {
    const model = this.#openModel(gpu);
    try {
      await client.open(model);
    } catch (error) {
      await client.close();
      return `${gpu.name} ${faultOf(error, 'has too little memory for the model')}`;
    }
    const { name } = gpu;
    this.#workers.push({ name, gpu, client, busy: 0, limit: Infinity, cutFrom: undefined });
    return undefined;
  }

  async #addProcessor(model: EngineModel, limit = Infinity): Promise<void> {
    const client = this.#parts.processor;
    await client.open(model);
    this.#workers.push({ name: model.device, gpu: undefined, client, busy: 0, limit, cutFrom: undefined });
  }

  /** The model as it is opened on a device in place of the one that was asked for. */
  #openModel(device: Device): EngineModel {
    if (this.#model === undefined) throw new AppError('ENGINE', 'No model is open');
    const precision = nearestPrecision(this.#model.precision, device) ?? this.#model.precision;
    return { ...this.#model, device: device.name, precision };
  }

  async #leastBusy(): Promise<DeviceWorker> {
    await this.#changing.add(() => Promise.resolve()); // no worker is there while one takes another's place
    const [worker] = [...this.#workers].sort((one, other) => one.busy - other.busy);
    if (worker === undefined) throw new AppError('ENGINE', 'No device has a model open');
    return worker;
  }

  /** Sees to it that images that a device could not predict can be asked for again; throws what no device can help. */
  async #recover(worker: DeviceWorker, images: number, error: unknown): Promise<void> {
    const hasLeft = !this.#workers.includes(worker);
    if (this.#closed || worker.gpu === undefined) throw error;
    if (!hasLeft && isOutOfMemory(error) && images > 1) {
      worker.cutFrom ??= images;
      worker.limit = Math.min(worker.limit, Math.ceil(images / 2));
    } else if (!hasLeft) {
      await this.#leave(worker, faultOf(error, 'has too little memory for a single image'));
    }
  }

  #leave(worker: DeviceWorker, fault: string): Promise<void> {
    return this.#changing.add(async () => {
      if (!this.#workers.includes(worker)) return; // another batch has met the same
      this.#workers = this.#workers.filter((one) => one !== worker);
      await worker.client.close();
      await this.#goOn([`${worker.name} ${fault}`]);
    });
  }

  /** Finds a device when none is left, and tells why the former ones are. */
  async #goOn(faults: readonly string[]): Promise<void> {
    const all = [...faults];
    while (this.#workers.length === 0) {
      const next = this.#spare.shift();
      const fault = next && (await this.#addGpu(next));
      if (fault !== undefined) all.push(fault);
      if (next === undefined) await this.#goOnWithProcessor();
    }
    const names = this.#workers.map(({ name }) => name).join(', ');
    for (const fault of all) this.#parts.onNote(`${fault}; the run goes on with ${names}.`);
  }

  async #goOnWithProcessor(): Promise<void> {
    if (this.#processor === undefined) throw new AppError('ENGINE', 'No device is left that can be used');
    await this.#addProcessor(this.#openModel(this.#processor), PROCESSOR_BATCH);
  }

  #tellOfCut(worker: DeviceWorker): void {
    if (worker.cutFrom === undefined) return;
    const { name, cutFrom, limit } = worker;
    worker.cutFrom = undefined;
    this.#parts.onNote(
      `${name} has too little memory for ${cutFrom} images at a time, so it goes on with ${limit}.`,
    );
  }

  #restWhenIdle(): void {
    clearTimeout(this.#idle);
    if (this.#closed || this.#workers.some(({ busy }) => busy > 0)) return;
    const rest = () => {
      for (const { gpu, client } of this.#workers) if (gpu !== undefined) client.rest();
    };
    this.#idle = setTimeout(rest, IDLE).unref();
  }
}

/** The first pictures of which the model sees so many images, or one picture that has more. */
function takeImages(
  pictures: readonly WantedPicture[],
  limit: number,
): { some: readonly WantedPicture[]; images: number } {
  let images = 0;
  const end = pictures.findIndex((picture, index) => {
    const seen = countSeen(picture);
    if (index > 0 && images + seen > limit) return true;
    images += seen;
    return false;
  });
  return { some: end < 0 ? pictures : pictures.slice(0, end), images };
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof AppError && error.code === 'OUT_OF_MEMORY';
}

/** What a device did, in a few words; throws what is no fault of a device. */
function faultOf(error: unknown, outOfMemory: string): string {
  if (!(error instanceof AppError) || !DEVICE_FAULTS.includes(error.code)) throw error;
  const did = isOutOfMemory(error) ? outOfMemory : error.code === 'DEVICE_LOST' ? 'was lost' : 'failed';
  return `${did} (${error.message.replace(/\.$/, '')})`;
}
