import { join } from 'node:path';
import type { FoundBox, ImageDetails, ImageMasks, ItemBox, ResultItem } from '../../shared/api/results.ts';
import type { HumanBox } from '../../shared/api/review.ts';
import type { Box } from '../../shared/engine-api.ts';
import { isToolManifest } from '../../shared/model-package.ts';
import type { Manifest, Preprocessing, RunManifest } from '../../shared/model-package.ts';
import type { PredictedSpec, RunSpec } from '../../shared/run.ts';
import { resizedSize, scaledStride, slideWindows } from '../../shared/resized-size.ts';
import type { Size } from '../../shared/resized-size.ts';
import { displayNames } from '../models/class-names.ts';
import { atInputSize, patchCount } from '../models/flops.ts';
import { finderSays } from './box-counts.ts';
import { heldLabel, leastScore } from './held-label.ts';
import { patchesKept, windowsOf } from '../models/receipt-counts.ts';
import { describeRun } from './describe-run.ts';
import type { StoredDetection, StoredMask } from '../store/tables/found.ts';
import type { Library } from '../store/library.ts';
import type { PlacedRow } from '../store/lists/result-queries.ts';
import type { RunRow } from '../store/tables/runs.ts';
import { forTask, TASKS } from '../../shared/tasks.ts';

/** Boxes on a thumbnail: more of them would cover it. */
const ITEM_BOXES = 20;

/** Items of a grid, in the order asked for; images that are not in the run are left out. */
export function describeItems(
  library: Library,
  run: RunRow,
  imageIds: readonly number[],
  minScore?: number,
): ResultItem[] {
  const { manifest } = library.models.get(run.spec.modelSha256);
  const names = displayNames(manifest.labels);
  const rows = library.resultQueries.rows(run.id, imageIds);
  const depth = isToolManifest(manifest) ? 0 : manifest.depth;
  const shown = { names, depth, minScore: leastScore(manifest.task, minScore, run.spec) };
  if (!TASKS[manifest.task].hasScores) return rows.map((row) => toItem(row, shown, []));
  const found = library.found.detections(run.id, imageIds, 0, ITEM_BOXES);
  return rows.map((row) => toItem(row, shown, itemBoxes(row, found.get(row.imageId) ?? [], names)));
}

/** All that is known of one image of a run; undefined when it is not in the run. */
export function describeImage(
  library: Library,
  run: RunRow,
  imageId: number,
  minScore?: number,
): ImageDetails | undefined {
  const [row] = library.resultQueries.rows(run.id, [imageId]);
  const [item] = describeItems(library, run, [imageId], minScore);
  if (row === undefined || item === undefined) return undefined;
  const { manifest } = library.models.get(run.spec.modelSha256);
  const names = displayNames(manifest.labels);
  const { receipt, humanLabel, humanBoxes } = row;
  const { find } = run.spec;
  const kinds = find && displayNames(library.models.get(find.modelSha256).manifest.labels);
  return {
    item,
    path: join(row.folder, row.relativePath),
    fileSize: row.fileSize,
    modifiedMs: row.modifiedMs,
    capturedAt: row.capturedAt,
    capturedOffset: row.capturedOffset,
    top: row.top.map((score) => ({ ...score, label: names[score.classIndex] ?? '' })),
    humanLabel,
    reviewedBy: row.reviewedBy,
    suggestion: humanLabel === undefined ? library.reviews.suggestion(run.id, imageId) : undefined,
    receipt,
    task: manifest.task,
    detections:
      library.found
        .detections(run.id, [imageId])
        .get(imageId)
        ?.map((detection) => toFoundBox(detection, names, kinds)) ?? [],
    humanBoxes,
    regions: TASKS[manifest.task].foundIn === 'masks' ? regionsOf(library, run, row, names) : [],
    ...describeSight(manifest, run.spec, row),
    run: describeRun(library, run),
  };
}

type Sight = Pick<ImageDetails, 'patchGrid' | 'crops' | 'tokensPerStage' | 'depth' | 'blockSelection'>;

/** How the model saw a picture; nothing of that is known of another tool. */
function describeSight(manifest: RunManifest, spec: RunSpec, row: PlacedRow): Sight {
  if (isToolManifest(manifest) || spec.imported !== undefined)
    return { patchGrid: 0, crops: [], tokensPerStage: [], depth: 0, blockSelection: false };
  const { depth, blockSelection, pruningLayers } = manifest;
  const patches = patchCount(atInputSize(manifest, spec.preset.inputSize));
  const { receipt } = row;
  const tokensPerStage =
    receipt === undefined
      ? []
      : [patches * windowsOf(receipt, depth), ...patchesKept(receipt, pruningLayers.length)];
  const crops = cropsOf(manifest, spec, row);
  return { patchGrid: Math.sqrt(patches), crops, tokensPerStage, depth, blockSelection };
}

/** Pixels of what the model found in an image; undefined when the image is not in the run. */
export function describeMasks(library: Library, run: RunRow, imageId: number): ImageMasks | undefined {
  const [row] = library.resultQueries.rows(run.id, [imageId]);
  if (row === undefined) return undefined;
  const names = displayNames(library.models.get(run.spec.modelSha256).manifest.labels);
  const masks = library.found.masks(run.id, [imageId]).get(imageId) ?? [];
  return {
    width: row.width ?? 0,
    height: row.height ?? 0,
    masks: masks.map(({ number, classIndex, counts }) => {
      return { number, classIndex, label: names[classIndex] ?? '', counts };
    }),
  };
}

function toFoundBox(
  { number, classIndex, score, box, maskArea, scores }: StoredDetection,
  names: readonly string[],
  kinds: readonly string[] | undefined,
): FoundBox {
  const finder = finderSays({ scores }, kinds);
  const shown = { ...box, number, classIndex, label: names[classIndex] ?? '', score, maskArea };
  return finder === undefined ? shown : { ...shown, finder };
}

function regionsOf(
  library: Library,
  run: RunRow,
  { imageId, width = 0, height = 0 }: PlacedRow,
  names: readonly string[],
): ImageDetails['regions'] {
  const masks = library.found.masks(run.id, [imageId]).get(imageId) ?? [];
  return masks
    .sort((one: StoredMask, other: StoredMask) => other.area - one.area)
    .map(({ classIndex, area }) => {
      return { classIndex, label: names[classIndex] ?? '', share: area / (width * height) };
    });
}

/** A person's boxes, else the model's, as shares of the picture's sides. */
function itemBoxes(
  { width, height, humanBoxes }: PlacedRow,
  found: readonly StoredDetection[],
  names: readonly string[],
): ItemBox[] {
  if (width === undefined || height === undefined) return [];
  const share = (box: Box): Box => ({
    x: box.x / width,
    y: box.y / height,
    width: box.width / width,
    height: box.height / height,
  });
  if (humanBoxes !== undefined) {
    const boxes = humanBoxes.slice(0, ITEM_BOXES);
    return boxes.map((box: HumanBox) => ({ ...share(box), label: box.label, score: undefined }));
  }
  return found.map(({ box, classIndex, score }) => ({
    ...share(box),
    label: names[classIndex] ?? '',
    score,
  }));
}

/** How the model saw an upright picture, in its pixels; see ImageDetails. */
function cropsOf(
  manifest: Manifest,
  { preset, slideStride }: PredictedSpec,
  row: PlacedRow,
): ImageDetails['crops'] {
  const { width, height } = row;
  if (width === undefined || height === undefined) return [];
  return forTask<Manifest, ImageDetails['crops']>(manifest, {
    classification: ({ preprocessing }) => [modelCrop(preprocessing, width, height)],
    segmentation: ({ imageSize, head }) => {
      const size = preset.inputSize ?? imageSize;
      return windowsIn(
        { width, height },
        size,
        scaledStride(slideStride ?? head.slideStride, size, imageSize),
      );
    },
    detection: () => [{ x: 0, y: 0, size: Math.max(width, height) }],
  });
}

/**
 * The windows of a segmentation model in an upright picture, in its pixels; `size`, `stride`: in those of the resized one.
 */
function windowsIn({ width, height }: Size, size: number, stride: number): ImageDetails['crops'] {
  const resized = resizedSize({ width, height }, { task: 'segmentation', size });
  const [across, down] = [width / resized.width, height / resized.height];
  return slideWindows(resized, size, stride).map(({ x, y }) => ({
    x: hundredths(x * across),
    y: hundredths(y * down),
    size: hundredths((size * Math.max(width, height)) / Math.max(resized.width, resized.height)),
  }));
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

function toItem(
  row: PlacedRow,
  { names, depth, minScore }: { names: readonly string[]; depth: number; minScore: number },
  boxes: ItemBox[],
): ResultItem {
  const { label, predicted, confidence } = heldLabel(row, names, minScore);
  return {
    imageId: row.imageId,
    folderId: row.folderId,
    relativePath: row.relativePath,
    status: row.status,
    label,
    modelLabel: predicted,
    confidence,
    verified: row.verified,
    error: row.error,
    warning: row.warning,
    problem: row.problem,
    work: row.blocksRun === undefined ? undefined : row.blocksRun / (2 * depth),
    width: row.width,
    height: row.height,
    boxes,
  };
}
