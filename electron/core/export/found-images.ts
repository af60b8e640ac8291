import type { FinderSays, ResultFilter } from '../../shared/api/results.ts';
import type { HumanBox } from '../../shared/api/review.ts';
import type { Box, Mask } from '../../shared/engine-api.ts';
import { decodeRuns, runsBox } from '../../shared/mask.ts';
import { displayNames } from '../models/class-names.ts';
import { shownScore } from '../../shared/found-score.ts';
import { finderSays } from '../results/box-counts.ts';
import { runRows } from '../results/run-rows.ts';
import type { StoredDetection, StoredMask } from '../store/tables/found.ts';
import type { Library } from '../store/library.ts';
import type { ResultRow } from '../store/tables/results.ts';
import type { Exported } from './columns.ts';
import type { OutputNames } from './output-names.ts';
import { TASKS } from '../../shared/tasks.ts';

const IMAGES_AT_ONCE = 50; // whose masks are held in memory
const MOVED = 0.01; // pixels

/** An image of a run with all that is exported of what is in it. */
export interface FoundImage {
  row: ResultRow;
  folder: string; // absolute
  path: string; // in the export, with forward slashes; no two images share one
  objects: FoundObject[];
}

/** An object, or all pixels of a class: as a person left it, else as the model found it. */
export interface FoundObject {
  id: string; // unique in the library
  label: string; // the person's, else the model's; as it is shown
  modelLabel: string | undefined; // undefined: a person drew it
  score: number | undefined; // the model's
  humanLabel: string | undefined;
  box: Box;
  mask: Mask | undefined; // undefined where a person moved the box
  finder?: FinderSays | undefined; // of a run that finds first, where the model found it
}

/**
 * The images of a run of a detection or segmentation model that pass the filter, some at a time. Where a person has
 * touched the boxes of an image, those are its objects; else the detections of at least the filter's score.
 */
export function* foundImages(
  library: Library,
  { run, model, finder }: Exported,
  filter: ResultFilter,
  names: OutputNames,
): Generator<FoundImage[]> {
  const labels = displayNames(model.manifest.labels);
  const kinds = finder && displayNames(finder.manifest.labels);
  const minScore = filter.minScore ?? shownScore(run.spec);
  for (const { folder, rows } of runRows(library, run, filter)) {
    for (let start = 0; start < rows.length; start += IMAGES_AT_ONCE) {
      const some = rows.slice(start, start + IMAGES_AT_ONCE);
      const ids = some.map(({ imageId }) => imageId);
      const detections = library.found.detections(run.id, ids);
      const masks = library.found.masks(run.id, ids);
      yield some.map((row) => {
        const found = {
          labels,
          kinds,
          detections: detections.get(row.imageId) ?? [],
          masks: masks.get(row.imageId) ?? [],
        };
        const objects =
          TASKS[model.manifest.task].foundIn === 'masks'
            ? regionsOf(row, found)
            : row.humanBoxes === undefined
              ? found.detections
                  .filter(({ score }) => score >= minScore)
                  .map((one) => detected(row, one, found))
              : row.humanBoxes.map((box, index) => left(row, box, index, run.id, found));
        return { row, folder, path: names.imagePath(folder, row.relativePath), objects };
      });
    }
  }
}

/** The size of a picture that was predicted, or whose boxes a person has touched; undefined for others. */
export function seenSize({ row }: FoundImage): { width: number; height: number } | undefined {
  const { width, height, status, humanBoxes } = row;
  if (width === undefined || height === undefined) return undefined;
  return status === 'ok' || humanBoxes !== undefined ? { width, height } : undefined;
}

interface Found {
  labels: readonly string[];
  kinds: readonly string[] | undefined; // of the finder, of a run that finds first
  detections: readonly StoredDetection[];
  masks: readonly StoredMask[];
}

function detected({ imageId }: ResultRow, detection: StoredDetection, found: Found): FoundObject {
  const { number, classIndex, score, box } = detection;
  const label = found.labels[classIndex] ?? '';
  const mask = maskOf(found, number);
  const finder = finderSays(detection, found.kinds);
  return {
    id: `${imageId}-${number}`,
    label,
    modelLabel: label,
    score,
    humanLabel: undefined,
    box,
    mask,
    finder,
  };
}

/** A box that a person left; it has the mask of the detection that it was while it lies where that lies. */
function left(
  { imageId }: ResultRow,
  { label, detection, ...box }: HumanBox,
  index: number,
  runId: number,
  found: Found,
): FoundObject {
  const origin =
    detection?.runId === runId
      ? found.detections.find(({ number }) => number === detection.number)
      : undefined;
  return {
    id: `${imageId}-p${index}`,
    label,
    modelLabel: origin && found.labels[origin.classIndex],
    score: origin?.score,
    humanLabel: label,
    box,
    mask: origin && isUnmoved(box, origin.box) ? maskOf(found, origin.number) : undefined,
    finder: origin && finderSays(origin, found.kinds),
  };
}

function regionsOf(row: ResultRow, { labels, masks }: Found): FoundObject[] {
  return masks.flatMap(({ number, classIndex, area, counts }) => {
    const box = runsBox(decodeRuns(counts), row.height ?? 1);
    const label = labels[classIndex] ?? '';
    if (box === undefined) return [];
    const id = `${row.imageId}-${number}`;
    return {
      id,
      label,
      modelLabel: label,
      score: undefined,
      humanLabel: undefined,
      box,
      mask: { area, counts },
    };
  });
}

function maskOf({ masks }: Found, number: number): Mask | undefined {
  const mask = masks.find((one) => one.number === number);
  return mask && { area: mask.area, counts: mask.counts };
}

function isUnmoved(box: Box, other: Box): boolean {
  const sides = ['x', 'y', 'width', 'height'] as const;
  return sides.every((side) => Math.abs(box[side] - other[side]) <= MOVED);
}
