import type { PictureSize } from './shrink-on-load.ts';
import { TiffDirectories } from '../formats/tiff-directory.ts';

/** What the samples of a TIFF stand for. Channels behind those of the colour space, alpha or others, are dropped. */
export interface Samples {
  space: keyof typeof COLOUR_CHANNELS;
  kind: 'unsigned' | 'signed' | 'float';
  bits: number;
  channels: number; // all of them
}

/** Numbers of a picture as its file has them, row-major. */
export type SampleValues =
  Uint8Array | Uint16Array | Uint32Array | Int8Array | Int16Array | Int32Array | Float32Array;

/** How sharp names a type of samples, and the array that holds them. */
interface Depth {
  depth: 'uchar' | 'ushort' | 'uint' | 'char' | 'short' | 'int' | 'float';
  view: (bytes: Buffer) => SampleValues;
}

const COLOUR_CHANNELS = { grey: 1, inverted: 1, rgb: 3, cmyk: 4, lab: 3, icclab: 3 } as const;

const TAGS = { bits: 258, photometric: 262, channels: 277, format: 339 } as const;

const SPACES: Partial<Record<number, Samples['space']>> = {
  0: 'inverted',
  1: 'grey',
  2: 'rgb',
  5: 'cmyk',
  8: 'lab',
  9: 'icclab',
};

/** libvips takes the samples of this photometric interpretation as they are, however many and of whatever type. */
const ANY_SAMPLES = 9;

const depths: Record<string, Depth> = {
  'unsigned 8': { depth: 'uchar', view: (bytes) => bytes },
  'unsigned 16': { depth: 'ushort', view: (bytes) => new Uint16Array(...memory(bytes, 2)) },
  'unsigned 32': { depth: 'uint', view: (bytes) => new Uint32Array(...memory(bytes, 4)) },
  'signed 8': { depth: 'char', view: (bytes) => new Int8Array(...memory(bytes, 1)) },
  'signed 16': { depth: 'short', view: (bytes) => new Int16Array(...memory(bytes, 2)) },
  'signed 32': { depth: 'int', view: (bytes) => new Int32Array(...memory(bytes, 4)) },
  'float 16': { depth: 'float', view: (bytes) => new Float32Array(...memory(bytes, 4)) },
  'float 32': { depth: 'float', view: (bytes) => new Float32Array(...memory(bytes, 4)) },
};

/**
 * The samples of a TIFF that libvips would not turn into the picture that this file's rule says, and the same file in
 * which it takes them as they are. Undefined for every other picture: grey, RGB and palette of up to 8 or of 16 unsigned
 * bits, with alpha or not, CMYK of 8, YCbCr, and what is no TIFF.
 */
export function unusualSamples(file: Buffer): { samples: Samples; file: Buffer } | undefined {
  const directories = TiffDirectories.open(file);
  if (directories === undefined) return undefined;
  const tag = (name: keyof typeof TAGS) => directories.numbers(directories.first, TAGS[name])?.[0];
  const space = SPACES[tag('photometric') ?? -1];
  const kind = ([undefined, 'unsigned', 'signed', 'float', 'unsigned'] as const)[tag('format') ?? 1];
  if (space === undefined || kind === undefined) return undefined;
  const samples: Samples = { space, kind, bits: tag('bits') ?? 1, channels: tag('channels') ?? 1 };
  if (isUsual(samples)) return undefined;
  const raw = directories.withNumber(directories.first, TAGS.photometric, ANY_SAMPLES);
  return raw && { samples, file: raw };
}

function isUsual({ space, kind, bits, channels }: Samples): boolean {
  const extra = channels - COLOUR_CHANNELS[space];
  if (kind !== 'unsigned' || space === 'lab' || space === 'icclab') return false;
  if (space === 'cmyk') return bits === 8 && extra === 0;
  return (bits <= 8 || (bits === 16 && space !== 'inverted')) && extra <= 1;
}

/** How sharp hands these samples out; undefined for a type that is not read, such as floats of 64 bits. */
export function depthOf({ space, kind, bits, channels }: Samples): Depth | undefined {
  return channels < COLOUR_CHANNELS[space] ? undefined : depths[`${kind} ${bits}`];
}

/** Bytes of a pixel as sharp hands it out. */
export function bytesPerPixel({ kind, bits, channels }: Samples): number {
  return channels * (kind === 'float' ? 4 : bits / 8);
}

/**
 * RGB, 8 bit, from samples of any type, by one rule:
 *
 * 1. Each sample becomes 0 to 255. Of whole numbers the upper 8 bits are kept; of signed ones those below the sign, and
 *    negative ones are 0. Floats are multiplied by 255 when no finite colour sample of the picture is above 1, and else
 *    stand for themselves; they are rounded to the nearest, cut off at 0 and 255, and what is not a number is 0.
 * 2. The colour space becomes RGB: grey is repeated, where white is 0 it is turned over, CMYK by the formula of PIL
 *    (see cmykToRgb), Lab by its definition with the white of sRGB.
 *
 * In Lab the samples are L from 0 to 100, a and b from -128 to 127: floats as they are, whole numbers as TIFF packs them.
 */
export function samplesToRgb(
  values: SampleValues,
  samples: Samples,
  { width, height }: PictureSize,
  largest = largestColour(values, samples),
): Uint8Array {
  const { space, channels } = samples;
  const rgb = new Uint8Array(width * height * 3);
  const colours = COLOUR_CHANNELS[space];
  if (space === 'lab' || space === 'icclab') return labToRgb(values, samples, rgb);
  const toByte = byteOf(samples, largest <= 1);
  const invert = space === 'inverted' ? 255 : 0;
  const ink = new Uint8Array(4);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    if (colours === 4) {
      for (let channel = 0; channel < 4; channel++) ink[channel] = toByte(values[from + channel] ?? 0);
      inkToRgb(ink, 0, rgb, to);
      continue;
    }
    for (let channel = 0; channel < 3; channel++)
      rgb[to + channel] = toByte(values[from + (colours === 1 ? 0 : channel)] ?? 0) ^ invert;
  }
  return rgb;
}

/** The largest finite sample of the colours: it says how floats are meant. */
export function largestColour(values: SampleValues, { space, kind, channels }: Samples): number {
  let largest = -Infinity;
  if (kind !== 'float') return largest;
  for (let pixel = 0; pixel < values.length; pixel += channels)
    for (let at = pixel; at < pixel + COLOUR_CHANNELS[space]; at++) {
      const value = values[at] ?? 0;
      if (value > largest && value !== Infinity) largest = value;
    }
  return largest;
}

function byteOf({ kind, bits }: Samples, isUnit: boolean): (value: number) => number {
  if (kind === 'float') {
    const scale = isUnit ? 255 : 1;
    return (value) => Math.min(255, Math.max(0, Math.round(value * scale))) || 0; // NaN is 0
  }
  if (kind === 'unsigned') return (value) => value >>> (bits - 8);
  if (bits === 8) return (value) => (value < 0 ? 0 : (value << 1) | (value >> 6)); // 7 bits, stretched
  return (value) => (value < 0 ? 0 : value >> (bits - 9));
}

/** PIL's conversion: channel = k' - round(ink * k' / 255), with k' = 255 - black. Four bytes become three. */
export function cmykToRgb(cmyk: Uint8Array): Uint8Array {
  const rgb = new Uint8Array((cmyk.length / 4) * 3);
  for (let from = 0, to = 0; from < cmyk.length; from += 4, to += 3) inkToRgb(cmyk, from, rgb, to);
  return rgb;
}

function inkToRgb(cmyk: Uint8Array, from: number, rgb: Uint8Array, to: number): void {
  const light = 255 - (cmyk[from + 3] ?? 0);
  for (let ink = 0; ink < 3; ink++) {
    const product = (cmyk[from + ink] ?? 0) * light + 128;
    rgb[to + ink] = light - (((product >> 8) + product) >> 8);
  }
}

/** How TIFF packs L, a and b into whole numbers: the value of the largest L, and of one unit of a and b. */
function labScale({ space, kind, bits }: Samples): { lightness: number; chroma: number; middle: number } {
  if (kind === 'float') return { lightness: 1, chroma: 1, middle: 0 };
  const unit = 2 ** (bits - 8);
  const lightness = 100 / (space === 'icclab' && bits === 16 ? 0xff00 : 2 ** bits - 1);
  return { lightness, chroma: 1 / unit, middle: space === 'icclab' ? 128 * unit : 0 };
}

/** CIE 1976 L*a*b* to XYZ to linear light to sRGB (IEC 61966-2-1). */
function labToRgb(values: SampleValues, samples: Samples, rgb: Uint8Array): Uint8Array {
  const { bits, kind, space, channels } = samples;
  const { lightness, chroma, middle } = labScale(samples);
  const isWrapped = kind === 'unsigned' && space === 'lab'; // a and b are signed whatever the file says
  const half = 2 ** (bits - 1);
  const whole = 2 ** bits;
  const signed = (value: number) => (isWrapped && value >= half ? value - whole : value) - middle;
  const unsigned = (value: number) => (kind === 'signed' && value < 0 ? value + whole : value);
  for (let from = 0, to = 0; to < rgb.length; from += channels, to += 3) {
    const y = (unsigned(values[from] ?? 0) * lightness + 16) / 116;
    const x = cubed(y + (signed(values[from + 1] ?? 0) * chroma) / 500) * 0.95047;
    const z = cubed(y - (signed(values[from + 2] ?? 0) * chroma) / 200) * 1.08883;
    const light = cubed(y);
    rgb[to] = gamma(3.2404542 * x - 1.5371385 * light - 0.4985314 * z);
    rgb[to + 1] = gamma(-0.969266 * x + 1.8760108 * light + 0.041556 * z);
    rgb[to + 2] = gamma(0.0556434 * x - 0.2040259 * light + 1.0572252 * z);
  }
  return rgb;
}

function cubed(value: number): number {
  return value > 6 / 29 ? value ** 3 : 3 * (6 / 29) ** 2 * (value - 4 / 29);
}

function gamma(linear: number): number {
  const value = linear <= 0.0031308 ? 12.92 * linear : 1.055 * linear ** (1 / 2.4) - 0.055;
  return Math.min(255, Math.max(0, Math.round(255 * value))) || 0;
}

/** The memory of a buffer for an array whose numbers have `size` bytes; copied where it does not begin at such an address. */
function memory(bytes: Buffer, size: number): [ArrayBuffer, number, number] {
  const aligned = bytes.byteOffset % size === 0 ? bytes : Uint8Array.from(bytes);
  return [aligned.buffer as ArrayBuffer, aligned.byteOffset, bytes.length / size];
}
