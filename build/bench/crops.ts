import fs from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { EngineClient } from '../../electron/engine/hosts/engine-client.ts';
import { countSeen } from '../../electron/shared/engine-api.ts';
import type { Box, WantedPicture } from '../../electron/shared/engine-api.ts';
import { cropOf } from '../../electron/core/runs/box-labels.ts';
import { DEFAULT_MARGIN } from '../../electron/core/runs/find-spec.ts';
import { trainedDial } from './engine.ts';
import { RESIZE, SIDE, writePhotos } from './pictures.ts';
import type { PhotoKind } from './pictures.ts';
import { printTable } from './tables.ts';

const BATCH = 16;
const PER_CALL = 64; // crops
const ROUNDS = 3;
const threads = 2;

/**
 * The second stage of a run that finds first, against the same crops as files of their own: so many crops a second of boxes in
 * their pictures, of JPEGs and of PNGs that hold just the crop, each from files to labels, with the engine's host and two calls
 * under way as in a run. By turns, the median of the rounds.
 */
export async function benchCrops(work: string, model: string, count: number): Promise<void> {
  const kinds: [string, PhotoKind, number][] = [
    ['500 x 375, 1 box', { width: 500, height: 375, tiles: 1 }, 1],
    ['500 x 375, 3 boxes', { width: 500, height: 375, tiles: 1 }, 3],
    ['2048 x 1536, 1 box', { width: 2048, height: 1536, tiles: 2 }, 1],
    ['2048 x 1536, 3 boxes', { width: 2048, height: 1536, tiles: 2 }, 3],
  ];
  const engine = new EngineClient();
  const rows: string[][] = [];
  try {
    await engine.open({
      packagePath: model,
      device: 'cpu',
      precision: 'fp32',
      threads,
      input: { task: 'classification', resize: RESIZE, crop: SIDE },
    });
    for (const [index, [name, kind, boxes]] of kinds.entries()) {
      const folder = path.join(work, `crops-${index}`);
      const pictures = Math.max(8, Math.round(count / boxes));
      await writePhotos(folder, pictures, kind);
      const inPictures = Array.from({ length: pictures }, (_, number): WantedPicture => {
        return { path: path.join(folder, `${number}.jpg`), crops: boxesOf(number, boxes, kind) };
      });
      const jpegs = await asFiles(inPictures, folder, 'jpg');
      const pngs = await asFiles(inPictures, folder, 'png');
      const rates: number[][] = [[], [], []];
      for (let round = 0; round < ROUNDS; round++)
        for (const [way, wanted] of [inPictures, jpegs, pngs].entries())
          rates[way]?.push(await perSecond(engine, wanted));
      const [found = 0, jpeg = 0, png = 0] = rates.map((all) => all.sort((a, b) => a - b)[1] ?? 0);
      rows.push([
        name,
        ...[found, jpeg, png].map((rate) => rate.toFixed(1)),
        share(found / jpeg),
        share(found / png),
      ]);
    }
  } finally {
    await engine.close();
  }
  console.log('### Boxes labelled in their pictures, crops/s\n');
  printTable(['pictures', 'in pictures', 'JPEG crops', 'PNG crops', 'of JPEG', 'of PNG'], rows);
}

const share = (value: number) => `${(value * 100).toFixed(0)} %`;

/** Boxes whose places differ from picture to picture; their longer side is 0.3 to 0.5 of the picture's shorter one. */
function boxesOf(number: number, count: number, { width, height }: PhotoKind): Box[] {
  return Array.from({ length: count }, (_, index): Box => {
    const turn = (number * 7 + index * 3) % 10;
    const side = height * (0.3 + turn / 50);
    const box = {
      x: ((width - side) * turn) / 9,
      y: ((height - side) * ((turn + 4) % 10)) / 9,
      width: side,
      height: side * 0.8,
    };
    return cropOf(box, DEFAULT_MARGIN, { width, height });
  });
}

/** The crops as files of their own; JPEGs at quality 95, PNGs without a loss. */
async function asFiles(
  pictures: readonly WantedPicture[],
  folder: string,
  ending: 'jpg' | 'png',
): Promise<string[]> {
  const files: string[] = [];
  for (const [number, picture] of pictures.entries()) {
    if (typeof picture === 'string') continue;
    for (const [index, { x: left, y: top, width, height }] of picture.crops.entries()) {
      const file = path.join(folder, `${number}-${index}.crop.${ending}`);
      const crop = sharp(fs.readFileSync(picture.path)).extract({ left, top, width, height });
      await (ending === 'jpg' ? crop.jpeg({ quality: 95 }) : crop.png()).toFile(file);
      files.push(file);
    }
  }
  return files;
}

/** Crops a second, with two calls under way. */
async function perSecond(engine: EngineClient, pictures: readonly WantedPicture[]): Promise<number> {
  const calls: WantedPicture[][] = [];
  let call: WantedPicture[] = [];
  for (const picture of pictures) {
    call.push(picture);
    // Files go in batches as a run has them; crops of pictures some batches at a time.
    const most = typeof picture === 'string' ? BATCH : PER_CALL;
    if (countAll(call) < most) continue;
    calls.push(call);
    call = [];
  }
  if (call.length > 0) calls.push(call);
  const dial = { ...trainedDial, cropsAtOnce: BATCH };
  const begin = performance.now();
  const ahead = calls[Symbol.iterator]();
  const work = async () => {
    for (const some of ahead) await engine.predict(some, dial);
  };
  await Promise.all([work(), work()]);
  return (countAll(pictures) * 1000) / (performance.now() - begin);
}

const countAll = (pictures: readonly WantedPicture[]) =>
  pictures.reduce((sum, picture) => sum + countSeen(picture), 0);
