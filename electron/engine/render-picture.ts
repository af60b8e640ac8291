import sharp from 'sharp';
import type { Sharp } from 'sharp';
import type { RenderedPicture, RenderOptions } from '../shared/engine-api.ts';
import { badImage } from './decode-image.ts';
import type { ImageDecoder } from './decode-image.ts';
import { readImageFile } from './read-image-file.ts';
import { Turns } from './turns.ts';

const RENDERED_AT_ONCE = 2; // pictures, while nothing is predicted
const THUMBNAIL = { quality: 80, effort: 2 };
const WHOLE_PICTURE = { quality: 90 };
const LONGEST_RENDERING = 60; // seconds

/**
 * Makes pictures for the screen: upright, in sRGB by the embedded colour profile, whole or shrunk. As much of a damaged
 * picture as can be decoded is shown. Some at a time, and one at a time while `isPredicting`, so that a run hardly
 * notices.
 */
export class PictureRenderer {
  readonly #decoder: ImageDecoder;
  readonly #isPredicting: () => boolean;
  readonly #turns = new Turns(RENDERED_AT_ONCE);
  readonly #besideRun = new Turns(1);

  constructor(decoder: ImageDecoder, isPredicting: () => boolean) {
    this.#decoder = decoder;
    this.#isPredicting = isPredicting;
  }

  /** Throws BAD_IMAGE with the reason. */
  render(path: string, options: RenderOptions): Promise<RenderedPicture> {
    const work = () => this.#render(path, options);
    return this.#turns.take(() => (this.#isPredicting() ? this.#besideRun.take(work) : work()));
  }

  async #render(path: string, { maxSide }: RenderOptions): Promise<RenderedPicture> {
    const { bytes } = await readImageFile(path);
    const picture = (await this.#open(bytes, maxSide)).timeout({ seconds: LONGEST_RENDERING });
    if (maxSide === undefined) {
      const jpeg = picture.flatten({ background: '#ffffff' }).jpeg(WHOLE_PICTURE);
      return { bytes: await badImage(jpeg.toBuffer()), type: 'image/jpeg' };
    }
    const shrunk = picture.resize({
      ...{ width: maxSide, height: maxSide },
      ...{ fit: 'inside', withoutEnlargement: true },
    });
    return { bytes: await badImage(shrunk.webp(THUMBNAIL).toBuffer()), type: 'image/webp' };
  }

  async #open(bytes: Buffer, maxSide: number | undefined): Promise<Sharp> {
    const header = await this.#decoder.readHeader(bytes);
    // libvips cannot read HEIC and would take floats from 0 to 1 for black; the model's decoder knows better.
    if (!header.isHeic && header.depth !== 'float')
      return sharp(header.preview ?? bytes, { failOn: 'none', autoOrient: true });
    const { pixels, width, height } = await this.#decoder.decode(bytes, header, maxSide ?? Infinity);
    return sharp(pixels, { raw: { width, height, channels: 3 } });
  }
}
