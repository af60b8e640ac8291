import { totalmem } from 'node:os';
import { AppError } from '../shared/errors.ts';
import type { ImageDecoder, Picture } from './decode-image.ts';
import { PictureFiles } from './picture-files.ts';

/** Memory for decoded pictures: a quarter of the machine's, and no more than is good for the rest of it. */
export const PICTURE_MEMORY = Math.min(totalmem() / 4, 4 * 2 ** 30); // bytes

/** A picture that is kept has its shorter side at so many times the pixels that evaluation resizes it to, at most. */
const ROOM_FOR_CROPS = 1.5;

/** Resizes a picture whole; see NativeAddon.resize. */
export type Shrink = (picture: Picture, size: { width: number; height: number }) => Promise<Picture>;

/**
 * Decoded pictures of files. Training asks for the same ones in every epoch, so they stay in memory while there is room,
 * no larger than a crop of them can use; those beyond are decoded again each time. Which ones are kept changes no pixel.
 */
export class KeptPictures {
  readonly #files: PictureFiles;
  readonly #shrink: Shrink;
  readonly #memory: number;
  readonly #kept = new Map<string, Picture>();
  #resize: number | undefined;
  #bytes = 0;

  constructor(decoder: ImageDecoder, threads: number, shrink: Shrink, memory = PICTURE_MEMORY) {
    this.#files = new PictureFiles(decoder, threads);
    this.#shrink = shrink;
    this.#memory = memory;
  }

  /** Pictures for models whose evaluation resizes the shorter side to so many pixels; others are forgotten. */
  setResize(resize: number): void {
    if (resize === this.#resize) return;
    this.#kept.clear();
    this.#bytes = 0;
    this.#resize = resize;
  }

  /** The picture of a file. Throws BAD_IMAGE with the path and the reason. */
  async take(path: string): Promise<Picture> {
    const picture = await this.find(path);
    if (!('error' in picture)) return picture;
    throw new AppError(
      'BAD_IMAGE',
      `${path} cannot be read any more: ${picture.error}`,
      'Put it back, or start a training without it.',
    );
  }

  /** The picture of a file, or the reason why there is none. */
  async find(path: string): Promise<Picture | { error: string }> {
    const kept = this.#kept.get(path);
    if (kept !== undefined) return kept;
    const resize = this.#resize ?? 0;
    const file = await this.#files.decode(
      path,
      () => Math.round(resize * ROOM_FOR_CROPS),
      (decoded) => this.#fit(decoded, resize),
    );
    if ('error' in file) return { error: file.error };
    this.#keep(path, file.made, resize);
    return file.made;
  }

  async #fit(picture: Picture, resize: number): Promise<Picture> {
    const { width, height } = picture;
    const [shorter, room] = [Math.min(width, height), Math.round(resize * ROOM_FOR_CROPS)];
    if (shorter <= room) return picture;
    const side = (length: number) => Math.max(1, Math.round((length * room) / shorter));
    return this.#shrink(picture, { width: side(width), height: side(height) });
  }

  #keep(path: string, picture: Picture, resize: number): void {
    const bytes = picture.pixels.length;
    if (resize !== this.#resize || this.#bytes + bytes > this.#memory || this.#kept.has(path)) return;
    // A view of a larger buffer would keep all of that.
    const pixels = picture.pixels.buffer.byteLength === bytes ? picture.pixels : picture.pixels.slice();
    this.#kept.set(path, { ...picture, pixels });
    this.#bytes += bytes;
  }
}
