import type { DialPoint, RunEstimate } from '../../shared/api/runs.ts';
import { presetOf } from '../../shared/calibration.ts';
import type { CalibratedPreset, Calibration } from '../../shared/calibration.ts';
import type { Manifest } from '../../shared/model-package.ts';
import type { Device, PredictedSpec, Preset } from '../../shared/run.ts';
import { choosePresets, expectationOf, settingOf } from '../calibration/choose-presets.ts';
import { calibrationKey, outlookOf } from '../calibration/find-calibration.ts';
import { sameSetting } from '../calibration/grid.ts';
import { wholeModel, workShare } from '../models/flops.ts';
import { customPreset, standardPresets } from '../models/presets.ts';
import { labellingSpec } from './find-spec.ts';
import type { ResolvedSpec } from './run-spec.ts';
import type { Library } from '../store/library.ts';

const NAMES: readonly CalibratedPreset[] = ['fast', 'balanced', 'accurate'];

/**
 * What a run would take, from the library and the calibration that holds here. `inputSize`: where a person has set one, at
 * which all points are then.
 */
export function estimateRun(
  library: Library,
  { spec, model, device }: ResolvedSpec,
  threads: number,
  inputSize?: number,
): RunEstimate {
  const own = labellingSpec(spec);
  const key = calibrationKey(own.modelSha256, device, threads);
  const calibration = library.calibrations.get(key);
  const points =
    calibration === undefined || inputSize !== undefined
      ? standardPoints(model.manifest, device, inputSize, calibration)
      : measuredPoints(calibration, model.manifest);
  const outlook = outlookOf(library, own, key);
  const images = countImages(library, spec.folders, undefined)?.images;
  const counted = (point: DialPoint) => withPending(library, spec, point, images);
  const countedPoints = points.map(counted);
  return {
    model,
    device: device.name,
    images,
    chosen:
      countedPoints.find(({ preset }) => sameSetting(preset, spec.preset)) ??
      counted(pointOf(spec.preset, namesOf(spec.preset), model.manifest, calibration)),
    points: countedPoints,
    uncalibrated: calibration === undefined && 'unknown' in outlook ? outlook.unknown : undefined,
  };
}

/** Images in the folders, and those that the run has a current result for; undefined when a folder was never scanned. */
function countImages(library: Library, folders: readonly string[], runId: number | undefined) {
  const sum = { images: 0, done: 0 };
  for (const folder of folders) {
    const counts = library.images.countCurrent(folder, runId);
    if (counts === undefined) return undefined;
    sum.images += counts.images;
    sum.done += counts.done;
  }
  return sum;
}

const namesOf = ({ name }: Preset) => NAMES.filter((known) => known === name);

/** The presets of a model, from Fast to Accurate; those that predict the same are one point. */
function standardPoints(
  manifest: Manifest,
  device: Device,
  inputSize: number | undefined,
  calibration: Calibration | undefined,
): DialPoint[] {
  const points: DialPoint[] = [];
  for (const standard of standardPresets(manifest, device)) {
    const preset = inputSize === undefined ? standard : customPreset({ inputSize }, standard, manifest);
    const names = namesOf(standard);
    const same = points.find((point) => sameSetting(point.preset, preset));
    if (same === undefined) points.unshift(pointOf(preset, names, manifest, calibration));
    else same.names.unshift(...names);
  }
  return points;
}

/** A setting that is none of the calibration's chosen points. */
function pointOf(
  preset: Preset,
  names: CalibratedPreset[],
  manifest: Manifest,
  calibration: Calibration | undefined,
): DialPoint {
  return {
    preset,
    names,
    workShare: workShare(manifest, preset.tokenKeep, preset.inputSize),
    expected: calibration && expectationOf(calibration, preset),
    pending: undefined,
    seconds: undefined,
  };
}

/** The presets, and every measured point that no other beats: the fastest for at least its agreement. */
function measuredPoints(calibration: Calibration, manifest: Manifest): DialPoint[] {
  const presets = choosePresets(calibration);
  const chosenAs = (point: Calibration['points'][number]) => NAMES.filter((name) => presets[name] === point);
  const efficient = (point: Calibration['points'][number]) =>
    !calibration.points.some(
      (other) =>
        other.agreeing >= point.agreeing &&
        other.imagesPerSecond >= point.imagesPerSecond &&
        (other.agreeing > point.agreeing || other.imagesPerSecond > point.imagesPerSecond),
    );
  return calibration.points
    .filter((point) => efficient(point) || chosenAs(point).length > 0)
    .sort((one, other) => other.imagesPerSecond - one.imagesPerSecond)
    .map((point) => {
      const names = chosenAs(point);
      return {
        preset: { name: presetOf(names) ?? 'custom', ...settingOf(point) },
        names,
        workShare: point.flops / wholeModel(manifest),
        expected: expectationOf(calibration, point),
        pending: undefined,
        seconds: undefined,
      };
    });
}

/** The point with what its run has yet to label; every point is a run of its own. */
function withPending(
  library: Library,
  spec: PredictedSpec,
  point: DialPoint,
  images: number | undefined,
): DialPoint {
  if (images === undefined) return point;
  const run = library.runs.find({ ...spec, preset: point.preset });
  const done = run === undefined ? 0 : (countImages(library, spec.folders, run.id)?.done ?? 0);
  const pending = images - done;
  return { ...point, pending, seconds: point.expected && pending / point.expected.imagesPerSecond };
}
