import { z } from 'zod';
import { ENGINE_VERSION } from '../../shared/calibration.ts';
import type { KeptText } from '../../shared/kept-text.ts';
import type { Device, GpuFacts } from '../../shared/run.ts';
import type { TrialEnd } from './device-trial.ts';

/** Which GPUs have passed their trial, by GPU, driver and engine; of those that have not, why. */
const recordSchema = z.record(z.string(), z.string());
type TrialRecord = z.infer<typeof recordSchema>;

/** The trials of GPUs, each made once: what came out is kept for the next process. */
export class DeviceTrials {
  readonly #kept: KeptText;
  readonly #tryDevice: (device: Device) => Promise<TrialEnd>;

  constructor(kept: KeptText, tryDevice: (device: Device) => Promise<TrialEnd>) {
    this.#kept = kept;
    this.#tryDevice = tryDevice;
  }

  /** The device, with the reason if it is a GPU that does not pass. `again`: whatever came out before. */
  async check(device: Device, again: boolean): Promise<Device> {
    if (device.gpu === undefined || !device.available) return device;
    const key = keyOf(device.gpu);
    const known = again ? undefined : this.#read()[key];
    const reason = known ?? (await this.#try(device, key));
    if (reason === '') return device;
    return { ...device, available: false, reason: `It did not pass its trial: ${reason}.` };
  }

  async #try(device: Device, key: string): Promise<string> {
    const end = await this.#tryDevice(device);
    const reason = end.passed ? '' : end.reason.replace(/\.$/, '');
    if (end.passed || end.lasting) await this.#write({ ...this.#read(), [key]: reason });
    return reason;
  }

  #read(): TrialRecord {
    try {
      return recordSchema.parse(JSON.parse(this.#kept.read() ?? ''));
    } catch {
      return {}; // none yet, or not to be understood: then all are tried again
    }
  }

  async #write(record: TrialRecord): Promise<void> {
    try {
      await this.#kept.write(`${JSON.stringify(record, undefined, 2)}\n`);
    } catch {
      // Without a place to keep it, a device is tried again by the next process.
    }
  }
}

function keyOf({ id, driver }: GpuFacts): string {
  return `${id}, ${driver}, engine ${ENGINE_VERSION}`;
}
