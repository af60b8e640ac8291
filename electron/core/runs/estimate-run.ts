import type { DialPoint, RunEstimate } from '../../shared/api/runs.ts';
import type { CalibratedPreset, Calibration } from '../../shared/calibration.ts';
import type { Manifest } from '../../shared/model-package.ts';
import type { Device, Preset, RunSpec } from '../../shared/run.ts';
import { choosePresets, expectationOf, settingOf } from '../calibration/choose-presets.ts';
import { calibrationKey, outlookOf } from '../calibration/find-calibration.ts';
import { sameSetting } from '../calibration/grid.ts';
import { wholeModel, workShare } from '../flops.ts';
import { standardPresets } from '../presets.ts';
import type { ResolvedSpec } from './run-spec.ts';
import type { Library } from '../store/library.ts';

const NAMES: readonly CalibratedPreset[] = ['fast', 'balanced', 'accurate'];

/** What a run would take, from the library and the calibration that holds here. */
export function estimateRun(
  library: Library,
  { spec, model, device }: ResolvedSpec,
  threads: number,
): RunEstimate {
  const key = calibrationKey(spec.modelSha256, device, threads);
  const calibration = library.calibrations.get(key);
  const points =
    calibration === undefined
      ? standardPoints(model.manifest, device)
      : measuredPoints(calibration, model.manifest);
  const outlook = outlookOf(library, spec, key);
  const images = countImages(library, spec.folders, undefined)?.images;
  const counted = (point: DialPoint) => withPending(library, spec, point, images);
  const countedPoints = points.map(counted);
  return {
    ...{ model, device: device.name, images },
    chosen:
      countedPoints.find(({ preset }) => sameSetting(preset, spec.preset)) ??
      counted(pointOf(spec.preset, model.manifest)),
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

function standardPoints(manifest: Manifest, device: Device): DialPoint[] {
  return standardPresets(manifest, device)
    .map((preset) => pointOf(preset, manifest))
    .sort((one, other) => NAMES.indexOf(one.names[0] ?? 'fast') - NAMES.indexOf(other.names[0] ?? 'fast'));
}

/** A setting that nothing was measured for; a preset of the model when it has the name of one. */
function pointOf(preset: Preset, manifest: Manifest): DialPoint {
  return {
    preset,
    names: NAMES.filter((name) => name === preset.name),
    workShare: workShare(manifest, preset.tokenKeep, preset.inputSize),
    expected: undefined,
    pending: undefined,
    seconds: undefined,
  };
}

/** The presets, and every measured point that no other beats: the fastest for at least its agreement. */
function measuredPoints(calibration: Calibration, manifest: Manifest): DialPoint[] {
  const presets = choosePresets(calibration);
  const namesOf = (point: Calibration['points'][number]) => NAMES.filter((name) => presets[name] === point);
  const efficient = (point: Calibration['points'][number]) =>
    !calibration.points.some(
      (other) =>
        other.agreeing >= point.agreeing &&
        other.imagesPerSecond >= point.imagesPerSecond &&
        (other.agreeing > point.agreeing || other.imagesPerSecond > point.imagesPerSecond),
    );
  return calibration.points
    .filter((point) => efficient(point) || namesOf(point).length > 0)
    .sort((one, other) => other.imagesPerSecond - one.imagesPerSecond)
    .map((point) => {
      const names = namesOf(point);
      return {
        preset: { name: names[0] ?? 'custom', ...settingOf(point) },
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
  spec: RunSpec,
  point: DialPoint,
  images: number | undefined,
): DialPoint {
  if (images === undefined) return point;
  const run = library.runs.find({ ...spec, preset: point.preset });
  const done = run === undefined ? 0 : (countImages(library, spec.folders, run.id)?.done ?? 0);
  const pending = images - done;
  return { ...point, pending, seconds: point.expected && pending / point.expected.imagesPerSecond };
}
