import type { ModelInput } from './engine-api.ts';
import { forTask } from './tasks.ts';

/** Pixels, upright. */
export interface Size {
  width: number;
  height: number;
}

/** What a segmentation or detection model wants of a picture. */
export type DenseInput = Exclude<ModelInput, { task: 'classification' }>;

const LONGEST = 4; // times the shorter side, of a segmented picture

/**
 * The size that a picture is resized to for a model. Segmentation (mmcv's keep-ratio rescale to the pair (4 size, size)):
 * the shorter side becomes `size` unless the longer would be more than 4 `size` then. Detection (detectron2's
 * ResizeShortestEdge with both of its bounds equal): the longer side becomes `size`. Every side is at least one pixel.
 */
export function resizedSize(picture: Size, input: DenseInput): Size {
  return forTask(input, {
    segmentation: ({ size }) => shorterSideTo(size, picture),
    detection: ({ size }) => longerSideTo(size, picture),
  });
}

function shorterSideTo(size: number, { width, height }: Size): Size {
  const factor = Math.min((LONGEST * size) / Math.max(width, height), size / Math.min(width, height));
  return { width: rounded(width * factor), height: rounded(height * factor) };
}

function longerSideTo(size: number, { width, height }: Size): Size {
  const shorter = Math.min(width, height);
  const factor = size / shorter;
  const scale = (side: number) => (side === shorter ? size : factor * side);
  const scaled = { width: scale(width), height: scale(height) };
  const excess = Math.max(scaled.width, scaled.height);
  const cap = excess > size ? size / excess : 1;
  return { width: rounded(scaled.width * cap), height: rounded(scaled.height * cap) };
}

/** Half of a pixel is a pixel, as both originals have it. */
function rounded(value: number): number {
  return Math.max(1, Math.trunc(value + 0.5));
}

/** Pixels from one window to the next at an input size, of a stride that is given at the trained image size. */
export function scaledStride(slideStride: number, inputSize: number, imageSize: number): number {
  return Math.max(1, Math.floor((slideStride * inputSize) / imageSize + 0.5));
}

/**
 * The left upper corners of the windows of `size` x `size` pixels that slide over a resized picture, row by row from the
 * left; the last of a row or column is moved back inside. A picture that is narrower than a window has it at 0.
 */
export function slideWindows(
  { width, height }: Size,
  size: number,
  stride: number,
): { x: number; y: number }[] {
  const xs = windowStarts(width, size, stride);
  return windowStarts(height, size, stride).flatMap((y) => xs.map((x) => ({ x, y })));
}

function windowStarts(length: number, size: number, stride: number): number[] {
  const count = Math.floor(Math.max(length - size + stride - 1, 0) / stride) + 1;
  return Array.from({ length: count }, (_, index) => Math.max(Math.min(index * stride, length - size), 0));
}
