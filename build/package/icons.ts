import fs from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { root } from '../setup.mjs';

const SIZES = [16, 24, 32, 48, 64, 128, 256, 512];
const LARGEST = 1024; // the packager makes the icons of macOS and Windows from it

/** Draws the icon in the sizes that systems want, as `<size>x<size>.png` and `icon.png`. */
export async function drawIcons(folder: string): Promise<void> {
  const drawing = path.join(root, 'resources/icons/winnow.svg');
  fs.mkdirSync(folder, { recursive: true });
  const draw = (size: number, name: string) =>
    sharp(drawing, { density: (72 * size) / 512 })
      .resize(size, size)
      .png()
      .toFile(path.join(folder, name));
  await Promise.all(SIZES.map((size) => draw(size, `${size}x${size}.png`)));
  await draw(LARGEST, 'icon.png');
}
