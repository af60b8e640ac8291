import { copyFileSync, cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { sharedData } from '../../electron/support/files.ts';
import { sampleImages } from '../../electron/support/models.ts';

const photos = sharedData('photos');

/** Names of the sample pictures, such as `bird-1.jpg`, in order. */
export const sampleNames = readdirSync(sampleImages).sort();

/** Copies some photos into a new folder, or sample pictures where there are none; gives the folder. */
export function copyPhotos(folder: string, count: number): string {
  const source = photos.skip === false ? photos.path : sampleImages;
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(source).sort().slice(0, count))
    copyFileSync(join(source, name), join(folder, name));
  return folder;
}

/** Copies the sample pictures into a sub-folder per class, `bird/bird-1.jpg`; gives the folder. */
export function copyByClass(folder: string): string {
  for (const name of sampleNames) {
    const label = join(folder, name.split('-', 1)[0] ?? '');
    mkdirSync(label, { recursive: true });
    copyFileSync(join(sampleImages, name), join(label, name));
  }
  return folder;
}

const VARIANTS = 6; // of each sample picture

/** Draws variants of sample pictures into a folder per class below `folder`, which is made: of all classes, or of these. */
export async function drawClasses(folder: string, classes?: readonly string[]): Promise<void> {
  for (const name of sampleNames) {
    const [className = '', number = ''] = name.replace('.jpg', '').split('-');
    if (classes?.includes(className) === false) continue;
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
}

/** Copies the sample pictures again and again into a new folder, under numbers; gives the folder. */
export function copyMany(folder: string, count: number): string {
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < count; index++) {
    const name = sampleNames[index % sampleNames.length] ?? '';
    copyFileSync(join(sampleImages, name), join(folder, `${String(index).padStart(5, '0')}.jpg`));
  }
  return folder;
}

/** Copies the sample pictures into a new folder; gives the folder. */
export function copySamples(folder: string): string {
  cpSync(sampleImages, folder, { recursive: true });
  return folder;
}
