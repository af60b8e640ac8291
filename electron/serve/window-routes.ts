import { readFile } from 'node:fs/promises';
import { extname, join, sep } from 'node:path';
import type { PictureSource, ServedPicture } from '../core/pictures/picture-source.ts';
import { AppError, codeOf } from '../shared/errors.ts';
import { terminalText } from '../shared/terminal-text.ts';
import { SECURITY_HEADERS } from './security-headers.ts';
import { realPath } from '../core/files/real-path.ts';

/** What a window asks for, over HTTP or over Electron's own scheme. */
export interface WindowRequest {
  pathname: string; // as it came, percent-encoded
  ifNoneMatch: string | undefined;
  signal: AbortSignal; // aborts when the window does not want the answer any more
}

type Body = ConstructorParameters<typeof Response>[0];

/** Types of the files that a window is built of; there are no others. */
const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
};

const STATUS: Partial<Record<AppError['code'], number>> = {
  NOT_FOUND: 404,
  BAD_ARGUMENT: 400,
  BAD_IMAGE: 422,
};
const NOT_WANTED = 499; // nobody reads it

/** A picture that changes gets another tag, so a browser asks each time; a thumbnail it may show for some minutes. */
const PICTURE_CACHE = 'private, no-cache';
const THUMBNAIL_CACHE = 'private, max-age=300';

/**
 * Everything that a window loads: the files it was built of, pictures at `/image/<id>` and thumbnails at
 * `/thumbnail/<id>`, those of a training's pictures at `/training/<id>/<index>`. Electron and `winnow serve` answer from
 * here, so that both have the same rules.
 */
export class WindowRoutes {
  readonly #folder: string;
  readonly #pictures: PictureSource;

  /** `folder`: where the window was built into. */
  constructor(folder: string, pictures: PictureSource) {
    this.#folder = folder;
    this.#pictures = pictures;
  }

  /** Never rejects: a failure is an answer with a sentence. */
  async respond(request: WindowRequest): Promise<Response> {
    try {
      const learned = /^\/training\/([^/]*)\/(.*)$/.exec(request.pathname);
      if (learned !== null) return await this.#trainingPicture(learned, request);
      const picture = /^\/(image|thumbnail)\/(.*)$/.exec(request.pathname);
      if (picture === null) return await this.#file(request.pathname);
      const id = numberOf(picture[2] ?? '', 'An image is named by its number');
      return picture[1] === 'image'
        ? await answerPicture(await this.#pictures.picture(id), request, PICTURE_CACHE)
        : await answerPicture(await this.#pictures.thumbnail(id), request, THUMBNAIL_CACHE);
    } catch (error) {
      if (request.signal.aborted) return refusal(NOT_WANTED, 'The picture is not wanted any more');
      if (error instanceof AppError) return refusal(STATUS[error.code] ?? 503, error.message);
      process.stderr.write(
        terminalText(`winnow: ${error instanceof Error ? (error.stack ?? '') : String(error)}\n`),
      );
      return refusal(500, 'This is a mistake in Winnow');
    }
  }

  async #trainingPicture(
    [, training = '', picture = '']: RegExpExecArray,
    request: WindowRequest,
  ): Promise<Response> {
    const id = numberOf(training, 'A training is named by its number');
    // Indices count from 0.
    const index = picture === '0' ? 0 : numberOf(picture, 'A picture of a training is named by its index');
    return answerPicture(await this.#pictures.trainingThumbnail(id, index), request, THUMBNAIL_CACHE);
  }

  async #file(pathname: string): Promise<Response> {
    const name = decode(pathname === '/' ? '/index.html' : pathname);
    const type = TYPES[extname(name)];
    const bytes = type === undefined ? undefined : await this.#read(name);
    if (type === undefined || bytes === undefined) return refusal(404, 'There is no such page');
    // The names of what lies in assets/ change with their content.
    const cache = name.startsWith('/assets/') ? 'private, max-age=31536000, immutable' : 'no-cache';
    return answer(200, bytes, { 'Content-Type': type, 'Cache-Control': cache });
  }

  /** A file of the window; undefined when there is none, or when it lies elsewhere. */
  async #read(name: string): Promise<Buffer<ArrayBuffer> | undefined> {
    try {
      const folder = await realPath(this.#folder);
      const path = await realPath(join(folder, name));
      return path.startsWith(folder + sep) ? await readFile(path) : undefined;
    } catch (error) {
      if (codeOf(error) !== undefined) return undefined; // not there, or a folder
      throw error;
    }
  }
}

/** Whether a path names a picture of the library, and not a file that the window was built of. */
export function isPicture(pathname: string): boolean {
  return /^\/(image|thumbnail|training)\//.test(pathname);
}

/** Throws BAD_ARGUMENT with the sentence for what is no number above 0. */
function numberOf(text: string, sentence: string): number {
  if (!/^[1-9]\d{0,14}$/.test(text)) throw new AppError('BAD_ARGUMENT', sentence);
  return Number(text);
}

function decode(pathname: string): string {
  let name: string;
  try {
    name = decodeURIComponent(pathname);
  } catch (cause) {
    throw new AppError('BAD_ARGUMENT', 'The address is not encoded as an address', undefined, { cause });
  }
  if (/[\\\0]/.test(name) || name.split('/').includes('..'))
    throw new AppError('BAD_ARGUMENT', 'The address leads out of the window');
  return name;
}

async function answerPicture(
  picture: ServedPicture,
  request: WindowRequest,
  cache: string,
): Promise<Response> {
  const headers = { ETag: picture.etag, 'Cache-Control': cache };
  if (request.ifNoneMatch === picture.etag) return answer(304, null, headers);
  const { type, size, body } = await picture.load(request.signal);
  return answer(200, body as Body, { ...headers, 'Content-Type': type, 'Content-Length': String(size) });
}

/** An answer in words, for those who open an address by hand. */
export function refusal(status: number, sentence: string): Response {
  const headers = { 'Content-Type': 'text/plain; charset=utf-8', 'Cache-Control': 'no-store' };
  return answer(status, `${sentence}\n`, headers);
}

function answer(status: number, body: Body, headers: Record<string, string>): Response {
  return new Response(body, { status, headers: { ...SECURITY_HEADERS, ...headers } });
}
