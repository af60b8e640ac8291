import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import sharp from 'sharp';
import { winnow } from '../../electron/support/command-line.ts';
import { sampleImages } from '../../electron/support/models.ts';
import { drawTruth, makeFoundRuns } from './found-pictures.ts';
import { sampleNames } from './pictures.ts';
import { label } from './prepare.ts';

const VARIANTS = 6; // of each sample picture

/** Draws variants of the sample pictures into a folder per class below `folder`, which is made; one file is no picture. */
async function drawClasses(folder: string): Promise<void> {
  for (const name of sampleNames) {
    const [className = '', number = ''] = name.replace('.jpg', '').split('-');
    mkdirSync(join(folder, className), { recursive: true });
    const { width, height } = await sharp(join(sampleImages, name)).metadata();
    for (let variant = 0; variant < VARIANTS; variant++) {
      const margin = Math.round(variant * 0.03 * Math.min(width, height));
      const picture = sharp(join(sampleImages, name))
        .extract({ left: margin, top: 0, width: width - margin, height: height - margin })
        .flop(variant % 2 === 1)
        .modulate({ brightness: 1 + 0.05 * (variant % 3), hue: 2 * variant });
      await picture
        .jpeg({ quality: 90 })
        .toFile(join(folder, className, `${className}-${number}${variant}.jpg`));
    }
  }
  writeFileSync(join(folder, 'bird', 'notes.jpg'), 'no picture');
}

/** Where the truth about the scenes of a showcase lies. */
export const truthOf = (folder: string) => `${folder} truth.json`;

/**
 * A library that has something for every view: drawn pictures in class folders at `folder`, run 1 with Fast, run 2
 * with Accurate; scenes beside it, run 3 with what a detection model found in them and run 4 with a segmentation model's
 * maps; and a backup.
 */
export async function makeShowcase(data: string, folder: string): Promise<void> {
  await drawClasses(folder);
  await label(data, folder, 'fast', 'accurate');
  await makeFoundRuns(data, join(dirname(folder), 'Scenes'));
  writeFileSync(truthOf(folder), await drawTruth());
  await winnow(data, 'library', 'backup');
}
