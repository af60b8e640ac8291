import sharp from 'sharp';
import type { Size } from '../../shared/resized-size.ts';
import type { ImageDecoder } from './decode-image.ts';
import { asPictureError } from './decoder-words.ts';
import { readImageFile } from './read-image-file.ts';
import { openWithoutWaiting } from './regular-file.ts';

/** Starts of the formats whose headers libvips reads without the rest of the file, as bytes of Latin-1. */
const HEADED = ['\xff\xd8\xff', '\x89PNG\r\n\x1a\n', 'GIF8'];

/** The size of the upright picture in a file. Throws PictureError. */
export async function pictureSize(path: string, decoder: ImageDecoder): Promise<Size> {
  if (await isHeaded(path)) {
    const options = { limitInputPixels: false, limitInputChannels: false, failOn: 'none' } as const;
    const { autoOrient } = await asPictureError(sharp(path, options).metadata());
    return { width: autoOrient.width, height: autoOrient.height };
  }
  const { bytes } = await readImageFile(path);
  const { width, height } = await decoder.readHeader(bytes);
  return { width, height };
}

/** What cannot be read is none of them: reading it as a whole says why. */
async function isHeaded(path: string): Promise<boolean> {
  try {
    await using file = await openWithoutWaiting(path);
    if (!(await file.stat()).isFile()) return false;
    const { buffer } = await file.read(Buffer.alloc(8), 0, 8, 0);
    const start = buffer.toString('latin1');
    return HEADED.some((headed) => start.startsWith(headed));
  } catch {
    return false;
  }
}
