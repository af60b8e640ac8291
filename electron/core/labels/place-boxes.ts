import type { Box, Mask } from '../../shared/engine-api.ts';
import type { SkipReason } from '../../shared/label-skips.ts';
import { runsArea } from '../../shared/mask.ts';
import type { Size } from '../../shared/resized-size.ts';
import { placeOf } from '../evaluate/marked-place.ts';
import type { RunLengths } from '../evaluate/segmentation.ts';
import type { LabelledMask } from './label-format.ts';
import { toMask } from './staging-tables.ts';
import type { StagedBox } from './staging-tables.ts';

const ROUNDING = 0.5; // pixels that boxes reach out by without being told of
const SAME_SHAPE = 0.01; // of two shapes of pictures, as a share

/** The picture that boxes lie in. */
export interface Frame {
  size: Size; // here
  /** Factors from pixels of when it was marked to those of here. */
  scale: { x: number; y: number };
}

/**
 * The picture here and how it was marked. `then` is undefined where a file does not say it. Pictures of other sides but the
 * same shape are the same at another scale; others are undefined: nobody knows where their boxes lie.
 */
export function frameOf(size: Size, then: Size | undefined): Frame | undefined {
  if (then === undefined || (then.width === size.width && then.height === size.height))
    return { size, scale: { x: 1, y: 1 } };
  const scale = { x: size.width / then.width, y: size.height / then.height };
  return Math.abs(scale.x / scale.y - 1) <= SAME_SHAPE ? { size, scale } : undefined;
}

export interface PlacedBox {
  box: Box;
  mask: Mask | undefined;
}

/** Where a box lies in its picture, cut at its sides; undefined when it does not. `skip` hears what was wrong. */
export function placeBox(
  staged: StagedBox,
  { size, scale }: Frame,
  skip: (reason: SkipReason) => void,
): PlacedBox | undefined {
  const factor = staged.isShare === 1 ? { x: size.width, y: size.height } : scale;
  const whole = toBox(staged, factor);
  const shape = toMask(staged);
  if (shape === undefined) {
    if (whole === undefined) {
      skip('badBox');
      return undefined;
    }
    const box = insidePicture(whole, size, skip);
    return box && { box, mask: undefined };
  }
  const { place, problem } = placeOf(
    {
      bbox: whole && [whole.x, whole.y, whole.width, whole.height],
      segmentation: scaled(shape, factor, scale),
    },
    size,
  );
  if (place === undefined) {
    skip('badBox');
    return undefined;
  }
  if (problem !== undefined) skip('badMask');
  const box = insidePicture(place.box, size, skip);
  const { hasMask, counts, area } = place;
  return box && { box, mask: hasMask ? { counts, area } : undefined };
}

/** Undefined for one that is none. */
function toBox({ x, y, width, height }: StagedBox, factor: Frame['scale']): Box | undefined {
  if (x === null || y === null || width === null || height === null) return undefined;
  const box = { x: x * factor.x, y: y * factor.y, width: width * factor.x, height: height * factor.y };
  return box.width > 0 && box.height > 0 && Object.values(box).every(Number.isFinite) ? box : undefined;
}

function scaled(shape: LabelledMask, factor: Frame['scale'], scale: Frame['scale']) {
  if (isRunLengths(shape)) {
    const fits = scale.x === 1 && scale.y === 1;
    return {
      shape: fits ? shape : undefined,
      problem: fits ? undefined : 'it is of a picture of another size',
    };
  }
  const rings = shape.map((ring) =>
    ring.map((value, index) => value * (index % 2 === 0 ? factor.x : factor.y)),
  );
  return { shape: rings, problem: undefined };
}

export function isRunLengths(shape: LabelledMask): shape is RunLengths {
  return 'counts' in shape;
}

function insidePicture(box: Box, size: Size, skip: (reason: SkipReason) => void): Box | undefined {
  const [left, top] = [Math.max(0, box.x), Math.max(0, box.y)];
  const right = Math.min(size.width, box.x + box.width);
  const bottom = Math.min(size.height, box.y + box.height);
  if (right <= left || bottom <= top) {
    skip('outside');
    return undefined;
  }
  const cut = Math.max(left - box.x, top - box.y, box.x + box.width - right, box.y + box.height - bottom);
  if (cut > ROUNDING) skip('clipped');
  return cut > 0 ? { x: left, y: top, width: right - left, height: bottom - top } : box;
}

/** The pixels of a mask that run lengths state; undefined of rings. */
export function areaOf(shape: LabelledMask): number | undefined {
  return isRunLengths(shape) && Array.isArray(shape.counts) ? runsArea(shape.counts) : undefined;
}
