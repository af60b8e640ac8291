/**
 * npm run bench [-- --quick] [-- --only engine,operations,dense,peer,start,run,crops,memory,training,scan,library,
 * labels,checksums,window]
 *
 * Speed and memory on this machine, as Markdown: the engine alone on models of the published sizes and what its time goes
 * to, segmentation and detection, ONNX Runtime by turns with the engine, the first prediction, the command line from files
 * to rows, its memory over many images, training, the folder scan, what the window asks of a large library, labels that
 * others made, what checksums cost a run, and what the window itself takes there in Chromium. Pictures come from
 * ../shared/photos where that exists, else from the samples. `--quick` takes a tenth of the images.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { benchChecksums } from './checksums.ts';
import { benchCrops } from './crops.ts';
import { benchDense } from './dense.ts';
import { benchEndToEnd, benchMemory } from './end-to-end.ts';
import { cpuPrecisions, printEngineSpeeds, printOperationTimes, writeModel } from './engine.ts';
import { benchLibrary } from './library.ts';
import { benchLabels } from './labels.ts';
import { benchPeer } from './peer.ts';
import { croppedPictures, sources } from './pictures.ts';
import { benchScan } from './scan.ts';
import { benchStart } from './start.ts';
import { benchHead, benchSteps } from './training.ts';
import { benchWindow } from './window.ts';
import { root } from '../setup.mjs';

const options = { quick: { type: 'boolean', default: false }, only: { type: 'string' } } as const;
const { quick, only } = parseArgs({ options }).values;
const share = quick ? 0.1 : 1;
const precisions = cpuPrecisions();
const work = fs.mkdtempSync(path.join(os.tmpdir(), 'winnow-bench-'));
const pixels = path.join(work, 'pictures.rgb');
const model = path.join(work, 'dyvm-s.safetensors');

let written: Promise<void> | undefined;
/** The package of DyVM-S, made when the first part asks for it. */
async function modelPackage(): Promise<string> {
  await (written ??= writeModel(model, pixels, 'S'));
  return model;
}

/** The parts, in the order of printing. */
const parts: Record<string, () => Promise<void> | void> = {
  engine: () =>
    printEngineSpeeds(pixels, {
      models: quick ? 'T,S,S-full' : 'T,S,B,S-full',
      batches: quick ? '1,8' : '1,8,32',
      threads: quick ? '2' : '1,2',
      precisions,
      seconds: quick ? 0.5 : 2,
    }),
  operations: () =>
    printOperationTimes(pixels, {
      models: quick ? 'S' : 'S,S-full',
      batches: '8',
      threads: '1',
      precisions,
      seconds: quick ? 1 : 4,
    }),
  dense: () => benchDense(precisions, quick),
  peer: async () =>
    benchPeer({
      model: await modelPackage(),
      precisions,
      pixels: new Uint8Array(fs.readFileSync(pixels)),
      ...(quick ? { rounds: 3, seconds: 0.5 } : { rounds: 7, seconds: 1 }),
    }),
  start: async () => benchStart(await modelPackage(), pixels, precisions),
  run: async () =>
    benchEndToEnd({
      work,
      model: await modelPackage(),
      pixels,
      smallCount: 3000 * share,
      largeCount: 400 * share,
      precisions: quick ? precisions.slice(0, 1) : precisions,
    }),
  crops: async () => benchCrops(work, await modelPackage(), 400 * share),
  memory: () => benchMemory(work, 20_000 * share),
  training: async () => {
    benchSteps(quick ? 5 : 20);
    const tiny = path.join(work, 'dyvm-t.safetensors');
    await writeModel(tiny, pixels, 'T');
    await benchHead({ work, count: 10_000 * share, model: tiny });
  },
  scan: () => benchScan(work, 100_000 * share),
  library: async () => {
    for (const images of [100_000, 1_000_000]) {
      await benchLibrary(work, images * share);
      await benchScan(work, images * share);
    }
  },
  labels: () => benchLabels(work, 100_000 * share),
  checksums: () => benchChecksums(work, 2000 * share),
  window: () => benchWindow(100_000 * share),
};

const chosen = (only?.split(',') ?? Object.keys(parts)).map((name) => {
  const part = parts[name];
  if (part !== undefined) return part;
  throw new Error(`Expected parts of ${Object.keys(parts).join(', ')}, but got "${name}".`);
});
try {
  console.log(`Pictures: ${path.relative(root, sources)}\n`);
  fs.writeFileSync(pixels, await croppedPictures(64));
  for (const part of chosen) await part();
} finally {
  fs.rmSync(work, { recursive: true });
}
