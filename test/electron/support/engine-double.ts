import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { prepareDecoder } from '../../../electron/engine/pictures/decode-image.ts';
import { readImageFile } from '../../../electron/engine/pictures/read-image-file.ts';
import { PictureRenderer } from '../../../electron/engine/pictures/render-picture.ts';
import { topAreas, topFound } from '../../../electron/engine/predict/top-classes.ts';
import { callsOver, makeCall } from '../../../electron/shared/calls.ts';
import { pathOfWanted } from '../../../electron/shared/engine-api.ts';
import type {
  AttentionQuestion,
  Detection,
  EngineApi,
  EngineDial,
  EngineModel,
  ImageOutcome,
  LayerAttention,
  OpenedModel,
  PictureCalls,
  PictureCrops,
  Region,
  RenderedPicture,
  RenderOptions,
  WantedPicture,
} from '../../../electron/shared/engine-api.ts';
import type { Task } from '../../../electron/shared/model-package.ts';
import type { Device, Precision } from '../../../electron/shared/run.ts';
import { makeFound } from './found.ts';
import { hostError, asHost } from './host-answer.ts';
import type { MadeDetection, MadeRegion } from './found.ts';

/** Of the model everyday10. */
const DEPTH = 8; // layers
const PATCHES = 64;

/**
 * An engine that computes nothing: it notes what it is asked, and its answers depend on file names alone.
 * A name with `bad` fails; `NNN.jpg` is of class NNN modulo 10. A rendered picture is the file as it is; what is cut
 * out of pictures and drawn over them is real. It fails as the engine does: engine-contract.test.ts asks both the same.
 */
export class EngineDouble implements EngineApi {
  readonly batches: string[][] = [];
  readonly models: EngineModel[] = [];
  readonly rendered: { path: string; options: RenderOptions }[] = [];
  readonly explained: AttentionQuestion[] = [];
  readonly pictures: PictureCalls = callsOver<PictureCalls, Pick<PictureCalls, 'render' | 'attention'>>(
    (call, args) => this.#picture(args[0], () => makeCall({ call, args }, [this.#renderer])),
    {
      render: (path, options) => this.#render(path, options),
      attention: (path, question) => this.#attention(path, question),
    },
  );
  closed = false;
  batchesUnderWay = 2;
  readonly #noteListeners: ((note: string) => void)[] = [];
  readonly #renderer = new PictureRenderer(prepareDecoder(), () => false);
  /** The device that `auto` stands for. */
  readonly cpu: Device = {
    name: 'cpu',
    description: 'a double',
    available: true,
    reason: undefined,
    precisions: ['fp32'],
  };
  /** Milliseconds per image. */
  time: (dial: EngineDial, precision: Precision) => number = () => 2;
  /** Called before a batch or a picture is answered; a test makes things happen here. */
  beforeAnswer: (paths: readonly string[]) => Promise<void> | void = () => undefined;

  get predicted(): string[] {
    return this.batches.flat().map((path) => basename(path));
  }

  /** Devices that come before the others. */
  gpus: Device[] = [];

  devices(): Promise<Device[]> {
    return Promise.resolve([
      ...this.gpus,
      {
        name: 'fast',
        description: 'none',
        available: false,
        reason: 'no driver was found',
        precisions: ['fp32'],
      },
      this.cpu,
      { name: 'reference', description: 'another', available: true, reason: undefined, precisions: ['fp32'] },
    ]);
  }

  open(model: EngineModel): Promise<OpenedModel> {
    this.models.push(model);
    return Promise.resolve({ batchesUnderWay: this.batchesUnderWay });
  }

  async predict(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]> {
    const paths = pictures.map(pathOfWanted);
    this.batches.push(paths);
    return asHost(async () => {
      await this.beforeAnswer(paths);
      this.#refuseClosed();
      const model = this.models.at(-1);
      if (model === undefined) throw hostError('ENGINE', 'No model is open');
      const milliseconds = this.time(dial, model.precision);
      return pictures.map((picture) => {
        const outcome = answer(pathOfWanted(picture), milliseconds, model.input.task, dial);
        return typeof picture === 'string' ? outcome : ofCrops(outcome, picture);
      });
    });
  }

  async #render(path: string, options: RenderOptions): Promise<RenderedPicture> {
    this.rendered.push({ path, options });
    return this.#picture(path, async () => {
      if (basename(path).includes('bad')) throw hostError('BAD_IMAGE', 'a bad file');
      const { bytes } = await readImageFile(path);
      return { bytes, type: options.maxSide === undefined ? 'image/jpeg' : 'image/webp' };
    });
  }

  /** Looks at the first patches, as many as the last stage leaves, each a little less. */
  #attention(path: string, question: AttentionQuestion): Promise<LayerAttention> {
    return this.#picture(path, async () => {
      this.explained.push(question);
      if (basename(path).includes('bad')) throw hostError('BAD_IMAGE', 'a bad file');
      await readImageFile(path);
      if (question.layer >= DEPTH) throw hostError('BAD_ARGUMENT', 'There is no such layer');
      const kept = Math.floor(PATCHES * (question.dial.tokenKeep.at(-1) ?? 1));
      const patches = Array.from({ length: PATCHES }, (_, patch) => (patch < kept ? 1 / (1 + patch) : 0));
      return { patches, kept, forward: true, backward: false };
    });
  }

  #picture<T>(path: string, make: () => T | Promise<T>): Promise<T> {
    return asHost(async () => {
      await this.beforeAnswer([path]);
      this.#refuseClosed();
      return make();
    });
  }

  onCrash(): void {
    // it never does
  }

  onNote(listener: (note: string) => void): void {
    this.#noteListeners.push(listener);
  }

  /** Tells a note, as if something had become of a device. */
  note(note: string): void {
    for (const listener of this.#noteListeners) listener(note);
  }

  close(): Promise<void> {
    this.closed = true;
    return Promise.resolve();
  }

  #refuseClosed(): void {
    if (this.closed) throw hostError('CANCELLED', 'The engine was closed');
  }
}

const SIZE = [48, 40] as const;

function answer(path: string, milliseconds: number, task: Task, dial: EngineDial): ImageOutcome {
  const unread = { version: version(path), width: undefined, height: undefined, capturedAt: undefined };
  if (unread.version === undefined) return { status: 'failed', facts: unread, problem: { code: 'gone' } };
  if (basename(path).includes('bad'))
    return { status: 'failed', facts: unread, problem: { code: 'damaged', details: 'a bad file' } };
  const facts = { ...unread, width: SIZE[0], height: SIZE[1] };
  const number = Number.parseInt(basename(path), 10) || 0;
  const receipt = {
    directions: Uint8Array.from([3, 1, 2, 0, 3, 3, 3, 3]),
    survived: Uint8Array.from({ length: 64 }, (_, patch) => patch % 4),
    milliseconds,
  };
  if (task === 'detection') {
    const detections = objects(number).filter(({ score }) => score >= (dial.detection?.minScore ?? 0));
    return { status: 'ok', facts, top: topFound(detections), detections, receipt };
  }
  if (task === 'segmentation') {
    const regions = halves(number);
    return { status: 'ok', facts, top: topAreas(regions, SIZE[0] * SIZE[1]), regions, receipt };
  }
  const top = [0.5, 0.2, 0.1, 0.05, 0.03].map((confidence, rank) => ({
    classIndex: (number + rank) % 10,
    confidence,
  }));
  return { status: 'ok', facts, top, receipt };
}

/** A crop is of the class that its left edge says, modulo 10, with a confidence of 0.8. */
function ofCrops(outcome: ImageOutcome, { crops }: PictureCrops): ImageOutcome {
  if (outcome.status === 'failed') return outcome;
  const { milliseconds } = outcome.receipt;
  return {
    ...outcome,
    top: [],
    crops: crops.map(({ x }) => [{ classIndex: Math.floor(x) % 10, confidence: 0.8 }]),
    receipt: {
      directions: new Uint8Array(0),
      survived: new Uint8Array(0),
      milliseconds: crops.length * milliseconds,
    },
  };
}

/** Scores 0.9, 0.6 and 0.3; classes from the number upwards. */
function objects(number: number): Detection[] {
  const made = Array.from({ length: number % 4 }, (_, rank): MadeDetection => {
    return [(number + rank) % 10, 0.9 - 0.3 * rank, 2 + 10 * rank, 4, 8, 16];
  });
  return makeFound({ detections: made }, SIZE).detections ?? [];
}

function halves(number: number): Region[] {
  const made: MadeRegion[] = [
    [number % 10, 0, 0, 28, 40],
    [(number + 1) % 10, 28, 0, 20, 40],
  ];
  return makeFound({ regions: made }, SIZE).regions ?? [];
}

function version(path: string): { fileSize: number; modifiedMs: number } | undefined {
  const stats = statSync(path, { throwIfNoEntry: false });
  return stats && { fileSize: stats.size, modifiedMs: Math.floor(stats.mtimeMs) };
}
