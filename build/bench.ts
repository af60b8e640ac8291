/**
 * npm run bench [-- --quick]
 *
 * Speed and memory on this machine, as Markdown: the engine alone on models of the published sizes, the command line
 * from files to rows, its memory over many images, and the folder scan. Pictures come from ../shared/photos where that
 * exists, else from the samples. `--quick` takes a tenth of the images.
 */
import { execFileSync, spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { ModelRegistry, sha256OfFile } from '../electron/core/packages/model-registry.ts';
import { readExactly, readHeader, withFile } from '../electron/core/packages/read-safetensors.ts';
import { writeSafetensors } from '../electron/core/packages/write-safetensors.ts';
import { standardPresets } from '../electron/core/presets.ts';
import { scanRun } from '../electron/core/scan-run.ts';
import { Library } from '../electron/core/store/library.ts';
import { loadAddon } from '../electron/engine/addon.ts';
import { prepareDecoder } from '../electron/engine/decode-image.ts';
import { MANIFEST_KEY, type Manifest } from '../electron/shared/model-package.ts';
import { releaseBuild, root } from './setup.mjs';

const program = path.join(root, releaseBuild.folder, 'winnow-bench');
const photos = path.join(root, '../shared/photos');
const sources = fs.existsSync(photos) ? photos : path.join(root, 'resources/samples');
const BATCH = 16;
const SAMPLE_EVERY = 200; // milliseconds between looks at the memory

const work = fs.mkdtempSync(path.join(os.tmpdir(), 'winnow-bench-'));
const at = (name: string): string => path.join(work, name);

function sourcePictures(): string[] {
  return fs
    .readdirSync(sources)
    .filter((name) => /\.(jpe?g|png)$/i.test(name))
    .map((name) => path.join(sources, name));
}

/** 64 pictures as the model sees them, for the engine alone. */
async function writePixels(file: string): Promise<void> {
  const addon = loadAddon();
  const decoder = prepareDecoder();
  const pictures = sourcePictures();
  const side = 224;
  const pixels = new Uint8Array(64 * side * side * 3);
  for (let i = 0; i < 64; i++) {
    const bytes = fs.readFileSync(pictures[i % pictures.length] ?? '');
    const header = await decoder.readHeader(bytes);
    const decoded = await decoder.decode(bytes, header, 256);
    const offset = i * side * side * 3;
    await addon.resizeAndCrop(
      decoded.pixels,
      decoded.width,
      decoded.height,
      { resize: 256, crop: side },
      pixels,
      offset,
    );
  }
  fs.writeFileSync(file, pixels);
}

/** A folder of `count` JPEGs of width x height: the source pictures in turn, as links to one copy of each. */
async function writePhotos(folder: string, count: number, width: number, height: number): Promise<void> {
  fs.mkdirSync(folder);
  const pictures = sourcePictures();
  const copies: string[] = [];
  for (const [i, picture] of pictures.slice(0, count).entries()) {
    const copy = path.join(folder, `${i}.jpg`);
    await sharp(picture).rotate().resize(width, height, { fit: 'cover' }).jpeg({ quality: 90 }).toFile(copy);
    copies.push(copy);
  }
  for (let i = copies.length; i < count; i++) {
    fs.linkSync(copies[i % copies.length] ?? '', path.join(folder, `${i}.jpg`));
  }
}

/** A package of DyVM-Vim-S with random weights whose decisions vary between pictures. */
async function writeModel(file: string, pixels: string): Promise<void> {
  const bare = at('bare.safetensors');
  execFileSync(program, [pixels, '--models', 'S', '--write', bare]);
  const manifest: Omit<Manifest, 'dataSha256'> = {
    format: 1,
    name: 'random DyVM-Vim-S',
    task: 'classification',
    architecture: 'vim',
    imageSize: 224,
    patchSize: 16,
    stride: 16,
    embedDim: 384,
    depth: 24,
    stateDim: 16,
    convWidth: 4,
    dtRank: 24,
    classes: 1000,
    blockSelection: true,
    pruningLayers: [6, 12, 18],
    tokenKeep: [0.7, 0.7 ** 2, 0.7 ** 3],
    blockKeep: 0.8,
    labels: Array.from({ length: 1000 }, (_, i) => ({ name: `class ${i}` })),
    preprocessing: { resize: 256, crop: 224, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
    provenance: { file: 'random', sha256: '0'.repeat(64), weights: 'random' },
    licence: 'none',
  };
  await withFile(bare, async (handle) => {
    const { tensors } = await readHeader(handle);
    const copies = [...tensors].map(([name, { type, shape, start, bytes }]) => ({
      name,
      type,
      shape,
      read: () => readExactly(handle, start, bytes),
    }));
    await writeSafetensors(file, copies, (dataSha256) => ({
      [MANIFEST_KEY]: JSON.stringify({ ...manifest, dataSha256 }),
    }));
  });
}

interface RunFigures {
  seconds: number;
  /** Resident memory of the command line and its engine host together, MB, in the order of time. */
  memory: number[];
}

/** The command line on `folder`, watched from outside. */
async function runWinnow(folder: string, model: string): Promise<RunFigures> {
  const cli = path.join(root, 'electron/cli/winnow.ts');
  const library = at(`${path.basename(folder)}.db`);
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [cli, 'run', folder, '--model', model, '--library', library, '--batch', String(BATCH)],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  );
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  const memory: number[] = [];
  while (child.exitCode === null && child.signalCode === null) {
    memory.push(residentMegabytes(child.pid ?? 0));
    await Promise.race([ended, sleep(SAMPLE_EVERY)]);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`winnow run ended with exit code ${code}`);
  return { seconds: (performance.now() - started) / 1000, memory };
}

/** Resident memory of a process and all below it, from /proc. A page that two of them share counts twice. */
function residentMegabytes(pid: number): number {
  try {
    const [, pages = '0'] = fs.readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ');
    const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    return (
      (Number(pages) * 4096) / 1e6 +
      children
        .map(Number)
        .map(residentMegabytes)
        .reduce((a, b) => a + b, 0)
    );
  } catch {
    return 0; // it has just ended
  }
}

/** Images per second of the engine alone at the batch size of the command line. */
function engineSpeed(pixels: string): number {
  const table = execFileSync(
    program,
    [pixels, '--models', 'S', '--batches', String(BATCH), '--threads', String(os.availableParallelism())],
    { encoding: 'utf8' },
  );
  const row = table.trim().split('\n').at(-1) ?? '';
  return Number(row.split('|')[4]);
}

async function benchEndToEnd(count: number, pixels: string): Promise<void> {
  const model = at('dyvm-s.safetensors');
  await writeModel(model, pixels);
  const folder = at('photos-500x375');
  await writePhotos(folder, count, 500, 375);
  const before = engineSpeed(pixels);
  const { seconds, memory } = await runWinnow(folder, model);
  const engine = (before + engineSpeed(pixels)) / 2;
  const speed = count / seconds;
  console.log('\n| end to end, DyVM-S .7/.8 | |\n|---|---|');
  console.log(
    `| ${count} JPEGs of 500 x 375, files to rows, start and loading included | ${speed.toFixed(1)} images/s |`,
  );
  console.log(`| engine alone, before and after | ${engine.toFixed(1)} images/s |`);
  console.log(`| share of the engine's speed | ${((100 * speed) / engine).toFixed(0)} % |`);
  console.log(`| peak resident memory, both processes | ${Math.max(...memory).toFixed(0)} MB |`);
}

async function benchMemory(count: number): Promise<void> {
  const folder = at('photos-100x75');
  await writePhotos(folder, count, 100, 75);
  const { seconds, memory } = await runWinnow(folder, 'everyday10');
  const quarter = (n: number): string => {
    const part = memory.slice((memory.length * n) / 4, (memory.length * (n + 1)) / 4);
    return part.reduce((a, b) => Math.max(a, b), 0).toFixed(0);
  };
  console.log(`\n| ${count} small JPEGs, everyday10 | |\n|---|---|`);
  console.log(`| speed | ${(count / seconds).toFixed(0)} images/s |`);
  console.log(
    `| peak resident memory in each quarter of the time | ${[0, 1, 2, 3].map(quarter).join(', ')} MB |`,
  );
}

/** A folder with very many files, from the disk into the library. */
async function benchScan(count: number): Promise<void> {
  const folder = at('tiny');
  fs.mkdirSync(folder);
  for (let i = 0; i < count; i++) fs.writeFileSync(path.join(folder, `${i}.jpg`), '');
  const registry = new ModelRegistry({
    bundledFolder: path.join(root, 'resources/models'),
    userFolder: work,
  });
  const model = await registry.find('everyday10');
  const [preset] = standardPresets(model.manifest);
  if (preset === undefined) throw new Error('a model has presets');
  const library = Library.open(at('scan.db'));
  const modelSha256 = await sha256OfFile(model.path);
  library.models.put({ ...model, sha256: modelSha256 });
  const spec = { folders: [folder], modelName: model.name, modelSha256, preset, device: 'cpu' };
  const run = library.runs.ensure(spec, new Date().toISOString());
  const scan = async (): Promise<string> => {
    const started = performance.now();
    const silent = { onFound: () => undefined, onNotice: () => undefined };
    await scanRun(library, run, new AbortController().signal, silent);
    return ((performance.now() - started) / 1000).toFixed(1);
  };
  console.log(`\n| ${count} files in one folder, into the library | |\n|---|---|`);
  console.log(`| first scan | ${await scan()} s |\n| again | ${await scan()} s |`);
  library.close();
}

const { quick } = parseArgs({ options: { quick: { type: 'boolean', default: false } } }).values;
const share = quick ? 0.1 : 1;
try {
  const pixels = at('pictures.rgb');
  await writePixels(pixels);
  console.log(`Pictures: ${path.relative(root, sources)}\n`);
  execFileSync(program, [pixels, '--seconds', quick ? '0.5' : '3'], { stdio: 'inherit' });
  await benchEndToEnd(3000 * share, pixels);
  await benchMemory(20_000 * share);
  await benchScan(100_000 * share);
} finally {
  fs.rmSync(work, { recursive: true });
}
