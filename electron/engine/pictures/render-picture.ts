import sharp from 'sharp';
import type { Sharp } from 'sharp';
import type { Box, Mark, PictureCalls, RenderedPicture, RenderOptions } from '../../shared/engine-api.ts';
import type { ImageDecoder } from './decode-image.ts';
import type { Picture } from './picture.ts';
import { asPictureError } from './decoder-words.ts';
import { drawTexts, paintMarks } from './draw-marks.ts';
import { pictureSize } from './picture-size.ts';
import { readImageFile } from './read-image-file.ts';
import PQueue from 'p-queue';

const RENDERED_AT_ONCE = 2; // pictures, while nothing is predicted
const THUMBNAIL = { quality: 80, effort: 2 };
const WHOLE_PICTURE = { quality: 90 };
const CROP = { quality: 95, chromaSubsampling: '4:4:4' };
const OVERLAY = { compressionLevel: 4 };
const LONGEST_RENDERING = 60; // seconds

/**
 * Makes pictures for people, in sRGB by the embedded colour profile. As much of a damaged picture as can be decoded is
 * shown. Some at a time, and one at a time while `isPredicting`, so that a run hardly notices.
 */
export class PictureRenderer implements Omit<PictureCalls, 'attention'> {
  readonly #decoder: ImageDecoder;
  readonly #isPredicting: () => boolean;
  readonly #rendering = new PQueue({ concurrency: RENDERED_AT_ONCE });
  readonly #besideRun = new PQueue({ concurrency: 1 });

  constructor(decoder: ImageDecoder, isPredicting: () => boolean) {
    this.#decoder = decoder;
    this.#isPredicting = isPredicting;
  }

  render(path: string, options: RenderOptions): Promise<RenderedPicture> {
    return this.#inTurn(() => this.#render(path, options));
  }

  crop(path: string, boxes: readonly Box[]): Promise<(Uint8Array | undefined)[]> {
    return this.#inTurn(async () => {
      const { pixels, width, height } = await this.#pixels(path);
      const crops: (Uint8Array | undefined)[] = [];
      for (const box of boxes) {
        const region = wholePixels(box, width, height);
        const part = sharp(pixels, { raw: { width, height, channels: 3 } });
        crops.push(region && (await part.extract(region).jpeg(CROP).toBuffer()));
      }
      return crops;
    });
  }

  size(path: string): Promise<{ width: number; height: number }> {
    return this.#inTurn(() => pictureSize(path, this.#decoder));
  }

  overlay(path: string, marks: readonly Mark[]): Promise<Uint8Array> {
    return this.#inTurn(async () => {
      const picture = await this.#pixels(path);
      paintMarks(picture, marks);
      const { pixels, width, height } = picture;
      const painted = sharp(pixels, { raw: { width, height, channels: 3 } });
      return painted
        .composite(await drawTexts(marks, picture))
        .removeAlpha()
        .png(OVERLAY)
        .toBuffer();
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    return this.#rendering.add(() => (this.#isPredicting() ? this.#besideRun.add(work) : work()));
  }

  async #pixels(path: string): Promise<Picture> {
    const { bytes } = await readImageFile(path);
    const picture = (await this.#open(bytes, undefined)).timeout({ seconds: LONGEST_RENDERING });
    const opaque = picture.flatten({ background: '#ffffff' }).toColourspace('srgb');
    const { data, info } = await asPictureError(
      opaque.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }),
    );
    return { pixels: data, width: info.width, height: info.height };
  }

  async #render(path: string, { maxSide }: RenderOptions): Promise<RenderedPicture> {
    const { bytes } = await readImageFile(path);
    const picture = (await this.#open(bytes, maxSide)).timeout({ seconds: LONGEST_RENDERING });
    if (maxSide === undefined) {
      const jpeg = picture.flatten({ background: '#ffffff' }).jpeg(WHOLE_PICTURE);
      return { bytes: await asPictureError(jpeg.toBuffer()), type: 'image/jpeg' };
    }
    const shrunk = picture.resize({
      width: maxSide,
      height: maxSide,
      fit: 'inside',
      withoutEnlargement: true,
    });
    return { bytes: await asPictureError(shrunk.webp(THUMBNAIL).toBuffer()), type: 'image/webp' };
  }

  async #open(bytes: Buffer, maxSide: number | undefined): Promise<Sharp> {
    const header = await this.#decoder.readHeader(bytes);
    // libvips cannot read HEIC, nor samples of every type; the model's decoder knows better.
    if (!header.isHeic && header.samples === undefined && header.picture === undefined)
      return sharp(header.inside ?? bytes, { failOn: 'none', autoOrient: true });
    const { pixels, width, height } = await this.#decoder.decode(bytes, header, maxSide ?? Infinity);
    return sharp(pixels, { raw: { width, height, channels: 3 } });
  }
}

/** The pixels that a box touches, as far as they are in the picture; undefined when none is. */
function wholePixels(box: Box, width: number, height: number) {
  const [left, top] = [Math.max(0, Math.floor(box.x)), Math.max(0, Math.floor(box.y))];
  const right = Math.min(width, Math.ceil(box.x + box.width));
  const bottom = Math.min(height, Math.ceil(box.y + box.height));
  return right > left && bottom > top ? { left, top, width: right - left, height: bottom - top } : undefined;
}
