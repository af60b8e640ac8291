import { createHash } from 'node:crypto';
import type { InspectedPicture, InspectOptions, PictureToRead } from '../../shared/trainer-api.ts';
import { problemText } from '../../shared/picture-problem.ts';
import type { Picture } from './picture.ts';
import type { KeptPictures, Shrink } from './kept-pictures.ts';

/** Rows of the small grey picture, and pixels of each that are compared with their right neighbour. */
const GRID = 8;

/** What is known of the picture in a file. */
export async function inspectPicture(
  wanted: PictureToRead,
  options: InspectOptions,
  pictures: KeptPictures,
  shrink: Shrink,
): Promise<InspectedPicture> {
  const file = await pictures.look(wanted, options, async (picture, { width, height }, bytes) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    return { width, height, dHash: await lookOf(picture, shrink), sha256 };
  });
  return 'problem' in file ? { error: problemText(file.problem) } : file.made;
}

/** dHash: bit by bit, whether a pixel of the picture at 9 x 8 is brighter than the one to its right. 64 bits, hex. */
export async function lookOf(picture: Picture, shrink: Shrink): Promise<string> {
  const { pixels } = await shrink(picture, { width: GRID + 1, height: GRID });
  const grey = (row: number, column: number) => {
    const at = 3 * (row * (GRID + 1) + column);
    return 299 * (pixels[at] ?? 0) + 587 * (pixels[at + 1] ?? 0) + 114 * (pixels[at + 2] ?? 0); // ITU-R BT.601
  };
  let bits = 0n;
  for (let row = 0; row < GRID; row++)
    for (let column = 0; column < GRID; column++)
      bits = (bits << 1n) | (grey(row, column) > grey(row, column + 1) ? 1n : 0n);
  return bits.toString(16).padStart((GRID * GRID) / 4, '0');
}
