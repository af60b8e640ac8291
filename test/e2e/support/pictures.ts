import { copyFileSync, cpSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
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
