import type { PictureProblem } from '../../shared/picture-problem.ts';
import type { PictureSize } from './shrink-on-load.ts';

/** RGB, 8 bit, row-major, upright: width x height x 3 bytes. Large pictures may be smaller than their header says. */
export interface Picture extends PictureSize {
  pixels: Uint8Array;
  /** What the decoder stumbled over without giving up. */
  warning?: PictureProblem | undefined;
}
