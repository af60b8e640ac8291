import { isDeepStrictEqual } from 'node:util';
import type { Outlook } from '../../shared/api/runs.ts';
import { ENGINE_VERSION } from '../../shared/calibration.ts';
import type { CalibrationKey } from '../../shared/calibration.ts';
import type { Device, PredictedSpec } from '../../shared/run.ts';
import { isToolManifest } from '../../shared/model-package.ts';
import { taskSettings } from '../models/model-input.ts';
import type { Library } from '../store/library.ts';
import { expectationOf } from './choose-presets.ts';

/** What a calibration must have been made for to hold here and now. */
export function calibrationKey(modelSha256: string, device: Device, threads: number): CalibrationKey {
  return {
    modelSha256,
    device: device.name,
    machine: device.description,
    engine: `${ENGINE_VERSION} (${device.precisions.join(', ')})`,
    threads,
  };
}

/** What the library's calibrations say of a run. */
export function outlookOf(library: Library, spec: PredictedSpec, key: CalibrationKey): Outlook {
  const calibration = library.calibrations.get(key);
  if (calibration === undefined)
    return { unknown: whyNone(library.calibrations.keys(), key, spec.modelName) };
  const expected = expectationOf(calibration, spec.preset);
  if (expected !== undefined && asMeasured(library, spec)) return { expected };
  return { unknown: 'these settings are none of those that the calibration measured' };
}

/** Whether the run's own settings are those that every calibration has: the model's. */
function asMeasured(library: Library, { modelSha256, slideStride, detection }: PredictedSpec): boolean {
  const { manifest } = library.models.get(modelSha256);
  if (isToolManifest(manifest)) return false;
  const measured = taskSettings(manifest);
  return isDeepStrictEqual(
    [slideStride ?? measured.slideStride, detection ?? measured.detection],
    [measured.slideStride, measured.detection],
  );
}

/** Says what the calibrations that do not hold here are for, and how to make one that does. */
function whyNone(keys: readonly CalibrationKey[], wanted: CalibrationKey, modelName: string): string {
  const command = `winnow calibrate --model ${modelName}`;
  const [other] = keys.filter(({ modelSha256 }) => modelSha256 === wanted.modelSha256);
  if (other === undefined) {
    const others = keys.length > 0 ? ' (the calibrations of other models are not used)' : '';
    return `not calibrated on this machine${others}; \`${command}\` measures it`;
  }
  const differences: string[] = [];
  const options: string[] = [];
  if (other.device !== wanted.device) {
    differences.push(`on the device ${other.device}`);
    options.push(` --device ${wanted.device}`);
  } else if (other.machine !== wanted.machine) differences.push(`on another machine (${other.machine})`);
  if (other.engine !== wanted.engine) differences.push(`with another engine (version ${other.engine})`);
  if (other.threads !== wanted.threads) {
    differences.push(`with ${other.threads} thread${other.threads === 1 ? '' : 's'}`);
    options.push(` --threads ${wanted.threads}`);
  }
  const made = differences.join(' and ');
  return `its calibration is not used, for it was made ${made}; \`${command}${options.join('')}\` makes one that fits`;
}
