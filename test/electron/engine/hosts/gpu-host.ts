import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import type {
  NativeAddon,
  NativeBatch,
  NativeDevice,
  NativeModel,
} from '../../../../electron/engine/addon.ts';
import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import { serve } from '../../../../electron/engine/hosts/serve.ts';
import { note } from '../../support/fake-gpus.ts';
import type { FakeGpu, FakeMachine } from '../../support/fake-gpus.ts';
import { parts } from '../../support/models.ts';

// The real engine host with GPUs that are none: the processor computes for them, and they fail as machine.json says.
const folder = process.env['WINNOW_FAKE_MACHINE'] ?? '';
const addon = loadAddon();
const readMachine = () => JSON.parse(readFileSync(join(folder, 'machine.json'), 'utf8')) as FakeMachine;

serve({ ...addon, devices, loadModel }, prepareDecoder());

function devices(withGpus?: boolean): NativeDevice[] {
  const { gpus, searchCrashes } = readMachine();
  if (withGpus !== true) return addon.devices();
  if (searchCrashes === true) process.exit(139);
  return [...gpus.map(describe), ...addon.devices()];
}

function describe({ name, driver = 'driver 1', freeBytes = 8e9, reason }: FakeGpu): NativeDevice {
  return {
    name,
    description: `Fake ${name}`,
    available: reason === undefined,
    reason,
    precisions: ['bf16'],
    gpu: {
      id: `id-${name}`,
      backend: 'cuda',
      driver,
      products: 'none',
      memoryBytes: 1e10,
      freeBytes,
    },
  };
}

async function loadModel(...[path, options]: Parameters<NativeAddon['loadModel']>): Promise<NativeModel> {
  const gpu = readMachine().gpus.find(({ name }) => name === options.device);
  const isTrial = path === parts;
  if (gpu === undefined) {
    const model = await addon.loadModel(path, options);
    return isTrial ? model : counting(model, options.device);
  }
  note(folder, isTrial ? `trial ${gpu.name}` : `open ${gpu.name}`);
  const { fits = gpu.fits, ...faults } = isTrial ? {} : (gpu.later ?? {});
  if (fits === 0) throw failure('OUT_OF_MEMORY', 'Expected memory for the weights, but 1 MB are free.');
  const model = await addon.loadModel(path, { ...options, device: 'cpu', precision: 'fp32' });
  let predictions = 0;
  const predict: NativeModel['predict'] = async (pixels, count, dial) => {
    if (fits !== undefined && count > fits)
      throw failure('OUT_OF_MEMORY', `Expected memory for ${count} images.`);
    predictions++;
    if (faults.slow !== undefined) await wait(faults.slow);
    if (predictions >= (faults.lostAt ?? Infinity))
      throw failure('DEVICE_LOST', 'The GPU has fallen off the bus.');
    if (predictions >= (faults.crashesAt ?? Infinity)) process.exit(139);
    return isTrial
      ? misbehave(gpu, await model.predict(pixels, count, dial))
      : model.predict(pixels, count, dial);
  };
  return isTrial ? own(model, predict) : counting(own(model, predict), gpu.name);
}

async function misbehave({ trial }: FakeGpu, batch: NativeBatch): Promise<NativeBatch> {
  if (trial === 'crashes') process.exit(139);
  if (trial === 'hangs') await new Promise(() => undefined);
  if (trial === 'wrong') batch.logits.reverse();
  if (trial === 'prunes otherwise') batch.survived.fill(1);
  return batch;
}

/** Notes how many images were predicted. */
function counting(model: NativeModel, device: string): NativeModel {
  return own(model, async (pixels, count, dial) => {
    const batch = await model.predict(pixels, count, dial);
    note(folder, `run ${device} ${count}`);
    return batch;
  });
}

/** A native model with another predict; its methods want itself. */
function own(model: NativeModel, predict: NativeModel['predict']): NativeModel {
  return {
    predict,
    attend: (...picture) => model.attend(...picture),
    segment: (...picture) => model.segment(...picture),
    detect: (...picture) => model.detect(...picture),
    cancel: () => model.cancel(),
  };
}

function failure(code: string, message: string): Error {
  return Object.assign(new Error(message), { code });
}
