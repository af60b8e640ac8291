import { stringify } from 'csv-stringify/sync';
import { join } from 'node:path';
import type { Mark } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { ErrorCode } from '../../shared/errors.ts';
import { fileStats } from '../transfer/transfer-steps.ts';
import { PlaceNames } from '../transfer/place-names.ts';
import { Categories } from './categories.ts';
import { classColour } from './class-colour.ts';
import type { FoundContent } from './found-content.ts';
import type { FoundImage, FoundObject } from './found-images.ts';
import type { FolderTarget } from './write-folder.ts';
import type { FoundFolderFormat } from './format.ts';
import { TASKS } from '../../shared/tasks.ts';

const AT_ONCE = 2; // pictures that the engine is asked for

const OF_ONE_PICTURE: readonly ErrorCode[] = ['BAD_IMAGE', 'NOT_FOUND', 'BAD_ARGUMENT'];

export const crops: FoundFolderFormat = {
  name: 'crops',
  of: 'found',
  place: 'folder',
  ending: '',
  tasks: ['detection'],
  options: [],
  isText: false,
  write: writeCrops,
};

export const overlays: FoundFolderFormat = {
  name: 'overlays',
  of: 'found',
  place: 'folder',
  ending: '',
  tasks: ['segmentation', 'detection'],
  options: [],
  isText: false,
  write: writeOverlays,
};

/** Every box as a JPEG: `<label>/<path>_<number>.jpg`. */
async function writeCrops(content: FoundContent, target: FolderTarget): Promise<void> {
  const folders = new PlaceNames('');
  const { names, engine, count } = content;
  await eachPicture(content, (image) => {
    const paths = image.objects.map(({ label }, index) =>
      names.file(`${folders.folderOf(label)}/${image.path}`, `_${index + 1}.jpg`),
    );
    if (paths.length === 0) return undefined;
    return async (source) => {
      const boxes = image.objects.map(({ box }) => box);
      for (const [index, crop] of (await engine.pictures.crop(source, boxes)).entries())
        if (crop !== undefined) await target.write(paths[index] ?? '', crop);
      count(image);
    };
  });
}

/** Every picture with its boxes and masks drawn over it: `<path>.png`. `classes.csv` says which class has which colour. */
async function writeOverlays(content: FoundContent, target: FolderTarget): Promise<void> {
  const { exported, names, engine, count } = content;
  const { manifest } = exported.model;
  const categories = new Categories(manifest);
  const colourOf = (label: string) => {
    const { index } = categories.of(label);
    return manifest.labels[index]?.colour ?? classColour(index);
  };
  const marksOf = TASKS[manifest.task].foundIn === 'masks' ? regionMark : objectMark;
  await eachPicture(content, (image) => {
    const marks = image.objects.map((object) => marksOf(object, colourOf(object.label)));
    const place = names.file(image.path, '.png');
    return async (source) => {
      await target.write(place, await engine.pictures.overlay(source, marks));
      count(image);
    };
  });
  const table = categories.all().map(({ name }) => [name, colourOf(name)]);
  await target.write(
    'classes.csv',
    stringify([['label', 'colour'], ...table], { record_delimiter: 'windows' }),
  );
}

function regionMark({ mask }: FoundObject, colour: string): Mark {
  return { colour, counts: mask?.counts };
}

function objectMark({ label, score, humanLabel, box, mask }: FoundObject, colour: string): Mark {
  const certain = humanLabel !== undefined || score === undefined;
  const text = certain ? label : `${label} ${Math.round(score * 100)} %`;
  return { colour, box, counts: mask?.counts, text };
}

/**
 * Does what `prepare` gives with the picture of every image that was predicted and is as it was then; tells of the others.
 * Images are prepared in their order, though some of them are worked on at a time.
 */
async function eachPicture(
  { images, onFailure }: FoundContent,
  prepare: (image: FoundImage) => ((source: string) => Promise<void>) | undefined,
): Promise<void> {
  const attempt = async (image: FoundImage) => {
    const work = prepare(image);
    const source = join(image.folder, image.row.relativePath);
    try {
      if (work !== undefined) await requireUnchanged(image, source).then(() => work(source));
    } catch (error) {
      if (!(error instanceof AppError) || !OF_ONE_PICTURE.includes(error.code)) throw error;
      onFailure(source, error.message);
    }
  };
  for (const some of images()) {
    const predicted = some.filter(({ row }) => row.status === 'ok' || row.humanBoxes !== undefined);
    for (let start = 0; start < predicted.length; start += AT_ONCE) {
      const settled = await Promise.allSettled(predicted.slice(start, start + AT_ONCE).map(attempt));
      for (const result of settled) if (result.status === 'rejected') throw result.reason;
    }
  }
}

async function requireUnchanged({ row }: FoundImage, source: string): Promise<void> {
  const stats = await fileStats(source).catch(() => undefined);
  if (stats === undefined) throw new AppError('NOT_FOUND', 'the file is not there or may not be read');
  if (stats.size === row.fileSize && Math.floor(stats.mtimeMs) === row.modifiedMs) return;
  throw new AppError('BAD_IMAGE', 'the file has changed since the run, so its boxes may lie elsewhere');
}
