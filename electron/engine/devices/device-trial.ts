import { readdir } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { EngineDial, EngineModel, ImageOutcome } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { Device } from '../../shared/run.ts';
import { HostEnded, HostProcess } from '../hosts/host-process.ts';
import type { HostCalls } from '../hosts/host-calls.ts';
import { readClassifier } from '../pictures/read-preprocessing.ts';
import type { StartHost } from '../hosts/start-host.ts';

/** What a device is tried with: a small classifier that is right about some pictures. */
export interface TrialSubject {
  packagePath: string;
  pictures: string; // a folder with a folder per class
}

/** `lasting`: the device will fail again; otherwise it could not be tried as things are. */
export type TrialEnd = { passed: true } | { passed: false; reason: string; lasting: boolean };

const THREADS = 2;
const PICTURES = 8;
const LIMIT = 120_000; // milliseconds for a call, also where a driver compiles its kernels first
/** Confidences, from 0 to 1, may differ so much from the processor's: by far more than 16-bit numbers make of it. */
const TOLERANCE = 0.1;

/**
 * Tries a device in a process of its own, which may crash or hang: a model is loaded, predicts some pictures with all
 * patches and pruned, and gives what the processor gives.
 */
export async function tryDevice(
  device: Device,
  { packagePath, pictures }: TrialSubject,
  startHost: StartHost,
  hostEntry: string,
): Promise<TrialEnd> {
  const host = new HostProcess<HostCalls>(startHost, hostEntry, THREADS, 'its process');
  try {
    const { preprocessing, tokenKeep } = await readClassifier(packagePath);
    const model = {
      packagePath,
      threads: THREADS,
      input: { task: 'classification', ...preprocessing },
    } as const;
    const whole = { tokenKeep: tokenKeep.map(() => 1), blockThreshold: 0 };
    const dials = [whole, { tokenKeep, blockThreshold: 0.5 }];
    const paths = await somePictures(pictures);
    const predict = (on: Pick<EngineModel, 'device' | 'precision'>) =>
      predictWith(host.calls(LIMIT), { ...model, ...on }, paths, dials);
    const expected = await predict({ device: 'cpu', precision: 'fp32' });
    if (paths.length === 0 || expected.flat().some(({ status }) => status === 'failed')) {
      throw new AppError('ENGINE', 'the processor could not predict the pictures');
    }
    try {
      const found = await predict({ device: device.name, precision: device.precisions[0] ?? 'fp32' });
      const fault = compare(expected, found);
      return fault === undefined ? { passed: true } : { passed: false, reason: fault, lasting: true };
    } catch (error) {
      const isBusy = error instanceof AppError && error.code === 'OUT_OF_MEMORY';
      if (!(error instanceof AppError || error instanceof HostEnded)) throw error;
      return { passed: false, reason: error.message, lasting: !isBusy };
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { passed: false, reason: `there is nothing to compare with: ${reason}`, lasting: false };
  } finally {
    host.kill('the trial is over');
  }
}

/** The first picture of each folder. */
async function somePictures(folder: string): Promise<string[]> {
  const classes = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory());
  const firsts = classes.slice(0, PICTURES).map(async ({ name }) => {
    const files = (await readdir(join(folder, name))).filter((file) => extname(file) !== '').sort();
    return files[0] === undefined ? [] : [join(folder, name, files[0])];
  });
  return (await Promise.all(firsts)).flat();
}

/** The outcomes at each dial. */
async function predictWith(
  host: HostCalls,
  model: EngineModel,
  paths: readonly string[],
  dials: readonly EngineDial[],
): Promise<ImageOutcome[][]> {
  await host.open(model);
  const outcomes: ImageOutcome[][] = [];
  for (const dial of dials) outcomes.push(await host.predict(paths, dial));
  return outcomes;
}

/** What is wrong with `found`, in a few words. Where patches are pruned, only how many are left must be the same. */
function compare(
  [whole = [], pruned = []]: readonly ImageOutcome[][],
  [foundWhole = [], foundPruned = []]: readonly ImageOutcome[][],
): string | undefined {
  const differences = whole.map((outcome, index) => difference(outcome, foundWhole[index]));
  const largest = Math.max(...differences);
  if (!(largest <= TOLERANCE)) return `its confidences differ from the processor's by ${largest.toFixed(2)}`;
  const isSame = pruned.every((outcome, index) => survivors(outcome) === survivors(foundPruned[index]));
  return isSame ? undefined : 'it keeps another number of patches than the processor';
}

/** The largest difference of a class's confidence; 1 where there is no prediction. */
function difference(one: ImageOutcome, other: ImageOutcome | undefined): number {
  if (one.status === 'failed' || other?.status !== 'ok') return 1;
  const found = new Map(other.top.map(({ classIndex, confidence }) => [classIndex, confidence]));
  return Math.max(
    ...one.top.map(({ classIndex, confidence }) => Math.abs(confidence - (found.get(classIndex) ?? 0))),
  );
}

/** How many patches survived how many stages. */
function survivors(outcome: ImageOutcome | undefined): string {
  return outcome?.status === 'ok' ? [...outcome.receipt.survived].sort().join() : '';
}
