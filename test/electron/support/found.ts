import type { Box, Detection, Mask, Region } from '../../../electron/shared/engine-api.ts';
import { encodeRuns, fromBitmap, runsArea } from '../../../electron/shared/mask.ts';
import type {
  DetectionManifest,
  Label,
  Manifest,
  SegmentationManifest,
} from '../../../electron/shared/model-package.ts';
import { readManifest } from '../../../electron/core/packages/read-package.ts';
import { everyday10 } from './models.ts';

/** A made-up detection: its class, its score, and its box as x, y, width, height. */
export type MadeDetection = [classIndex: number, score: number, ...box: [number, number, number, number]];

/** A made-up region: its class, and the rectangle of its pixels. */
export type MadeRegion = [classIndex: number, ...box: [number, number, number, number]];

/** What a detection model, or a segmentation model, is to have found in a picture of `size`. */
export interface MadeUp {
  detections?: MadeDetection[];
  regions?: MadeRegion[];
}

type Size = readonly [width: number, height: number];

/** The manifest of a detection model that nobody has trained. */
export async function detectorManifest(labels: Label[]): Promise<DetectionManifest> {
  return {
    ...(await denseManifest(labels)),
    task: 'detection',
    head: { width: 16, boxWidth: 32, stages: 1, boxPerClass: false },
  };
}

/** The manifest of a segmentation model that nobody has trained. */
export async function segmenterManifest(labels: Label[]): Promise<SegmentationManifest> {
  return {
    ...(await denseManifest(labels)),
    task: 'segmentation',
    head: { taps: [1, 3, 5, 7], width: 16, poolScales: [1, 2, 3, 6], slideStride: 20 },
  };
}

async function denseManifest(labels: Label[]) {
  const { preprocessing, architecture, ...common } = await readClassifier();
  const { mean, std } = preprocessing;
  return {
    ...common,
    labels,
    classes: labels.length,
    architecture: 'vim' as const,
    halveDirections: architecture === 'vim',
    rotary: false,
    preprocessing: { mean, std },
    training: undefined, // by nobody
  };
}

async function readClassifier() {
  const manifest: Manifest = await readManifest(everyday10);
  if (manifest.task !== 'classification') throw new Error('everyday10 classifies');
  return manifest;
}

/** The detections and regions as an engine gives them: masks fill the boxes. */
export function makeFound(
  { detections, regions }: MadeUp,
  size: Size,
): { detections?: Detection[]; regions?: Region[] } {
  const found: { detections?: Detection[]; regions?: Region[] } = {};
  if (detections !== undefined) found.detections = detections.map((made) => makeDetection(made, size));
  if (regions !== undefined) found.regions = regions.map((made) => makeRegion(made, size));
  return found;
}

function makeDetection([classIndex, score, x, y, width, height]: MadeDetection, size: Size): Detection {
  const box = { x, y, width, height };
  return { classIndex, score, box, mask: maskOf(box, size) };
}

function makeRegion([classIndex, x, y, width, height]: MadeRegion, size: Size): Region {
  return { classIndex, mask: maskOf({ x, y, width, height }, size) };
}

/** The pixels of a picture whose centres lie in a box. */
export function maskOf(box: Box, [width, height]: Size): Mask {
  const bitmap = Uint8Array.from({ length: width * height }, (_, index) => {
    const [x, y] = [(index % width) + 0.5 - box.x, Math.floor(index / width) + 0.5 - box.y];
    return Number(x >= 0 && x < box.width && y >= 0 && y < box.height);
  });
  const runs = fromBitmap(bitmap, width, height);
  return { area: runsArea(runs), counts: encodeRuns(runs) };
}
