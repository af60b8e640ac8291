import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Precision } from '../../electron/shared/run.ts';
import { installOwnPackages } from '../own-packages.ts';
import { root } from '../setup.mjs';
import { openModel, preprocessing, trainedDial } from './engine.ts';
import { PICTURE_BYTES, SIDE } from './pictures.ts';
import { cut, imagesPerSecond } from './speed.ts';
import { median, printTable } from './tables.ts';

const THREADS = 2;
const BATCHES = [1, 8];
const peers = path.join(root, '../shared/peers');
const AT_REST = 300; // milliseconds after which the threads of the one before have stopped waiting for more

export interface PeerSettings {
  model: string; // the package of DyVM-S
  pixels: Uint8Array; // cropped pictures
  precisions: readonly Precision[];
  rounds: number;
  seconds: number; // for each in a round
}

/** One of those that are timed in turn. */
interface Contender {
  name: string;
  batch: number;
  /** Images per second over so many seconds. */
  measure: (seconds: number) => Promise<number>;
  speeds: number[]; // images/s of each round
}

/** DyVM-S beside DeiT-S, the same accuracy class, in ONNX Runtime: by turns in this process, on the same pictures. */
export async function benchPeer(settings: PeerSettings): Promise<void> {
  const runtime = fs.existsSync(peers) ? loadRuntime() : 'there is no folder ../shared/peers';
  if (typeof runtime === 'string') {
    console.log(`\nThe peer, DeiT-S in ONNX Runtime, is left out: ${runtime}.`);
    return;
  }
  const [mine, others]: [Contender[], Contender[]] = [[], []];
  for (const precision of settings.precisions) mine.push(...(await ours(settings, precision)));
  for (const precision of ['fp32', 'int8']) others.push(...(await theirs(runtime, settings, precision)));
  const turns = BATCHES.flatMap((batch) => alternate(ofBatch(mine, batch), ofBatch(others, batch)));
  for (const { measure } of turns) await measure(0);
  for (let round = 0; round < settings.rounds; round++) {
    for (const contender of turns) {
      await sleep(AT_REST);
      contender.speeds.push(await contender.measure(settings.seconds));
    }
  }
  printRatios(mine, others);
}

/** What is used of ONNX Runtime, which is no dependency: it would be larger than all of them. */
interface Runtime {
  InferenceSession: {
    create(path: string, options: SessionOptions): Promise<Session>;
  };
  Tensor: new (type: 'float32', values: Float32Array, shape: readonly number[]) => Tensor;
}
interface SessionOptions {
  intraOpNumThreads: number;
  interOpNumThreads: number;
  logSeverityLevel: 3; // errors
}
interface Session {
  run(inputs: Record<string, Tensor>): Promise<unknown>;
}
interface Tensor {
  dims: readonly number[];
}

/** The package, installed where it is not; or why it cannot be used. */
function loadRuntime(): Runtime | string {
  const folder = path.join(root, 'build/bench/peer');
  // It comes with all that it needs on a processor; its install script would fetch CUDA's part.
  const complaint = installOwnPackages(folder, '\nInstalling ONNX Runtime for the comparison (290 MB)', {
    ONNXRUNTIME_NODE_INSTALL: 'skip',
  });
  if (complaint !== undefined)
    return `onnxruntime-node cannot be installed (${complaint.split('\n', 1).join()})`;
  try {
    return createRequire(path.join(folder, 'package.json'))('onnxruntime-node') as Runtime;
  } catch (error) {
    const [reason = ''] = String(error).split('\n');
    return `onnxruntime-node does not load (${reason})`;
  }
}

async function ours({ model, pixels }: PeerSettings, precision: Precision): Promise<Contender[]> {
  const native = await openModel(model, THREADS, precision);
  return BATCHES.map((batch) => {
    const batches = cut(pixels, batch * PICTURE_BYTES);
    const measure = (seconds: number) =>
      imagesPerSecond(batches, batch, seconds, (input) => native.predict(input, batch, trainedDial));
    return { name: `DyVM-S ${precision}`, batch, measure, speeds: [] };
  });
}

async function theirs(
  { InferenceSession, Tensor }: Runtime,
  { pixels }: PeerSettings,
  precision: string,
): Promise<Contender[]> {
  const options: SessionOptions = {
    intraOpNumThreads: THREADS,
    interOpNumThreads: 1,
    logSeverityLevel: 3,
  };
  const session = await InferenceSession.create(path.join(peers, `deit_s_${precision}.onnx`), options);
  const input = normalised(pixels);
  return BATCHES.map((batch) => {
    const batches = cut(input, batch * PICTURE_BYTES).map(
      (values) => new Tensor('float32', values, [batch, 3, SIDE, SIDE]),
    );
    const measure = (seconds: number) => imagesPerSecond(batches, batch, seconds, (x) => session.run({ x }));
    return { name: `DeiT-S ${precision}`, batch, measure, speeds: [] };
  });
}

/** [n, SIDE, SIDE, 3] bytes -> [n, 3, SIDE, SIDE], (value / 255 - mean) / std. */
function normalised(pixels: Uint8Array): Float32Array {
  const values = new Float32Array(pixels.length);
  const { mean, std } = preprocessing;
  const plane = SIDE * SIDE;
  for (let i = 0; i < pixels.length; i++) {
    const [pixel, channel] = [Math.floor(i / 3), i % 3];
    const [picture, offset] = [Math.floor(pixel / plane), pixel % plane];
    values[(picture * 3 + channel) * plane + offset] =
      ((pixels[i] ?? 0) / 255 - (mean[channel] ?? NaN)) / (std[channel] ?? NaN);
  }
  return values;
}

const ofBatch = (contenders: readonly Contender[], batch: number): Contender[] =>
  contenders.filter((contender) => contender.batch === batch);

/** One of these, one of those, and so on; the rest of the longer list behind. */
function alternate<T>(these: readonly T[], those: readonly T[]): T[] {
  const length = Math.max(these.length, those.length);
  return Array.from({ length }, (_, i) => [...these.slice(i, i + 1), ...those.slice(i, i + 1)]).flat();
}

function printRatios(mine: readonly Contender[], others: readonly Contender[]): void {
  const over = (one: Contender, other: Contender): string =>
    median(one.speeds.map((speed, round) => speed / (other.speeds[round] ?? NaN))).toFixed(2);
  const rows = [...mine, ...others].map((contender) => [
    contender.name,
    String(contender.batch),
    median(contender.speeds).toFixed(1),
    ...ofBatch(others, contender.batch).map((other) => over(contender, other)),
  ]);
  const ratios = ofBatch(others, BATCHES[0] ?? 1).map(({ name }) => `over ${name}`);
  printTable([`${THREADS} threads, by turns`, 'batch', 'images/s', ...ratios], rows);
}
