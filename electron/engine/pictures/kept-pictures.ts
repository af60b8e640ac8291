import { totalmem } from 'node:os';
import type { Box, ImageFacts } from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import { problemText } from '../../shared/picture-problem.ts';
import type { InspectOptions, PictureToRead, PictureUse } from '../../shared/trainer-api.ts';
import { cutOut, sideForCrops } from './cut-out.ts';
import type { PictureSize } from './shrink-on-load.ts';
import type { Picture } from './picture.ts';
import type { FromFile, PictureFiles } from './picture-files.ts';
import { isCurrent } from './read-image-file.ts';

/** Memory for decoded pictures: a quarter of the machine's, and no more than is good for the rest of it. */
export const PICTURE_MEMORY = Math.min(totalmem() / 4, 4 * 2 ** 30); // bytes

/** A picture has its shorter side at so many times the pixels that evaluation resizes it to, at most. */
const ROOM_FOR_CROPS = 1.5;

/** Resizes a picture whole; see NativeAddon.resize. */
export type Shrink = (
  picture: Picture,
  size: { width: number; height: number },
  filter?: 'smooth' | 'sampled',
) => Promise<Picture>;

interface Kept {
  picture: Picture;
  version: ImageFacts['version'];
}

/**
 * Decoded pictures of files. Training asks for those that were looked at before it, and for the same ones in every epoch,
 * so they stay in memory while there is room, no larger than a crop of them can use; those beyond are decoded again each
 * time. Which ones are kept changes no pixel: all are shrunk alike, and a file that has changed or gone since counts as it
 * is now.
 */
export class KeptPictures {
  readonly #files: PictureFiles;
  readonly #shrink: Shrink;
  readonly #memory: number;
  readonly #kept = new Map<string, Kept>();
  #use: PictureUse = { resize: 0 };
  #bytes = 0;

  /** `memory`: bytes for pictures that are kept. */
  constructor(files: PictureFiles, shrink: Shrink, memory = PICTURE_MEMORY) {
    this.#files = files;
    this.#shrink = shrink;
    this.#memory = memory;
  }

  /** The picture of a file, for a model's evaluation. Throws BAD_IMAGE with the path and the reason. */
  async take(wanted: PictureToRead, use: PictureUse): Promise<Picture> {
    const picture = await this.find(wanted, use);
    if (!('error' in picture)) return picture;
    throw new AppError(
      'BAD_IMAGE',
      `${partsOf(wanted).path} cannot be read any more: ${picture.error}`,
      'Put it back, or start a training without it.',
    );
  }

  /** The picture of a file, or the reason why there is none. */
  async find(wanted: PictureToRead, use: PictureUse): Promise<Picture | { error: string }> {
    this.#useFor(use);
    const { path, key } = partsOf(wanted);
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      if (await isCurrent(path, kept.version)) return kept.picture;
      this.#forget(key, kept);
    }
    const file = await this.#decode(wanted, use, (decoded) => this.#fit(decoded, use));
    if ('problem' in file) return { error: problemText(file.problem) };
    this.#keep(key, { picture: file.made, version: file.facts.version }, use);
    return file.made;
  }

  /**
   * What `make` makes of the picture in a file, and of the file's bytes, or the reason why there is none. The picture is
   * kept where `keep` says so.
   */
  async look<Made>(
    wanted: PictureToRead,
    { keep, ...use }: InspectOptions,
    make: (picture: Picture, size: PictureSize, bytes: Buffer) => Promise<Made>,
  ): Promise<FromFile<Made>> {
    if (keep) this.#useFor(use);
    const file = await this.#decode(wanted, use, async (decoded, header, bytes) => ({
      made: await make(decoded, header, bytes),
      picture: keep && this.#bytes < this.#memory ? await this.#fit(decoded, use) : undefined,
    }));
    if ('problem' in file) return file;
    const { facts, warning } = file;
    const { made, picture } = file.made;
    if (picture !== undefined) this.#keep(partsOf(wanted).key, { picture, version: facts.version }, use);
    return { facts, made, warning };
  }

  /** What `make` makes of the picture, or of the part of it that is wanted, with its size in the upright original. */
  #decode<Made>(
    wanted: PictureToRead,
    use: PictureUse,
    make: (picture: Picture, size: PictureSize, bytes: Buffer) => Promise<Made>,
  ): Promise<FromFile<Made>> {
    const room = use.isSampled === true ? Infinity : roomFor(use); // a decoder that shrinks averages pixels
    const { path, box } = partsOf(wanted);
    if (box === undefined) return this.#files.decode(path, () => room, make);
    return this.#files.decode(
      path,
      (header) => sideForCrops([box], header, room),
      (decoded, header, bytes) => make(cutOut(decoded, box, header), box, bytes),
    );
  }

  /** Pictures of another size are of no use. */
  #useFor(use: PictureUse): void {
    if (isSame(use, this.#use)) return;
    this.#kept.clear();
    this.#bytes = 0;
    this.#use = use;
  }

  async #fit(picture: Picture, use: PictureUse): Promise<Picture> {
    const { width, height } = picture;
    const [shorter, room] = [Math.min(width, height), roomFor(use)];
    if (shorter <= room) return picture;
    const side = (length: number) => Math.max(1, Math.round((length * room) / shorter));
    const filter = use.isSampled === true ? 'sampled' : 'smooth';
    return this.#shrink(picture, { width: side(width), height: side(height) }, filter);
  }

  #keep(key: string, { picture, version }: Kept, use: PictureUse): void {
    const bytes = picture.pixels.length;
    if (!isSame(use, this.#use) || this.#bytes + bytes > this.#memory || this.#kept.has(key)) return;
    // A view of a larger buffer would keep all of that.
    const pixels = picture.pixels.buffer.byteLength === bytes ? picture.pixels : picture.pixels.slice();
    this.#kept.set(key, { picture: { ...picture, pixels }, version });
    this.#bytes += bytes;
  }

  #forget(key: string, kept: Kept): void {
    if (this.#kept.get(key) !== kept) return; // another call was faster
    this.#kept.delete(key);
    this.#bytes -= kept.picture.pixels.length;
  }
}

/** The file that a picture lies in, the part of it that is wanted, and what it is kept by. */
function partsOf(wanted: PictureToRead): { path: string; box: Box | undefined; key: string } {
  if (typeof wanted === 'string') return { path: wanted, box: undefined, key: wanted };
  return { ...wanted, key: JSON.stringify(wanted) };
}

function isSame(one: PictureUse, other: PictureUse): boolean {
  return one.resize === other.resize && (one.isSampled ?? false) === (other.isSampled ?? false);
}

function roomFor({ resize }: PictureUse): number {
  return Math.round(resize * ROOM_FOR_CROPS); // pixels of the shorter side
}
