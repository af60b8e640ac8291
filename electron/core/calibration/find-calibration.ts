import type { Outlook } from '../../shared/app-api.ts';
import { ENGINE_VERSION } from '../../shared/calibration.ts';
import type { CalibrationKey } from '../../shared/calibration.ts';
import type { Device, RunSpec } from '../../shared/run.ts';
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
export function outlookOf(library: Library, spec: RunSpec, key: CalibrationKey): Outlook {
  const calibration = library.calibrations.get(key);
  const remedy = `\`winnow calibrate --model ${spec.modelName}\` measures it`;
  if (calibration === undefined)
    return { unknown: `${whyNone(library.calibrations.keys(), key)}; ${remedy}` };
  const expected = expectationOf(calibration, spec.preset);
  if (expected !== undefined) return { expected };
  return { unknown: 'these settings are none of those that the calibration measured' };
}

/** Says of the calibrations that do not hold here what they are for. */
function whyNone(keys: readonly CalibrationKey[], wanted: CalibrationKey): string {
  const [other] = keys.filter(({ modelSha256 }) => modelSha256 === wanted.modelSha256);
  if (other === undefined) {
    const others = keys.length > 0 ? ' (the calibrations of other models are not used)' : '';
    return `not calibrated on this machine${others}`;
  }
  const differences = [
    other.device === wanted.device ? undefined : `on the device ${other.device}`,
    other.device !== wanted.device || other.machine === wanted.machine
      ? undefined
      : `on another machine (${other.machine})`,
    other.engine === wanted.engine ? undefined : `with another engine: version ${other.engine}`,
    other.threads === wanted.threads ? undefined : `with ${other.threads} threads`,
  ].filter((difference) => difference !== undefined);
  return `its calibration is not used, for it was made ${differences.join(' and ')}`;
}
