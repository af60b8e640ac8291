import { stringify } from 'csv-stringify/sync';
import { decodeRuns, forEachColumnPart } from '../../shared/mask.ts';
import { displayNames } from '../models/class-names.ts';
import type { StoredMask } from '../store/tables/found.ts';
import type { FoundContent } from './found-content.ts';
import { greyPng } from './png.ts';
import type { FolderTarget } from './write-folder.ts';
import type { FoundFolderFormat } from './format.ts';

/** Classes of which every value fits into 8 bits: 0 and 255 mean no class. */
const MOST_IN_A_BYTE = 254;

export const maps: FoundFolderFormat = {
  name: 'maps',
  of: 'found',
  place: 'folder',
  ending: '',
  tasks: ['segmentation'],
  options: [],
  isText: false,
  write: writeMaps,
};

/**
 * Class maps as grey PNGs of the pictures' sizes: `<path>.png`, each pixel the class's index + 1, 0 where there is none, as
 * ADE20K writes them; 16 bits per pixel for more than 254 classes. `classes.csv` says which value is which class.
 */
async function writeMaps(
  { images, exported, names, count, library }: FoundContent,
  target: FolderTarget,
): Promise<void> {
  const { labels } = exported.model.manifest;
  const table = displayNames(labels).map((label, index) => [index + 1, label]);
  await target.write(
    'classes.csv',
    stringify([['value', 'label'], ...table], { record_delimiter: 'windows' }),
  );
  for (const some of images()) {
    const ids = some.map(({ row }) => row.imageId);
    const masks = library.found.masks(exported.run.id, ids);
    for (const image of some) {
      const { imageId, width, height, status } = image.row;
      if (status !== 'ok' || width === undefined || height === undefined) continue;
      const values = classMap(masks.get(imageId) ?? [], width, height, labels.length);
      await target.write(names.file(image.path, '.png'), await greyPng(values, width, height));
      count(image);
    }
  }
}

/** The class's index + 1 of every pixel, row by row; 0 where there is none. */
export function classMap(
  masks: readonly Pick<StoredMask, 'classIndex' | 'counts'>[],
  width: number,
  height: number,
  classes: number,
): Uint8Array | Uint16Array {
  const values = new (classes > MOST_IN_A_BYTE ? Uint16Array : Uint8Array)(width * height);
  for (const { classIndex, counts } of masks) {
    forEachColumnPart(decodeRuns(counts), height, (x, y, length) => {
      if (x >= width) return;
      for (let row = y; row < y + length; row++) values[row * width + x] = classIndex + 1;
    });
  }
  return values;
}
