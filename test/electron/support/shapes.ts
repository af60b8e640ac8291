import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { seededRandom } from '../core/random.ts';

const SIDE = 24; // pixels of a picture

/** Kinds of shapes, as SVG around the origin, about 10 pixels wide. */
const SHAPES = {
  disc: '<circle r="5"/>',
  cross: '<path d="M-6-2H-2V-6H2V-2H6V2H2V6H-2V2H-6Z"/>',
  ring: '<circle r="4.5" fill="none" stroke-width="2.5"/>',
} as const;

export type ShapeName = keyof typeof SHAPES;

/** Colours that most pictures of a kind have, so that a small model learns them apart in a few steps. */
const HUES: Record<ShapeName, number> = { disc: 0, cross: 120, ring: 240 }; // degrees

/**
 * Writes `count` PNG files `000.png`, ... of one shape each into `folder`/`name`: at random places, in random sizes and
 * shades, on random greys, all of it by the seed.
 */
export async function drawShapes(folder: string, name: ShapeName, count: number, seed = 0): Promise<void> {
  const random = seededRandom(seed + HUES[name]);
  const between = (low: number, high: number) => low + random(high - low);
  mkdirSync(join(folder, name), { recursive: true });
  for (let index = 0; index < count; index++) {
    const colour = `hsl(${(HUES[name] + between(340, 380)) % 360} 80% ${between(40, 70)}%)`;
    const place = `translate(${between(9, 15)} ${between(9, 15)}) scale(${between(8, 15) / 10})`;
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${SIDE}" height="${SIDE}">
      <rect width="100%" height="100%" fill="hsl(0 0% ${between(10, 90)}%)"/>
      <g transform="${place}" fill="${colour}" stroke="${colour}" stroke-width="0">${SHAPES[name]}</g></svg>`;
    await sharp(Buffer.from(svg))
      .removeAlpha()
      .png()
      .toFile(join(folder, name, `${String(index).padStart(3, '0')}.png`));
  }
}
