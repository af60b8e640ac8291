import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Sharp } from 'sharp';

/** RGB bytes of a picture that differs from pixel to pixel and from seed to seed. */
export function drawPixels(width: number, height: number, seed = 0): Buffer {
  const pixels = Buffer.alloc(width * height * 3);
  for (let index = 0; index < pixels.length; index++) {
    const [x, y] = [Math.floor(index / 3) % width, Math.floor(index / 3 / width)];
    pixels[index] = Math.round(128 + 127 * Math.sin(seed + x / 5 + (y / 7) * ((index % 3) + 1)));
  }
  return pixels;
}

export function draw(width: number, height: number, seed = 0): Sharp {
  return sharp(drawPixels(width, height, seed), { raw: { width, height, channels: 3 } });
}

/** Writes `count` small JPEG files `000.jpg`, `001.jpg`, ... into a folder, which is made when it is missing. */
export async function drawFolder(folder: string, count: number): Promise<void> {
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    const bytes = await draw(48, 40, index).jpeg().toBuffer();
    writeFileSync(join(folder, `${String(index).padStart(3, '0')}.jpg`), bytes);
  }
}
