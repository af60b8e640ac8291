import readExif from 'exif-reader';
import { fileTypeFromBuffer } from 'file-type';
import sharp from 'sharp';
import type { Metadata, Sharp } from 'sharp';
import { AppError } from '../shared/errors.ts';
import { decodeHeic, extractPreview } from './decoder-threads.ts';
import { shrunkSize } from './shrink-on-load.ts';
import type { PictureSize } from './shrink-on-load.ts';

const LARGEST_PICTURE = 200e6; // pixels
const LONGEST_DECODING = 120; // seconds

/** The formats that are read, by content and not by name: the label that sharp gives, and libvips' loader. */
const formats: Record<string, string> = {
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
  capturedAt: string | undefined; // EXIF DateTimeOriginal as ISO 8601 without a zone
  space: Metadata['space'];
  depth: Metadata['depth'];
  isHeic: boolean; // HEIF that is no AVIF: another decoder reads it
  preview: Buffer | undefined; // the JPEG in a RAW file, which is decoded in the file's place
}

/** RGB, 8 bit, row-major, upright: width x height x 3 bytes. Large pictures may be smaller than their header says. */
export interface Picture extends PictureSize {
  pixels: Uint8Array;
}

/** How the host turns bytes into pictures; a test gives it another decoder. */
export interface ImageDecoder {
  readHeader(bytes: Buffer): Promise<PictureHeader>;
  /** For a model that wants the shorter side resized to `resize` pixels. */
  decode(bytes: Buffer, header: PictureHeader, resize: number): Promise<Picture>;
}

/** Sets libvips up for many small pictures: no cache, one thread for each, no loader but ours. */
export function prepareDecoder(): ImageDecoder {
  sharp.cache(false);
  sharp.concurrency(1);
  sharp.block({ operation: ['VipsForeignLoad'] });
  sharp.unblock({ operation: Object.values(formats) });
  return { readHeader, decode };
}

async function readHeader(bytes: Buffer): Promise<PictureHeader> {
  if (bytes.length === 0) throw new AppError('BAD_IMAGE', 'the file is empty');
  const preview = (await isRaw(bytes)) ? await extractPreview(bytes) : undefined;
  const metadata = await badImage(sharp(preview ?? bytes, { limitInputPixels: false }).metadata());
  if (!(metadata.format in formats)) {
    throw new AppError(
      'BAD_IMAGE',
      `the file holds ${metadata.format}, which is not a format that Winnow reads`,
    );
  }
  const { width, height } = metadata.autoOrient;
  if (width * height > LARGEST_PICTURE) {
    throw new AppError(
      'BAD_IMAGE',
      `the picture has ${Math.round((width * height) / 1e6)} megapixels, more than the limit of ${LARGEST_PICTURE / 1e6}`,
    );
  }
  return {
    width,
    height,
    format: metadata.format,
    capturedAt: (preview && captureTime(bytes)) ?? captureTime(metadata.exif),
    space: metadata.space,
    depth: metadata.depth,
    isHeic: metadata.format === 'heif' && metadata.compression !== 'av1',
    preview,
  };
}

async function isRaw(bytes: Buffer): Promise<boolean> {
  const start = bytes.toString('latin1', 0, 8);
  if (!/^(II|MM|FUJIFILM|.{4}ftyp)/s.test(start)) return false; // most pictures; the question costs time
  const type = await fileTypeFromBuffer(bytes);
  return rawTypes.has(type?.mime ?? '');
}

/**
 * The first frame or page, turned upright, as PIL converts to RGB: an embedded colour profile is not applied,
 * alpha is dropped and not blended. 16 bits are shifted to 8; floats from 0 to 1 become 0 to 255 (PIL would
 * cut both off at 255). A large JPEG is shrunk while it is decoded.
 */
async function decode(file: Buffer, header: PictureHeader, resize: number): Promise<Picture> {
  const bytes = header.preview ?? file;
  if (header.isHeic) return decodeHeic(bytes);
  const whole = sharp(bytes, { ignoreIcc: true, failOn: 'error', limitInputPixels: LARGEST_PICTURE })
    .timeout({ seconds: LONGEST_DECODING })
    .autoOrient();
  if (header.space === 'cmyk') {
    const cmyk = await decodeRaw(whole.pipelineColourspace('cmyk').toColourspace('cmyk'));
    return { ...cmyk, pixels: cmykToRgb(cmyk.pixels) };
  }
  const size = header.format === 'jpeg' ? shrunkSize(header, resize) : undefined;
  const picture = size === undefined ? whole : whole.resize({ ...size, fit: 'fill', kernel: 'lanczos3' });
  const opaque = picture.removeAlpha();
  const scaled = header.depth === 'float' && (await isUnitRange(bytes)) ? opaque.linear(255, 0) : opaque;
  return decodeRaw(scaled.toColourspace('srgb'));
}

async function decodeRaw(picture: Sharp): Promise<Picture> {
  const { data, info } = await badImage(
    picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }),
  );
  return { pixels: data, width: info.width, height: info.height };
}

async function isUnitRange(bytes: Buffer): Promise<boolean> {
  const { channels } = await badImage(sharp(bytes, { limitInputPixels: LARGEST_PICTURE }).stats());
  return channels.every(({ max }) => max <= 1);
}

/** PIL's conversion: channel = k' - round(ink * k' / 255), with k' = 255 - black. Four bytes become three. */
function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let from = 0, to = 0; from < cmyk.length; from += 4) {
    const light = 255 - (cmyk[from + 3] ?? 0);
    for (let ink = 0; ink < 3; ink++) {
      const product = (cmyk[from + ink] ?? 0) * light + 128;
      rgb[to++] = light - (((product >> 8) + product) >> 8);
    }
  }
  return rgb;
}

/** DateTimeOriginal; a damaged EXIF block only costs the capture time. */
function captureTime(exif: Buffer | undefined): string | undefined {
  if (exif === undefined) return undefined;
  try {
    const time = readExif(exif).Photo?.DateTimeOriginal;
    return time instanceof Date ? time.toISOString().slice(0, 'YYYY-MM-DDTHH:MM:SS'.length) : undefined;
  } catch {
    return undefined;
  }
}

/** Makes what libvips throws a BAD_IMAGE: its messages have a line for each thing that it stumbled over; the first says it. */
export async function badImage<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const [first = ''] = error.message.split('\n');
    const reason = first.includes('unsupported image format')
      ? 'the file holds no picture in a format that Winnow reads'
      : `the picture cannot be decoded: ${first}`;
    throw new AppError('BAD_IMAGE', reason, undefined, { cause: error });
  }
}
