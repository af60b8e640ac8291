import type { CalibrationProgress } from '../../shared/calibration.ts';
import type { EngineApi, EngineModel, ImageOutcome } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { Precision } from '../../shared/run.ts';
import { directionsRun } from '../receipt-counts.ts';
import type { Clock } from '../run-rate.ts';
import type { GridPoint } from './grid.ts';

/** Images per batch; the same as a run's. */
export const CALIBRATION_BATCH = 16;
/** Batches that are measured with one precision before the next one's turn: changing it loads the model again. */
const BATCHES_PER_TURN = 4;

export interface MeasureOptions {
  engine: EngineApi;
  model: Omit<EngineModel, 'precision'>;
  grid: readonly GridPoint[];
  paths: readonly string[];
  signal: AbortSignal;
  clock: Clock;
  onProgress: (progress: CalibrationProgress) => void;
}

/** What one point gave: for every image, in the order of the paths, and milliseconds per image of every whole batch. */
export interface Reading {
  point: GridPoint;
  images: ({ best: number; directions: number } | undefined)[]; // undefined: could not be read
  milliseconds: number[];
}

/**
 * Predicts the images at every point of the grid. The points take turns batch by batch, once in the order of the grid
 * and once in its reverse, and the precisions every few batches in the same way, so that a machine that becomes slower
 * or faster meanwhile does so for all. One batch is under way at a time: nothing is decoded while the engine is timed.
 * Throws CANCELLED when `signal` is aborted.
 */
export async function measureCurve(options: MeasureOptions): Promise<Reading[]> {
  const { grid, paths } = options;
  const readings: Reading[] = grid.map((point) => ({ point, images: [], milliseconds: [] }));
  const precisions = [...new Set(grid.map(({ precision }) => precision))];
  const meter = new Meter(options);
  const batches = split(paths, CALIBRATION_BATCH);
  for (const [turn, some] of split(batches, BATCHES_PER_TURN).entries()) {
    for (const precision of inTurn(precisions, turn)) {
      const own = readings.filter(({ point }) => point.precision === precision);
      await meter.open(precision, some[0] ?? []);
      for (const [index, batch] of some.entries()) {
        for (const reading of inTurn(own, index)) {
          const outcomes = await meter.predict(batch, reading.point);
          note(reading, outcomes, batch.length === batches[0]?.length);
        }
      }
    }
  }
  return readings;
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
  #open: Precision | undefined;

  constructor(options: MeasureOptions) {
    this.#options = options;
    this.#started = options.clock();
    this.#total = options.grid.length * options.paths.length;
  }

  /** Opens the model in a precision, unless it is, and warms it with a batch that is not measured. */
  async open(precision: Precision, batch: readonly string[]): Promise<void> {
    if (this.#open === precision) return;
    this.#stopIfCancelled();
    const { engine, model, grid } = this.#options;
    await engine.open({ ...model, precision });
    this.#open = precision;
    const [first] = grid;
    if (first !== undefined) await engine.predict(batch, first);
  }

  async predict(batch: readonly string[], point: GridPoint): Promise<ImageOutcome[]> {
    this.#stopIfCancelled();
    const { engine, clock, onProgress } = this.#options;
    const { tokenKeep, blockThreshold } = point;
    const outcomes = await engine.predict(batch, { tokenKeep, blockThreshold });
    this.#done += batch.length;
    const secondsLeft = ((clock() - this.#started) / 1000 / this.#done) * (this.#total - this.#done);
    onProgress({ done: this.#done, total: this.#total, secondsLeft });
    return outcomes;
  }

  #stopIfCancelled(): void {
    if (!this.#options.signal.aborted) return;
    throw new AppError('CANCELLED', 'The calibration was cancelled; what was calibrated before is kept');
  }
}

function note(reading: Reading, outcomes: readonly ImageOutcome[], whole: boolean): void {
  for (const outcome of outcomes) {
    const best = outcome.status === 'ok' ? outcome.top[0] : undefined;
    reading.images.push(
      outcome.status === 'failed' || best === undefined
        ? undefined
        : { best: best.classIndex, directions: directionsRun(outcome.receipt) },
    );
  }
  const first = outcomes.find((outcome) => outcome.status === 'ok');
  if (whole && first !== undefined) reading.milliseconds.push(first.receipt.milliseconds);
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
