import sharp from 'sharp';
import type { Sharp } from 'sharp';
import { LONGEST_DECODING, PictureError } from '../../shared/picture-problem.ts';
import { decodeHeic } from './decoder-threads.ts';
import { asPictureError, isHarmless } from './decoder-words.ts';
import { jpegDamage } from './jpeg-damage.ts';
import { LARGEST_PICTURE, loaders, readHeader } from './picture-header.ts';
import type { PictureHeader } from './picture-header.ts';
import type { Picture } from './picture.ts';
import { bytesPerPixel, cmykToRgb, depthOf, samplesToRgb } from './sample-types.ts';
import { fittingSize, shrunkSize } from './shrink-on-load.ts';

export type { PictureHeader } from './picture-header.ts';

/** How the host turns bytes into pictures; a test gives it another decoder. Both throw PictureError. */
export interface ImageDecoder {
  readHeader(bytes: Buffer): Promise<PictureHeader>;
  /** For a model that wants the shorter side resized to `resize` pixels. */
  decode(bytes: Buffer, header: PictureHeader, resize: number): Promise<Picture>;
}

/** From which of its complaints on libvips gives a picture up. */
type FailOn = 'warning' | 'error';

/** Sets libvips up for many small pictures: no cache, one thread for each, no loader but ours. */
export function prepareDecoder(): ImageDecoder {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: Object.values(loaders) });
  return { readHeader, decode };
}

/**
 * The first frame or page, turned upright, as PIL converts to RGB: an embedded colour profile is not applied,
 * alpha is dropped and not blended. 16 bits are shifted to 8; samples of other types become 8 bits by the rule of
 * samplesToRgb. A large JPEG is shrunk while it is decoded (shrunkSize), and every picture that is too large to lie in
 * memory whole (fittingSize); colours are then weighted by alpha, so what is transparent becomes black.
 */
async function decode(file: Buffer, header: PictureHeader, resize: number): Promise<Picture> {
  const bytes = header.inside ?? file;
  const picture = header.isHeic
    ? await decodeHeic(bytes)
    : (header.picture ?? (await heedWarnings((failOn) => decodeByLibvips(bytes, header, resize, failOn))));
  const { width, height, pixels, warning } = picture;
  if (pixels.length !== width * height * 3) {
    const details = `${pixels.length} bytes for ${width} x ${height} pixels`;
    throw new PictureError({ code: 'wrongSize', details });
  }
  if (warning !== undefined || header.format !== 'jpeg') return picture;
  const damage = jpegDamage(bytes);
  return damage === undefined ? picture : { ...picture, warning: { code: 'damagedParts', details: damage } };
}

/**
 * Warnings of decoders are heard only where they are errors. A picture that has one is decoded again without heeding
 * them: what is an error then makes it fail, and else the warning goes with it.
 */
async function heedWarnings(decodeFrom: (failOn: FailOn) => Promise<Picture>): Promise<Picture> {
  try {
    return await decodeFrom('warning');
  } catch (error) {
    if (!(error instanceof PictureError) || error.problem.code === 'tooSlow') throw error;
    const picture = await decodeFrom('error');
    const { details } = error.problem;
    return isHarmless(details) ? picture : { ...picture, warning: { code: 'damagedParts', details } };
  }
}

async function decodeByLibvips(
  bytes: Buffer,
  header: PictureHeader,
  resize: number,
  failOn: FailOn,
): Promise<Picture> {
  const whole = sharp(bytes, {
    ignoreIcc: true,
    failOn,
    limitInputPixels: LARGEST_PICTURE,
    limitInputChannels: false,
  })
    .timeout({ seconds: LONGEST_DECODING })
    .autoOrient();
  const fitted = fittingSize(
    header,
    resize,
    header.samples === undefined ? 3 : bytesPerPixel(header.samples),
  );
  if (header.samples !== undefined) {
    // Triangles, since a filter with negative parts could make a float larger than 1.
    const fitting = fitted === undefined ? whole : whole.resize({ ...fitted, fit: 'fill', kernel: 'linear' });
    return decodeSamples(fitting, header.samples);
  }
  const isCmyk = header.space === 'cmyk';
  const size = (header.format === 'jpeg' && !isCmyk ? shrunkSize(header, resize) : undefined) ?? fitted;
  const picture = size === undefined ? whole : whole.resize({ ...size, fit: 'fill', kernel: 'lanczos3' });
  if (isCmyk) {
    const cmyk = await decodeRaw(picture.pipelineColourspace('cmyk').toColourspace('cmyk'));
    return { ...cmyk, pixels: cmykToRgb(cmyk.pixels) };
  }
  return decodeRaw(picture.removeAlpha().toColourspace('srgb'));
}

async function decodeSamples(whole: Sharp, samples: NonNullable<PictureHeader['samples']>): Promise<Picture> {
  const type = depthOf(samples);
  if (type === undefined) {
    const details = `${samples.channels} channels of ${samples.bits} bits (${samples.kind}, ${samples.space})`;
    throw new PictureError({ code: 'unknownKind', details });
  }
  const raw = whole.toColourspace('multiband').raw({ depth: type.depth });
  const { data, info } = await asPictureError(raw.toBuffer({ resolveWithObject: true }));
  const { width, height } = info;
  return { width, height, pixels: samplesToRgb(type.view(data), samples, { width, height }) };
}

async function decodeRaw(picture: Sharp): Promise<Picture> {
  const raw = picture.raw({ depth: 'uchar' });
  const { data, info } = await asPictureError(raw.toBuffer({ resolveWithObject: true }));
  return { pixels: data, width: info.width, height: info.height };
}
