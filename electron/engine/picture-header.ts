import { fileTypeFromBuffer } from 'file-type';
import sharp from 'sharp';
import type { Metadata } from 'sharp';
import { PictureError } from '../shared/picture-problem.ts';
import { captureTime } from './capture-time.ts';
import type { CaptureTime } from './capture-time.ts';
import { extractPreview } from './decoder-threads.ts';
import { asPictureError } from './decoder-words.ts';
import { unusualSamples } from './sample-types.ts';
import type { Samples } from './sample-types.ts';
import type { PictureSize } from './shrink-on-load.ts';

export const LARGEST_PICTURE = 200e6; // pixels

/** The formats that libvips reads, by content and not by name: the label that sharp gives, and libvips' loader. */
export const loaders: Record<string, string> = {
  jpeg: 'VipsForeignLoadJpeg',
  png: 'VipsForeignLoadPng',
  webp: 'VipsForeignLoadWebp',
  tiff: 'VipsForeignLoadTiff',
  gif: 'VipsForeignLoadNsgif',
  heif: 'VipsForeignLoadHeif', // AVIF; of HEIC the header
};

/** RAW files of cameras, by content. Their sensor data is not developed: the JPEG inside is the picture. */
const rawTypes = new Set([
  ...['image/x-canon-cr2', 'image/x-canon-cr3', 'image/x-nikon-nef', 'image/x-sony-arw'],
  ...['image/x-adobe-dng', 'image/x-olympus-orf', 'image/x-panasonic-rw2', 'image/x-fujifilm-raf'],
]);

/** What the header of a picture says; its size is that of the whole picture, upright. */
export interface PictureHeader extends PictureSize {
  format: Metadata['format'];
  captured: CaptureTime | undefined;
  space: Metadata['space'];
  isHeic: boolean; // HEIF that is no AVIF: another decoder reads it
  /** Decoded in the file's place: the JPEG in a RAW file, or a TIFF whose samples are handed out as they are. */
  inside: Buffer | undefined;
  samples: Samples | undefined; // of such a TIFF
}

/** Throws PictureError for what is no picture that Winnow reads. */
export async function readHeader(bytes: Buffer): Promise<PictureHeader> {
  if (bytes.length === 0) throw new PictureError({ code: 'empty' });
  const preview = (await isRaw(bytes)) ? await extractPreview(bytes) : undefined;
  const unusual = preview === undefined ? unusualSamples(bytes) : undefined;
  const inside = preview ?? unusual?.file;
  const options = { limitInputPixels: false, limitInputChannels: false, failOn: 'none' } as const;
  const metadata = await asPictureError(sharp(inside ?? bytes, options).metadata());
  if (!(metadata.format in loaders)) {
    const details = `the file holds ${metadata.format}`;
    throw new PictureError({ code: 'notAPicture', details });
  }
  const { width, height } = metadata.autoOrient;
  if (width * height > LARGEST_PICTURE) {
    const details = `${megapixels(width * height)} megapixels, the limit is ${megapixels(LARGEST_PICTURE)}`;
    throw new PictureError({ code: 'tooManyPixels', details });
  }
  // A TIFF, and most RAW files, are the EXIF block; libvips does not hand out that of a TIFF.
  const captured = captureTime(bytes) ?? captureTime(metadata.exif);
  return {
    ...{ width, height, captured, inside },
    format: metadata.format,
    space: metadata.space,
    isHeic: metadata.format === 'heif' && metadata.compression !== 'av1',
    samples: unusual?.samples,
  };
}

async function isRaw(bytes: Buffer): Promise<boolean> {
  const start = bytes.toString('latin1', 0, 8);
  if (!/^(II|MM|FUJIFILM|.{4}ftyp)/s.test(start)) return false; // most pictures; the question costs time
  const type = await fileTypeFromBuffer(bytes);
  return rawTypes.has(type?.mime ?? '');
}

function megapixels(pixels: number): number {
  return Math.round(pixels / 1e6);
}
