import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Precision } from '../../electron/shared/run.ts';
import { root } from '../setup.mjs';
import { openModel, trainedDial } from './engine.ts';
import { PICTURE_BYTES, writePhotos } from './pictures.ts';
import { cut, imagesPerSecond } from './speed.ts';
import type { PhotoKind } from './pictures.ts';
import { timeStages, timeToDecode } from './stages.ts';
import type { StageTimes } from './stages.ts';
import { printTable } from './tables.ts';
import { watchRun } from './winnow-run.ts';

const BATCH = 16;
const threads = os.availableParallelism();

const small: PhotoKind = { width: 500, height: 375, tiles: 1 };
const large: PhotoKind = { width: 4000, height: 3000, tiles: 4 };
const tiny: PhotoKind = { width: 100, height: 75, tiles: 1 };

export interface EndToEndSettings {
  work: string;
  model: string; // the package of DyVM-S
  pixels: string;
  smallCount: number;
  largeCount: number;
  precisions: readonly Precision[];
}

/** Files to rows, start and loading included, beside the engine alone; and what the stages cost. */
export async function benchEndToEnd(settings: EndToEndSettings): Promise<void> {
  const { work, smallCount, largeCount } = settings;
  const folders = [
    { folder: path.join(work, 'small'), count: smallCount, kind: small },
    { folder: path.join(work, 'large'), count: largeCount, kind: large },
  ];
  const columns: Column[] = [];
  const stages: { name: string; times: StageTimes }[] = [];
  for (const { folder, count, kind } of folders) {
    await writePhotos(folder, count, kind);
    const name = `${count} JPEGs of ${kind.width} x ${kind.height}`;
    const times = await timeStages(folder, 30);
    stages.push({ name, times });
    if (kind === large) stages.push({ name: 'in full', times: await timeStages(folder, 30, true) });
    for (const precision of settings.precisions) {
      const speed = await compareSpeeds(settings, folder, count, precision);
      columns.push({ name: `${name}, ${precision}`, ...speed, times });
    }
  }
  printSpeeds(columns);
  printStages(stages);
}

interface Speeds {
  run: number; // images/s
  engine: number;
  memory: number; // MB, at most
}

interface Column extends Speeds {
  name: string;
  times: StageTimes;
}

/** A run on the folder, and the engine alone before and after it. */
async function compareSpeeds(
  { model, pixels }: EndToEndSettings,
  folder: string,
  count: number,
  precision: Precision,
): Promise<Speeds> {
  const native = await openModel(model, threads, precision);
  const batches = cut(new Uint8Array(fs.readFileSync(pixels)), BATCH * PICTURE_BYTES);
  const alone = (seconds: number) =>
    imagesPerSecond(batches, BATCH, seconds, (input) => native.predict(input, BATCH, trainedDial));
  await alone(0); // the first batches are slower
  const before = await alone(2);
  const options = ['--batch', String(BATCH), ...(precision === 'fp32' ? [] : ['--precision', precision])];
  const { seconds, memory } = await watchRun(folder, model, options);
  const after = await alone(2);
  return { run: count / seconds, engine: (before + after) / 2, memory: Math.max(...memory) };
}

function printSpeeds(columns: readonly Column[]): void {
  const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
  const row = (name: string, cell: (column: Column) => string): string[] => [name, ...columns.map(cell)];
  printTable(
    ['DyVM-S .7/.8, end to end', ...columns.map(({ name }) => name)],
    [
      row('files to rows, start and loading included, images/s', ({ run }) => run.toFixed(1)),
      row('engine alone, before and after, images/s', ({ engine }) => engine.toFixed(1)),
      row("share of the engine's speed", ({ run, engine }) => percent(run / engine)),
      row('share of the processors that read, decode and resize', ({ run, times }) =>
        percent((run * timeToDecode(times)) / 1000 / threads),
      ),
      row('peak resident memory, both processes, MB', ({ memory }) => memory.toFixed(0)),
    ],
  );
}

function printStages(stages: readonly { name: string; times: StageTimes }[]): void {
  const row = (name: string, cell: (times: StageTimes) => number): string[] => [
    name,
    ...stages.map(({ times }) => cell(times).toFixed(2)),
  ];
  printTable(
    ['ms per image, one thread', ...stages.map(({ name }) => name)],
    [
      row('read', ({ read }) => read),
      row('decode', ({ decode }) => decode),
      row('resize and crop', ({ resize }) => resize),
      row('these three', timeToDecode),
      row('save', ({ save }) => save),
    ],
  );
}

/** Memory over very many small images: a leak would show in its last quarter. */
export async function benchMemory(work: string, count: number): Promise<void> {
  const folder = path.join(work, 'tiny-photos');
  await writePhotos(folder, count, tiny);
  const model = path.join(root, 'test/models/everyday10.safetensors');
  const { seconds, memory } = await watchRun(folder, model, ['--batch', String(BATCH)]);
  const quarter = (n: number): string => {
    const part = memory.slice((memory.length * n) / 4, (memory.length * (n + 1)) / 4);
    return part.reduce((a, b) => Math.max(a, b), 0).toFixed(0);
  };
  printTable(
    [`${count} small JPEGs, DyVM of 96 x 8`, ''],
    [
      ['images/s', (count / seconds).toFixed(0)],
      ['peak resident memory in each quarter of the time, MB', [0, 1, 2, 3].map(quarter).join(', ')],
    ],
  );
}
