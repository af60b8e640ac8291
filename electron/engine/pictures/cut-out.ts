import type { Box } from '../../shared/engine-api.ts';
import type { Picture } from './picture.ts';
import type { PictureSize } from './shrink-on-load.ts';

/** The shorter side that a picture of this size is wanted at, for the shortest side of its crops to have so many pixels. */
export function sideForCrops(crops: readonly Box[], { width, height }: PictureSize, resize: number): number {
  const sides = crops.flatMap((box) => [box.width, box.height]);
  const shortest = Math.max(1, Math.min(width, height, ...sides));
  return Math.ceil((resize * Math.min(width, height)) / shortest);
}

/** The pixels of a box of the upright original, of which the picture may be a smaller one. */
export function cutOut(picture: Picture, box: Box, original: PictureSize): Picture {
  const [left, width] = span(box.x, box.width, original.width, picture.width);
  const [top, height] = span(box.y, box.height, original.height, picture.height);
  const pixels = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * picture.width + left) * 3;
    pixels.set(picture.pixels.subarray(start, start + width * 3), row * width * 3);
  }
  return { pixels, width, height };
}

/** First pixel and number of pixels of a length, inside of a side that has `pixels` of the original's `side`. */
function span(start: number, length: number, side: number, pixels: number): [number, number] {
  const scale = pixels / side;
  const first = Math.min(Math.max(0, Math.round(start * scale)), pixels - 1);
  const end = Math.min(Math.max(first + 1, Math.round((start + length) * scale)), pixels);
  return [first, end - first];
}
