import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, codeOf } from '../../shared/errors.ts';
import { isInside } from '../files/inside.ts';
import type { Library } from '../store/library.ts';
import { realPath } from '../files/real-path.ts';

/** An image file of the library as it lies on the disk now. */
export interface LocatedImage {
  path: string; // real: no part of it is a link
  version: string; // another one when the file is another or has changed; hex
}

/**
 * The file behind an image's number. Throws NOT_FOUND when there is no such image or no file, and BAD_IMAGE when a link
 * leads out of the image's folder: only what lies in the library's folders is shown.
 */
export async function locateImage(library: Library, imageId: number): Promise<LocatedImage> {
  const image = library.images.locate(imageId);
  if (image === undefined) throw new AppError('NOT_FOUND', `There is no image ${imageId} in the library`);
  const path = join(image.folder, image.relativePath);
  return locateFile(path, image.folder, `Image ${imageId}`);
}

/** The file at a path that must not lead out of `folder`. Throws likewise; `name` says in words what it is. */
export async function locateFile(path: string, folder: string, name: string): Promise<LocatedImage> {
  const [root, file] = await Promise.all([existing(folder), existing(path)]);
  if (!isInside(file, root)) {
    throw new AppError('BAD_IMAGE', `${name} is a link to a file outside its folder`);
  }
  const { size, mtimeMs } = await stat(file).catch((error: unknown) => notFound(file, error));
  const version = createHash('sha256')
    .update(JSON.stringify([file, size, mtimeMs]))
    .digest('hex');
  return { path: file, version };
}

function existing(path: string): Promise<string> {
  return realPath(path).catch((error: unknown) => notFound(path, error));
}

function notFound(path: string, cause: unknown): never {
  if (codeOf(cause) === undefined) throw cause;
  const hint = 'Was it moved, or is it on a drive that is unplugged?';
  throw new AppError('NOT_FOUND', `${path} is not there or may not be read`, hint, { cause });
}
