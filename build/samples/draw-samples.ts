/** Draws the sample pictures of resources/samples/everyday/ from the drawings in build/samples/. */
import { globSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { root } from '../setup.mjs';

for (const drawing of globSync('build/samples/*.svg', { cwd: root })) {
  const picture = path.join(root, 'resources/samples/everyday', `${path.basename(drawing, '.svg')}.jpg`);
  await sharp(path.join(root, drawing)).flatten().jpeg({ quality: 90 }).toFile(picture);
}
