import { fileTypeFromBuffer } from 'file-type';
import sharp from 'sharp';
import type { Metadata } from 'sharp';
import { PictureError } from '../../shared/picture-problem.ts';
import { captureTime } from './capture-time.ts';
import type { CaptureTime } from './capture-time.ts';
import { bmpHeader, decodeBmp } from '../formats/bmp-picture.ts';
import type { Picture } from './picture.ts';
import { convertJxl, decodeJp2, extractPreview } from './decoder-threads.ts';
import { asPictureError } from './decoder-words.ts';
import { unusualSamples } from './sample-types.ts';
import type { Samples } from './sample-types.ts';
import type { PictureSize } from './shrink-on-load.ts';

export const LARGEST_PICTURE = 200e6; // pixels

/**
 * Bytes of a whole picture inside a decoder that cannot give it row by row; with what libvips and Winnow need beside them,
 * the process stays below 1 GB.
 */
const DECODER_MEMORY = 600e6;

/** The formats that libvips reads, by content and not by name: the label that sharp gives, and libvips' loader. */
export const loaders: Record<string, string> = {
  jpeg: 'VipsForeignLoadJpeg',
  png: 'VipsForeignLoadPng',
  webp: 'VipsForeignLoadWebp',
  tiff: 'VipsForeignLoadTiff',
  gif: 'VipsForeignLoadNsgif',
  heif: 'VipsForeignLoadHeif', // AVIF; of HEIC the header
};

/** A BMP lies in memory twice: as its file, and decoded. */
const LARGEST_BMP = 100e6; // pixels

const JP2_STARTS = [Buffer.from('0000000c6a5020200d0a870a', 'hex'), Buffer.from('ff4fff51', 'hex')];
const JXL_STARTS = [Buffer.from('0000000c4a584c200d0a870a', 'hex'), Buffer.from('ff0a', 'hex')];

/** RAW files of cameras, by content. Their sensor data is not developed: the JPEG inside is the picture. */
const rawTypes = new Set([
  'image/x-canon-cr2',
  'image/x-canon-cr3',
  'image/x-nikon-nef',
  'image/x-sony-arw',
  'image/x-adobe-dng',
  'image/x-olympus-orf',
  'image/x-panasonic-rw2',
  'image/x-fujifilm-raf',
]);

/** What the header of a picture says; its size is that of the whole picture, upright. */
export interface PictureHeader extends PictureSize {
  format: Metadata['format'] | 'bmp' | 'jp2';
  captured: CaptureTime | undefined;
  space: Metadata['space'];
  isHeic: boolean; // HEIF that is no AVIF: another decoder reads it
  /**
   * Decoded in the file's place: the JPEG in a RAW file, a PNG of JPEG XL, or a TIFF whose samples are handed out as they
   * are.
   */
  inside: Buffer | undefined;
  samples: Samples | undefined; // of such a TIFF
  /** Of BMP and JPEG 2000, whose decoders give no header without it. */
  picture?: Picture;
}

/** Throws PictureError for what is no picture that Winnow reads. */
export async function readHeader(bytes: Buffer): Promise<PictureHeader> {
  if (bytes.length === 0) throw new PictureError({ code: 'empty' });
  const own = await ownFormat(bytes);
  if (own !== undefined) return own;
  const preview = isJxl(bytes)
    ? await convertJxl(bytes)
    : (await isRaw(bytes))
      ? await extractPreview(bytes)
      : undefined;
  const unusual = preview === undefined ? unusualSamples(bytes) : undefined;
  const inside = preview ?? unusual?.file;
  const options = { limitInputPixels: false, limitInputChannels: false, failOn: 'none' } as const;
  const metadata = await asPictureError(sharp(inside ?? bytes, options).metadata());
  if (!(metadata.format in loaders)) {
    const details = `the file holds ${metadata.format}`;
    throw new PictureError({ code: 'notAPicture', details });
  }
  const { width, height } = metadata.autoOrient;
  checkPixels(width * height, LARGEST_PICTURE, '');
  checkPixels(width * height, DECODER_MEMORY / heldBytes(metadata), ` of ${kindOf(metadata)}`);
  // A TIFF, and most RAW files, are the EXIF block; libvips does not hand out that of a TIFF.
  const captured = captureTime(bytes) ?? captureTime(metadata.exif);
  return {
    width,
    height,
    captured,
    inside,
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

/** BMP, which is decoded here, and JPEG 2000. */
async function ownFormat(bytes: Buffer): Promise<PictureHeader | undefined> {
  const bmp = bmpHeader(bytes);
  if (bmp !== undefined) {
    const { width, height } = bmp;
    checkPixels(width * height, LARGEST_BMP, ' of BMP');
    return decoded('bmp', { width, height, pixels: decodeBmp(bytes, bmp) });
  }
  return JP2_STARTS.some((start) => bytes.subarray(0, start.length).equals(start))
    ? decoded('jp2', await decodeJp2(bytes))
    : undefined;
}

function decoded(format: 'bmp' | 'jp2', picture: Picture): PictureHeader {
  const { width, height } = picture;
  const nothing = { captured: undefined, inside: undefined, samples: undefined };
  return { ...nothing, width, height, format, picture, space: 'srgb', isHeic: false };
}

function isJxl(bytes: Buffer): boolean {
  return JXL_STARTS.some((start) => bytes.subarray(0, start.length).equals(start));
}

function checkPixels(pixels: number, limit: number, name: string): void {
  if (pixels <= limit) return;
  const details = `${megapixels(pixels)} megapixels, the limit${name} is ${megapixels(limit)}`;
  throw new PictureError({ code: 'tooManyPixels', details });
}

/** Bytes for each pixel that a decoder holds of the whole picture at once; 0 for those that give row after row. */
function heldBytes(metadata: Metadata): number {
  const { format, isProgressive, channels, depth, chromaSubsampling } = metadata;
  if (format === 'jpeg' && isProgressive) return 2 * (chromaSubsampling === '4:2:0' ? 1.5 : channels); // its coefficients
  if (format === 'png' && isProgressive) return channels * (depth === 'ushort' ? 2 : 1);
  return HELD[format] ?? 0;
}

/** As heldBytes, measured: planes, RGBA, and what is kept of frames. */
const HELD: Partial<Record<string, number>> = { gif: 5, webp: 8, heif: 9 };

function kindOf({ format, compression, isProgressive }: Metadata): string {
  if (format === 'heif') return compression === 'av1' ? 'AVIF' : 'HEIC';
  return `${isProgressive ? 'interlaced ' : ''}${format.toUpperCase()}`;
}

function megapixels(pixels: number): number {
  return Math.round(pixels / 1e6);
}
