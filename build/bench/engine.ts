import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { readExactly, readHeader, withFile } from '../../electron/core/packages/read-safetensors.ts';
import { writeSafetensors } from '../../electron/core/packages/write-safetensors.ts';
import { loadAddon } from '../../electron/engine/addon.ts';
import type { NativeModel } from '../../electron/engine/addon.ts';
import { MANIFEST_KEY } from '../../electron/shared/model-package.ts';
import type { Manifest, Preprocessing } from '../../electron/shared/model-package.ts';
import type { Precision } from '../../electron/shared/run.ts';
import { releaseBuild, root } from '../setup.mjs';
import { RESIZE, SIDE } from './pictures.ts';

const program = path.join(root, releaseBuild.folder, 'winnow-bench');

/** What winnow-bench is asked to measure; lists with commas. */
export interface EngineSettings {
  models: string;
  batches: string;
  threads: string;
  precisions: readonly Precision[];
  seconds: number; // for each row
}

/** The precisions that the CPU of this machine computes in, most exact first. */
export function cpuPrecisions(): Precision[] {
  return (
    loadAddon()
      .devices()
      .find(({ name }) => name === 'cpu')?.precisions ?? ['fp32']
  );
}

/** Prints images/s, row by row as they are measured. `pixels`: a file of cropped pictures. */
export function printEngineSpeeds(pixels: string, settings: EngineSettings): void {
  execFileSync(program, [pixels, ...asOptions(settings)], { stdio: 'inherit' });
}

/** Prints the milliseconds per image that each operation takes of a thread. */
export function printOperationTimes(pixels: string, settings: EngineSettings): void {
  execFileSync(program, [pixels, ...asOptions(settings), '--times', 'operations'], { stdio: 'inherit' });
}

function asOptions({ models, batches, threads, precisions, seconds }: EngineSettings): string[] {
  const lists = ['--models', models, '--batches', batches, '--threads', threads];
  return [...lists, '--precisions', precisions.join(','), '--seconds', String(seconds)];
}

export const preprocessing: Preprocessing = {
  resize: RESIZE,
  crop: SIDE,
  mean: [0.485, 0.456, 0.406],
  std: [0.229, 0.224, 0.225],
};

const powers = (keep: number) => [keep, keep ** 2, keep ** 3];

/** What the published sizes differ in. */
const SIZES = {
  T: { embedDim: 192, dtRank: 12, tokenKeep: powers(0.9) },
  S: { embedDim: 384, dtRank: 24, tokenKeep: powers(0.7) },
} as const;

const manifestOf = (size: keyof typeof SIZES): Omit<Manifest, 'dataSha256'> => ({
  format: 1,
  name: `random DyVM-Vim-${size}`,
  task: 'classification',
  architecture: 'vim',
  imageSize: SIDE,
  patchSize: 16,
  stride: 16,
  ...SIZES[size],
  depth: 24,
  stateDim: 16,
  convWidth: 4,
  classes: 1000,
  blockSelection: true,
  pruningLayers: [6, 12, 18],
  blockKeep: 0.8,
  labels: Array.from({ length: 1000 }, (_, i) => ({ name: `class ${i}` })),
  preprocessing,
  provenance: { file: 'random', sha256: '0'.repeat(64), weights: 'random' },
  licence: 'none',
});

/** A package of DyVM-Vim of a size, with random weights whose decisions vary between pictures. */
export async function writeModel(file: string, pixels: string, size: keyof typeof SIZES): Promise<void> {
  const bare = `${file}.bare`;
  execFileSync(program, [pixels, '--models', size, '--write', bare]);
  await withFile(bare, async (handle) => {
    const { tensors } = await readHeader(handle);
    const copies = [...tensors].map(([name, { type, shape, start, bytes }]) => ({
      name,
      type,
      shape,
      read: () => readExactly(handle, start, bytes),
    }));
    await writeSafetensors(file, copies, (dataSha256) => ({
      [MANIFEST_KEY]: JSON.stringify({ ...manifestOf(size), dataSha256 }),
    }));
  });
}

/** That model in this process. */
export function openModel(file: string, threads: number, precision: Precision): Promise<NativeModel> {
  return loadAddon().loadModel(file, { device: 'cpu', threads, precision });
}

/** The settings that DyVM-Vim-S was trained with, so to speak. */
export const trainedDial = { tokenKeep: SIZES.S.tokenKeep, blockThreshold: 0.5 };
