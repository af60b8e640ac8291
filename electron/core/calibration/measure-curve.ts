import type { CalibrationProgress } from '../../shared/calibration.ts';
import type { EngineApi, EngineDial, EngineModel, ImageOutcome } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { Manifest } from '../../shared/model-package.ts';
import type { Receipt } from '../../shared/run.ts';
import { modelInput, taskSettings } from '../models/model-input.ts';
import { directionsRun } from '../models/receipt-counts.ts';
import type { Clock } from '../../shared/clock.ts';
import { makeAgreement } from './agreement.ts';
import type { Agreement } from './agreement.ts';
import type { GridPoint } from './grid.ts';

/** Batches that are measured with one precision before the next one's turn: changing it loads the model again. */
const BATCHES_PER_TURN = 4;

export interface MeasureOptions {
  engine: EngineApi;
  model: Omit<EngineModel, 'precision' | 'input'>;
  manifest: Manifest;
  grid: readonly GridPoint[];
  paths: readonly string[];
  batch: number; // images that are predicted together
  signal: AbortSignal;
  clock: Clock;
  onProgress: (progress: CalibrationProgress) => void;
}

/** What one point gave: for every image, in the order of the paths, and milliseconds per image of every whole batch. */
export interface Reading {
  point: GridPoint;
  images: ({ best: number; blockKeep: number } | undefined)[]; // undefined: could not be read
  agreement: Agreement; // with the first point, over the images that every point could read
  milliseconds: number[];
}

/**
 * Predicts the images at every point of the grid. The points take turns batch by batch, once in the order of the grid
 * and once in its reverse, and the precisions every few batches in the same way, so that a machine that becomes slower
 * or faster meanwhile does so for all. One batch is under way at a time: nothing is decoded while the engine is timed.
 * Throws CANCELLED when `signal` is aborted.
 */
export async function measureCurve(options: MeasureOptions): Promise<Reading[]> {
  const { grid, paths, manifest, batch } = options;
  const readings = grid.map((point): Reading => ({
    point,
    images: [],
    agreement: makeAgreement(manifest.task),
    milliseconds: [],
  }));
  const loads = [...new Map(grid.map((point) => [loadKey(point), point])).values()];
  const meter = new Meter(options);
  const batches = split(paths, batch);
  for (const [turn, some] of split(batches, BATCHES_PER_TURN).entries()) {
    const outcomes = new Map<Reading, ImageOutcome[]>(readings.map((reading) => [reading, []]));
    for (const load of inTurn(loads, turn)) {
      const own = readings.filter(({ point }) => loadKey(point) === loadKey(load));
      await meter.open(load, some[0] ?? []);
      for (const [index, images] of some.entries()) {
        for (const reading of inTurn(own, index)) {
          const predicted = await meter.predict(images, reading.point);
          note(reading, predicted, images.length === batches[0]?.length);
          outcomes.get(reading)?.push(...predicted);
        }
      }
    }
    compareAll(readings, outcomes);
  }
  return readings;
}

/** Points with equal keys are predicted by a model that is loaded once. */
function loadKey({ precision, inputSize }: GridPoint): string {
  return `${precision} ${inputSize ?? ''}`;
}

/** Adds to every reading's agreement the images of a turn that all of them could read. */
function compareAll(readings: readonly Reading[], outcomes: ReadonlyMap<Reading, ImageOutcome[]>): void {
  const lists = readings.map((reading) => outcomes.get(reading) ?? []);
  for (const index of (lists[0] ?? []).keys()) {
    const read = lists.flatMap((list) => {
      const outcome = list[index];
      return outcome?.status === 'ok' ? [outcome] : [];
    });
    const [accurate] = read;
    if (accurate === undefined || read.length < readings.length) continue;
    for (const [point, reading] of readings.entries()) {
      const outcome = read[point];
      if (outcome !== undefined) reading.agreement.add(accurate, outcome);
    }
  }
}

/**
 * Milliseconds per image at every point. A batch takes all points within seconds, so a point's time is taken relative to
 * the mean of all points at the same batch: with t of point p at batch b, and m(b) its mean over the points,
 *
 *     time(p) = middle over b of t(p, b) / m(b)  *  middle over b of m(b)
 *
 * where the middle is the mean of the half of the values that is neither small nor large. Whatever else the machine does
 * for a while then hits all points alike, and single disturbances none.
 */
export function typicalTimes(readings: readonly Reading[]): number[] {
  const batches = Math.min(...readings.map(({ milliseconds }) => milliseconds.length));
  const pace = Array.from({ length: batches }, (_, batch) => {
    const sum = readings.reduce((total, { milliseconds }) => total + (milliseconds[batch] ?? 0), 0);
    return sum / readings.length;
  });
  const usual = middleMean(pace);
  return readings.map(
    ({ milliseconds }) =>
      usual *
      middleMean(pace.map((mean, batch) => (milliseconds[batch] ?? 0) / Math.max(mean, Number.EPSILON))),
  );
}

/** The mean of the middle half of some numbers; 0 when there are none. */
function middleMean(values: readonly number[]): number {
  const quarter = Math.floor(values.length / 4);
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.slice(quarter, sorted.length - quarter);
  return middle.reduce((sum, value) => sum + value, 0) / Math.max(1, middle.length);
}

/** The engine with one precision open at a time; counts what is done. */
class Meter {
  readonly #options: MeasureOptions;
  readonly #started: number;
  readonly #total: number;
  #done = 0;
  #open: string | undefined; // key of what is loaded

  constructor(options: MeasureOptions) {
    this.#options = options;
    this.#started = options.clock();
    this.#total = options.grid.length * options.paths.length;
  }

  /** Opens the model as a point needs it, unless it is, and warms it with a batch that is not measured. */
  async open(point: GridPoint, batch: readonly string[]): Promise<void> {
    if (this.#open === loadKey(point)) return;
    this.#stopIfCancelled();
    const { engine, model, manifest } = this.#options;
    const { precision } = point;
    await engine.open({ ...model, precision, input: modelInput(manifest, point.inputSize) });
    this.#open = loadKey(point);
    await engine.predict(batch, this.#dial(point));
  }

  async predict(batch: readonly string[], point: GridPoint): Promise<ImageOutcome[]> {
    this.#stopIfCancelled();
    const { engine, clock, onProgress } = this.#options;
    const outcomes = await engine.predict(batch, this.#dial(point));
    this.#done += batch.length;
    const secondsLeft = ((clock() - this.#started) / 1000 / this.#done) * (this.#total - this.#done);
    onProgress({ done: this.#done, total: this.#total, secondsLeft });
    return outcomes;
  }

  #dial({ tokenKeep, blockThreshold }: GridPoint): EngineDial {
    return { tokenKeep, blockThreshold, ...taskSettings(this.#options.manifest) };
  }

  #stopIfCancelled(): void {
    if (!this.#options.signal.aborted) return;
    throw new AppError('CANCELLED', 'The calibration was cancelled; what was calibrated before is kept');
  }
}

function note(reading: Reading, outcomes: readonly ImageOutcome[], whole: boolean): void {
  for (const outcome of outcomes) {
    reading.images.push(
      outcome.status === 'failed'
        ? undefined
        : { best: outcome.top[0]?.classIndex ?? NOTHING_FOUND, blockKeep: blocksKept(outcome.receipt) },
    );
  }
  const times = outcomes.flatMap((outcome) =>
    outcome.status === 'ok' ? [outcome.receipt.milliseconds] : [],
  );
  if (whole && times.length > 0)
    reading.milliseconds.push(times.reduce((sum, time) => sum + time, 0) / times.length);
}

/** In place of a class, for an image in which a detection model found nothing. */
const NOTHING_FOUND = -1;

/** Share of the scan directions that ran. */
function blocksKept(receipt: Receipt): number {
  return directionsRun(receipt) / Math.max(1, 2 * receipt.directions.length);
}

/** Forwards at even turns, backwards at odd ones. */
function inTurn<T>(values: readonly T[], turn: number): readonly T[] {
  return turn % 2 === 0 ? values : values.toReversed();
}

function split<T>(values: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(values.length / size) }, (_, index) =>
    values.slice(index * size, (index + 1) * size),
  );
}
