import type { AppEvent } from '../../shared/app-api.ts';
import type { CalibrationKey, CalibrationPoint, CalibrationReport } from '../../shared/calibration.ts';
import type { EngineApi } from '../../shared/engine-api.ts';
import type { Manifest, ModelPackage } from '../../shared/model-package.ts';
import type { Device } from '../../shared/run.ts';
import { atInputSize, countFlops } from '../models/flops.ts';
import { usualBatch } from '../models/batch-size.ts';
import type { Clock } from '../../shared/clock.ts';
import type { Library } from '../store/library.ts';
import { choosePresets } from './choose-presets.ts';
import { calibrationGrid, sampleSize } from './grid.ts';
import { measureCurve, typicalTimes } from './measure-curve.ts';
import type { Reading } from './measure-curve.ts';
import { requireEnough, sampleFolder, sampleLibrary } from './sample.ts';
import type { Sample } from './sample.ts';

export interface CalibrateOptions {
  library: Library;
  engine: EngineApi;
  model: ModelPackage;
  device: Device;
  key: CalibrationKey;
  folder: string | undefined; // undefined: images of earlier runs
  clock: Clock;
  signal: AbortSignal;
  emit: (event: AppEvent) => void;
}

/** Images per batch, as in a run. */
const USUAL_BATCH = 16;

/** Measures a model's curve on this machine and keeps it. The caller holds the library's writer lock. */
export async function calibrate(options: CalibrateOptions): Promise<CalibrationReport> {
  const { library, model, key, clock } = options;
  const { manifest } = model;
  const grid = calibrationGrid(manifest, options.device.precisions);
  const sample = await takeSample(options, sampleSize(manifest, grid));
  const readings = await measureCurve({
    engine: options.engine,
    model: {
      packagePath: model.path,
      device: key.device,
      threads: key.threads,
    },
    manifest,
    grid,
    batch: usualBatch(options.device, model) ?? USUAL_BATCH,
    paths: sample.paths,
    signal: options.signal,
    clock,
    onProgress: (progress) => options.emit({ type: 'calibrating', progress }),
  });
  const { points, images, labelled } = compare(readings, sample.labels, manifest);
  requireEnough(images, `of ${sample.paths.length} sampled files ${images} could be read`);
  const failed = sample.paths.length - images;
  const calibration = {
    ...key,
    createdAt: new Date(clock()).toISOString(),
    folder: sample.folder,
    task: manifest.task,
    images,
    labelled,
    points,
    population: sample.found - failed,
  };
  library.transaction(() => {
    library.models.put({ sha256: key.modelSha256, name: model.name, path: model.path, manifest });
    library.calibrations.put(calibration);
  });
  return { calibration, modelName: model.name, failed, presets: choosePresets(calibration) };
}

function takeSample(options: CalibrateOptions, size: number): Promise<Sample> {
  const { folder, library, model, emit } = options;
  if (folder === undefined) return sampleLibrary(library, size);
  const onNotice = (message: string) => emit({ type: 'notice', message });
  return sampleFolder(folder, model.manifest, size, onNotice);
}

/** The points of the curve, over the images that every point could predict; the first reading is Accurate's. */
export function compare(
  readings: readonly Reading[],
  labels: Sample['labels'],
  manifest: Manifest,
): { points: CalibrationPoint[]; images: number; labelled: number } {
  const usable = labels.flatMap((_, index) =>
    readings.every(({ images }) => images[index] !== undefined) ? [index] : [],
  );
  const best = ({ images }: Reading, index: number) => images[index]?.best ?? -1;
  const isRight = (reading: Reading, index: number) => labels[index]?.includes(best(reading, index)) ?? false;
  const times = typicalTimes(readings);
  const points = readings.map((reading, index): CalibrationPoint => {
    const { point, images } = reading;
    const accurate = readings[0] ?? reading;
    const count = (holds: (image: number) => boolean) => usable.filter(holds).length;
    const kept = usable.reduce((sum, image) => sum + (images[image]?.blockKeep ?? 0), 0);
    const blockKeep = kept / Math.max(1, usable.length);
    return {
      ...point,
      imagesPerSecond: 1000 / (times[index] ?? 0),
      flops: countFlops(atInputSize(manifest, point.inputSize), point.tokenKeep, blockKeep).actual,
      blockKeep,
      agreeing: reading.agreement.agreeing(),
      right: count((image) => isRight(reading, image)),
      lost: count((image) => isRight(accurate, image) && !isRight(reading, image)),
      gained: count((image) => !isRight(accurate, image) && isRight(reading, image)),
    };
  });
  return {
    points,
    images: usable.length,
    labelled: usable.filter((index) => labels[index] !== undefined).length,
  };
}
