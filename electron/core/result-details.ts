import { join } from 'node:path';
import type { ImageDetails, ResultItem } from '../shared/api/results.ts';
import type { Manifest, Preprocessing } from '../shared/model-package.ts';
import { displayNames } from './class-names.ts';
import { patchCount } from './flops.ts';
import { patchesKept } from './receipt-counts.ts';
import { describeRun } from './run-job.ts';
import type { Library } from './store/library.ts';
import type { PlacedRow } from './store/result-queries.ts';
import type { RunRow } from './store/runs.ts';

/** Items of a grid, in the order asked for; images that are not in the run are left out. */
export function describeItems(library: Library, run: RunRow, imageIds: readonly number[]): ResultItem[] {
  const { manifest } = library.models.get(run.spec.modelSha256);
  const names = displayNames(manifest.labels);
  return library.resultQueries.rows(run.id, imageIds).map((row) => toItem(row, names, manifest.depth));
}

/** All that is known of one image of a run; undefined when it is not in the run. */
export function describeImage(library: Library, run: RunRow, imageId: number): ImageDetails | undefined {
  const [row] = library.resultQueries.rows(run.id, [imageId]);
  if (row === undefined) return undefined;
  const { manifest } = library.models.get(run.spec.modelSha256);
  const names = displayNames(manifest.labels);
  const { receipt, width, height } = row;
  return {
    item: toItem(row, names, manifest.depth),
    path: join(row.folder, row.relativePath),
    ...{ fileSize: row.fileSize, modifiedMs: row.modifiedMs, capturedAt: row.capturedAt },
    top: row.top.map((score) => ({ ...score, label: names[score.classIndex] ?? '' })),
    ...{ humanLabel: row.humanLabel, receipt },
    patchGrid: Math.sqrt(patchCount(manifest)),
    crop:
      width === undefined || height === undefined
        ? undefined
        : modelCrop(manifest.preprocessing, width, height),
    tokensPerStage:
      receipt === undefined
        ? []
        : [patchCount(manifest), ...patchesKept(receipt, manifest.pruningLayers.length)],
    ...{ depth: manifest.depth, blockSelection: manifest.blockSelection },
    run: describeRun(library, run),
  };
}

/**
 * The part of an upright picture of `width` x `height` pixels that the model sees: the centre square of `crop` pixels of
 * the picture whose shorter side was resized to `resize` and whose longer side to int(resize * long / short). In pixels
 * of the upright picture, rounded to hundredths.
 */
export function modelCrop(
  { resize, crop }: Pick<Preprocessing, 'resize' | 'crop'>,
  width: number,
  height: number,
): { x: number; y: number; size: number } {
  const short = Math.min(width, height);
  const offset = (length: number) => {
    const resized = length === short ? resize : Math.floor((resize * length) / short);
    return hundredths((roundHalfToEven((resized - crop) / 2) * length) / resized);
  };
  return { x: offset(width), y: offset(height), size: hundredths((crop * short) / resize) };
}

function roundHalfToEven(value: number): number {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

function hundredths(value: number): number {
  return Math.round(value * 100) / 100;
}

function toItem(row: PlacedRow, names: readonly string[], depth: Manifest['depth']): ResultItem {
  const best = row.top[0];
  const modelLabel = best && names[best.classIndex];
  return {
    imageId: row.imageId,
    folderId: row.folderId,
    relativePath: row.relativePath,
    status: row.status,
    label: row.humanLabel ?? modelLabel,
    modelLabel,
    confidence: best?.confidence,
    verified: row.verified,
    error: row.error,
    work: row.blocksRun === undefined ? undefined : row.blocksRun / (2 * depth),
    width: row.width,
    height: row.height,
  };
}
