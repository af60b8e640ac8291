import { open } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { fileTypeFromBuffer } from 'file-type';
import PQueue from 'p-queue';
import type { EngineApi } from '../../shared/engine-api.ts';
import { AppError, hasCode } from '../../shared/errors.ts';
import type { Clock } from '../../shared/clock.ts';
import { READ_NO_LINK } from '../../shared/reading-flags.ts';
import type { Library } from '../store/library.ts';
import { locateImage } from './locate-image.ts';
import type { LocatedImage } from './locate-image.ts';
import { SharedWork } from './shared-work.ts';
import { ThumbnailCache } from './thumbnail-cache.ts';

/** Pixels of a thumbnail's longer side. */
export const THUMBNAIL_SIDE = 256;

const ASKED_AT_ONCE = 4; // thumbnails that the engine is asked for; it works on fewer
const HEAD = 16_384; // bytes that tell a file's format

/** Formats that every browser shows as they are. */
const SHOWN_BY_BROWSERS = new Set([
  'image/jpeg',
  'image/png',
  'image/apng',
  'image/webp',
  'image/gif',
  'image/avif',
]);

/** A picture of the library: which version of it there is, and the picture itself when it is wanted. */
export interface ServedPicture {
  etag: string; // another one when the file has changed
  load(signal?: AbortSignal): Promise<PictureContent>;
}

export interface PictureContent {
  type: string; // MIME
  size: number; // bytes
  body: Uint8Array | ReadableStream<Uint8Array>;
}

export interface PictureSourceParts {
  library: () => Library;
  /** Throws NOT_FOUND or BAD_IMAGE. */
  locateTrainingPicture: (trainingId: number, index: number) => Promise<LocatedImage>;
  engine: EngineApi;
  clock: Clock;
  cacheFolder: string;
  cacheBytes: () => number; // limit
  /** Hears, once, that thumbnails cannot be kept. */
  onCacheFailure: (message: string) => void;
}

/** Pictures for the screen, by the number of the image and never by a path. */
export class PictureSource {
  readonly cache: ThumbnailCache;
  readonly #parts: PictureSourceParts;
  readonly #queue = new PQueue({ concurrency: ASKED_AT_ONCE });
  readonly #thumbnails = new SharedWork<Uint8Array>();
  #cacheFailed = false;

  constructor(parts: PictureSourceParts) {
    this.#parts = parts;
    this.cache = new ThumbnailCache(parts.cacheFolder, parts.cacheBytes, parts.clock);
  }

  /**
   * The whole picture: the file itself, or a JPEG of what browsers do not show. Throws NOT_FOUND, or BAD_IMAGE for a
   * file that holds no picture.
   */
  async picture(imageId: number): Promise<ServedPicture> {
    const image = await locateImage(this.#parts.library(), imageId);
    return {
      etag: `"${image.version}"`,
      load: async () => (await fileContent(image.path)) ?? (await this.#wholePicture(image)),
    };
  }

  /**
   * A thumbnail of THUMBNAIL_SIDE pixels, from the cache or made now. Throws like `picture`. Loading rejects when its
   * signal aborts; a thumbnail that nobody waits for any more is not made.
   */
  async thumbnail(imageId: number): Promise<ServedPicture> {
    return this.#servedThumbnail(await locateImage(this.#parts.library(), imageId));
  }

  /** Likewise of a picture that a training has learned from or was tested with, by its index among them. */
  async trainingThumbnail(trainingId: number, index: number): Promise<ServedPicture> {
    return this.#servedThumbnail(await this.#parts.locateTrainingPicture(trainingId, index));
  }

  #servedThumbnail(image: LocatedImage): ServedPicture {
    return {
      etag: `"${image.version}"`,
      load: async (signal) => {
        const make = (given: AbortSignal) => this.#thumbnail(image, given);
        const bytes = await this.#thumbnails.take(image.version, signal, make);
        return { type: 'image/webp', size: bytes.length, body: bytes };
      },
    };
  }

  /** Where an image's file lies, for showing it in its folder. Throws like `picture`. */
  async path(imageId: number): Promise<string> {
    return (await locateImage(this.#parts.library(), imageId)).path;
  }

  async #wholePicture({ path }: LocatedImage): Promise<PictureContent> {
    const { bytes, type } = await this.#parts.engine.pictures.render(path, {});
    return { type, size: bytes.length, body: bytes };
  }

  async #thumbnail({ path, version }: LocatedImage, signal: AbortSignal): Promise<Uint8Array> {
    const kept = await this.#fromCache(version);
    if (kept !== undefined) return kept;
    // What the engine has begun is kept, wanted or not: it would be paid for twice.
    return this.#queue.add(async () => {
      signal.throwIfAborted();
      const { bytes } = await this.#parts.engine.pictures.render(path, { maxSide: THUMBNAIL_SIDE });
      await this.cache.write(version, bytes).catch((error: unknown) => this.#tellOnce(error));
      return bytes;
    });
  }

  /** A cache that cannot be read costs time, not the thumbnail. */
  async #fromCache(version: string): Promise<Uint8Array | undefined> {
    try {
      return await this.cache.read(version);
    } catch (error) {
      this.#tellOnce(error);
      return undefined;
    }
  }

  #tellOnce(error: unknown): void {
    if (!hasCode(error)) throw error;
    if (this.#cacheFailed) return;
    this.#cacheFailed = true;
    this.#parts.onCacheFailure(`Thumbnails cannot be kept in ${this.#parts.cacheFolder}: ${error.message}.`);
  }
}

/** The cache's folder below the data folder. */
export function thumbnailFolder(data: string): string {
  return join(data, 'thumbnails');
}

/** The file as it is when browsers show its format, which its content tells; undefined when they do not. */
async function fileContent(path: string): Promise<PictureContent | undefined> {
  const file = await openFile(path);
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw new AppError('BAD_IMAGE', `${path} is a pipe, device or folder`);
    const head = Buffer.alloc(Math.min(HEAD, stats.size));
    await file.read(head, 0, head.length, 0);
    const type = (await fileTypeFromBuffer(head))?.mime ?? '';
    if (!isShown(type, head)) {
      await file.close();
      return undefined;
    }
    const body = Readable.toWeb(file.createReadStream({ start: 0 })) as ReadableStream<Uint8Array>;
    return { type, size: stats.size, body };
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Whether browsers show a file as it is, and upright: of a WebP they leave out the orientation in its EXIF. */
function isShown(type: string, head: Buffer): boolean {
  const hasExif = head.toString('latin1', 12, 16) === 'VP8X' && ((head[20] ?? 0) & 0x08) !== 0;
  return SHOWN_BY_BROWSERS.has(type) && !(type === 'image/webp' && hasExif);
}

async function openFile(path: string): Promise<FileHandle> {
  try {
    return await open(path, READ_NO_LINK);
  } catch (error) {
    throw new AppError('NOT_FOUND', `${path} is not there or may not be read`, undefined, { cause: error });
  }
}
