import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { EXIT } from '../../../electron/cli/exit.ts';
import { winnow } from '../../electron/support/command-line.ts';
import { seededRandom } from '../../electron/core/random.ts';

const [WIDTH, HEIGHT] = [48, 40]; // of every picture, pixels
const GROUND = 1; // of the class maps; a disc is 2, a square 3

/** A ground with a disc or a square on it, by turns: the picture and its class map. */
async function drawScene(pictures: string, maps: string, number: number, random: (limit: number) => number) {
  const name = `${String(number).padStart(3, '0')}.png`;
  const shape = 2 + (number % 2);
  const [x, y, radius] = [14 + random(20), 14 + random(12), 7 + random(5)];
  const colours = [[], [90, 120, 80], [200, 60, 50], [60, 90, 210]];
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3);
  const map = Buffer.alloc(WIDTH * HEIGHT);
  for (let at = 0; at < map.length; at++) {
    const [dx, dy] = [Math.abs((at % WIDTH) - x), Math.abs(Math.floor(at / WIDTH) - y)];
    const isInside = shape === 2 ? Math.hypot(dx, dy) < radius : Math.max(dx, dy) < radius;
    const value = isInside ? shape : GROUND;
    map[at] = value;
    for (const [channel, level] of (colours[value] ?? []).entries())
      pixels[3 * at + channel] = level + random(30) - 15;
  }
  const size = { width: WIDTH, height: HEIGHT };
  await sharp(pixels, { raw: { ...size, channels: 3 } })
    .png()
    .toFile(join(pictures, name));
  await sharp(map, { raw: { ...size, channels: 1 } })
    .toColourspace('b-w')
    .png()
    .toFile(join(maps, name));
}

/** Draws so many scenes below `folder`, and brings their class maps into the library of `data` as run 1. Gives their folder. */
export async function importAreas(data: string, folder: string, count: number): Promise<string> {
  const [pictures, maps] = [join(folder, 'scenes'), join(folder, 'maps')];
  for (const made of [pictures, maps]) mkdirSync(made, { recursive: true });
  const random = seededRandom(count);
  for (let number = 0; number < count; number++) await drawScene(pictures, maps, number, random);
  const { code, stderr } = await winnow(
    data,
    ...['labels', 'import', maps, '--folder', pictures, '--as', 'run', '--tool', 'hand'],
  );
  assert.equal(code, EXIT.done, stderr);
  return pictures;
}
