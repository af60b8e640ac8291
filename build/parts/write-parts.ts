/**
 * node build/parts/write-parts.ts <folder> [--count 1200] [--side 96] [--seed 1] [--scenes]
 *
 * Draws pictures of workshop parts into a new folder: one part each, in a sub-folder per kind, or with --scenes several
 * parts each, side by side. `annotations.json` beside them has every part's box and mask, as COCO JSON. The pictures
 * depend on the seed alone.
 */
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import sharp from 'sharp';
import { z } from 'zod';
import { encodeRuns, fromBitmap, runsArea } from '../../electron/shared/mask.ts';
import { drawPicture } from './draw.ts';
import type { DrawnPart } from './draw.ts';
import { kinds } from './kinds.ts';
import { Random } from './random.ts';

const MOST_PARTS = 7; // of a scene

const orderSchema = z.object({
  folder: z.string(),
  count: z.int().positive(),
  side: z.int().min(16).max(2048),
  seed: z.int().nonnegative(),
  scenes: z.boolean(),
});
type Order = z.infer<typeof orderSchema>;

/** A picture's part of annotations.json. */
interface Written {
  file: string; // relative, with forward slashes
  parts: { classIndex: number; box: DrawnPart['box']; area: number; counts: string }[];
}

/** Draws and writes the picture of this number. */
async function writePicture({ folder, side, seed, scenes }: Order, number: number): Promise<Written> {
  const random = new Random(seed * 1_000_003 + number);
  const classes = scenes
    ? Array.from({ length: random.whole(1, MOST_PARTS) }, () => random.whole(0, kinds.length - 1))
    : [number % kinds.length];
  const { pixels, parts } = drawPicture(random.whole(0, 2 ** 32 - 1), { side, classes });
  const name = `${String(number).padStart(6, '0')}.jpg`;
  const [kind = 0] = classes;
  const file = scenes ? name : `${kinds[kind]?.name ?? ''}/${name}`;
  await sharp(pixels, { raw: { width: side, height: side, channels: 3 } })
    .jpeg({ quality: random.whole(70, 95), chromaSubsampling: '4:4:4' })
    .toFile(path.join(folder, file));
  return {
    file,
    parts: parts.map(({ classIndex, box, mask }) => {
      const runs = fromBitmap(mask, side, side);
      return { classIndex, box, area: runsArea(runs), counts: encodeRuns(runs) };
    }),
  };
}

function annotations(written: readonly Written[], side: number): string {
  return JSON.stringify({
    images: written.map(({ file }, index) => ({
      id: index + 1,
      file_name: file,
      width: side,
      height: side,
    })),
    categories: kinds.map(({ name }, index) => ({ id: index + 1, name })),
    annotations: written
      .flatMap(({ parts }, index) => parts.map((part) => ({ ...part, image: index + 1 })))
      .map(({ classIndex, box, area, counts, image }, index) => ({
        id: index + 1,
        image_id: image,
        category_id: classIndex + 1,
        iscrowd: 0,
        area,
        bbox: [box.x, box.y, box.width, box.height],
        segmentation: { size: [side, side], counts },
      })),
  });
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      count: { type: 'string', default: '1200' },
      side: { type: 'string', default: '96' },
      seed: { type: 'string', default: '1' },
      scenes: { type: 'boolean', default: false },
    },
  });
  const [folder] = positionals;
  if (folder === undefined)
    throw new Error(
      'Expected a folder: node build/parts/write-parts.ts <folder> [--count N] [--side N] [--seed N] [--scenes]',
    );
  const { count, side, seed, scenes } = values;
  const order = orderSchema.parse({
    folder: path.resolve(folder),
    count: Number(count),
    side: Number(side),
    seed: Number(seed),
    scenes,
  });
  mkdirSync(order.folder, { recursive: true });
  if (readdirSync(order.folder).length > 0)
    throw new Error(`Expected an empty folder, but ${order.folder} holds files. Choose another one.`);
  if (!order.scenes) for (const { name } of kinds) mkdirSync(path.join(order.folder, name));
  const written: Written[] = [];
  let next = 0;
  const work = () =>
    new Promise<void>((resolve, reject) => {
      const worker = new Worker(fileURLToPath(import.meta.url), { workerData: order });
      const hand = () => (next < order.count ? worker.postMessage(next++) : void worker.terminate());
      worker.on('message', ({ number, picture }: { number: number; picture: Written }) => {
        written[number] = picture;
        hand();
      });
      worker.on('error', reject);
      worker.on('exit', () => resolve());
      hand();
    });
  await Promise.all(Array.from({ length: availableParallelism() }, work));
  writeFileSync(path.join(order.folder, 'annotations.json'), annotations(written, order.side));
  console.log(`Drew ${order.count} pictures into ${order.folder}`);
}

if (isMainThread) await main();
else {
  const order = orderSchema.parse(workerData);
  parentPort?.on('message', (number: number) => {
    void writePicture(order, number).then((picture) => parentPort?.postMessage({ number, picture }));
  });
}
