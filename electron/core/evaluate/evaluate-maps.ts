import { join, resolve } from 'node:path';
import type { FoundEvaluation } from '../../shared/api/results.ts';
import { AppError, hasCode } from '../../shared/errors.ts';
import { displayNames } from '../models/class-names.ts';
import { classMap } from '../export/maps.ts';
import { listFiles } from '../files/list-files.ts';
import { readRegularFile } from '../files/regular-file.ts';
import type { Library } from '../store/library.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { MapTally } from './map-tally.ts';
import { mapForms, matchNotices, matchTruth, runImages, some } from './match-truth.ts';
import type { RunImage } from './match-truth.ts';
import { MOST_PIXELS, readClassMap } from './read-png.ts';
import type { ClassMap } from './read-png.ts';

/** Bytes of a PNG: as many as its greatest number of pixels has at 16 bits. */
export const LARGEST_MAP = 2 * MOST_PIXELS;

/**
 * Mean IoU and pixel accuracy of a run's class maps against PNGs in a folder: a pixel's value is its class's index + 1; 0
 * and the largest value (255, or 65535) are not compared. Throws NOT_FOUND or FILE_SYSTEM for a folder that cannot be read,
 * and BAD_ARGUMENT when it has no map of an image of the run that can be compared.
 */
export async function evaluateMaps(library: Library, run: RunRow, folder: string): Promise<FoundEvaluation> {
  const { labels } = library.models.get(run.spec.modelSha256).manifest;
  const maps = await listMaps(resolve(folder));
  const matched = matchTruth(maps, runImages(library, run), withSmallEnding, mapForms);
  const notices = matchNotices(matched, (path) => path, 'map');
  const tally = new MapTally(labels.length);
  const refusals: string[] = [];
  let images = 0;
  for (const { truth, image } of matched.pairs) {
    const reason = await compare(library, run, image, join(folder, truth), tally);
    if (reason === undefined) images++;
    else refusals.push(`${truth}: ${reason}`);
  }
  if (images === 0) throw nothingCompared(folder, maps.length, matched.pairs.length, refusals);
  if (refusals.length > 0)
    notices.push(`${some(refusals.length, 'map')} could not be used, such as ${refusals[0]}.`);
  if (tally.unknown > 0)
    notices.push(
      `${some(tally.unknown, 'pixel')} of classes beyond the model's ${labels.length} not compared.`,
    );
  const { meanIou, pixelAccuracy, classes } = tally.result();
  const names = displayNames(labels);
  const listed = classes.flatMap(({ iou, pixels }, index) =>
    iou === undefined ? [] : [{ label: names[index] ?? '', iou, pixels }],
  );
  return { task: 'segmentation', images, notices, meanIou, pixelAccuracy, classes: listed };
}

/** The PNG files below a folder, as relative paths with forward slashes. */
async function listMaps(folder: string): Promise<string[]> {
  try {
    return (await listFiles(folder)).filter((path) => /\.png$/i.test(path));
  } catch (error) {
    if (!hasCode(error)) throw error;
    if (error.code === 'ENOTDIR')
      throw new AppError('BAD_ARGUMENT', `Expected a folder of PNG class maps, but ${folder} is a file`);
    if (error.code === 'ENOENT') throw new AppError('NOT_FOUND', `There is no folder ${folder}`);
    throw new AppError('FILE_SYSTEM', `The folder ${folder} cannot be read: ${error.message}`);
  }
}

const withSmallEnding = (path: string) => path.replace(/png$/i, 'png');

function nothingCompared(
  folder: string,
  maps: number,
  pairs: number,
  [refusal]: readonly string[],
): AppError {
  const came =
    maps === 0
      ? 'it holds no PNG'
      : pairs === 0
        ? `none of its ${some(maps, 'PNG')} has the path or name of one`
        : `none can be used, such as ${refusal ?? ''}`;
  return new AppError(
    'BAD_ARGUMENT',
    `Expected class maps of predicted images in ${folder}, but ${came}`,
    'A map is a PNG of one number per pixel, named like its image.',
  );
}

/** Counts the pixels of one image; returns the reason where it cannot be compared. */
async function compare(
  library: Library,
  run: RunRow,
  { imageId, width, height }: RunImage,
  path: string,
  tally: MapTally,
): Promise<string | undefined> {
  let truth: ClassMap;
  try {
    truth = await readClassMap(await readRegularFile(path, 'class map', LARGEST_MAP));
  } catch (error) {
    if (error instanceof AppError) return error.message;
    if (hasCode(error)) return `it cannot be read: ${error.message}`;
    throw error;
  }
  if (truth.width !== width || truth.height !== height)
    return `it has ${truth.width} x ${truth.height} pixels, its image ${width} x ${height}`;
  const masks = library.found.masks(run.id, [imageId]).get(imageId) ?? [];
  addMap(tally, truth, classMap(masks, width, height, tally.classes));
  return undefined;
}

function addMap(tally: MapTally, { values, depth }: ClassMap, found: Uint8Array | Uint16Array): void {
  const ignored = depth === 16 ? 0xffff : 0xff;
  for (const [pixel, value] of values.entries())
    if (value !== 0 && value !== ignored) tally.add(value - 1, (found[pixel] ?? 0) - 1, 1);
}
