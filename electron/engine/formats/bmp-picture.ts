import { PictureError } from '../../shared/picture-problem.ts';
import type { PictureSize } from '../pictures/shrink-on-load.ts';

const FILE_HEADER = 14; // bytes
const UNCOMPRESSED = 0;
const RLE8 = 1;
const RLE4 = 2;
const MASKS = [3, 6]; // with masks behind the header, or in it

/** Red, green and blue of 16 bits where the file has no masks. */
const MASKS_OF_16 = [0x7c00, 0x03e0, 0x001f];

/** What the headers of a BMP say. */
export interface BmpHeader extends PictureSize {
  isTopDown: boolean;
  bits: number; // per pixel
  compression: number;
  masks: number[]; // red, green, blue; of 16 and 32 bits
  palette: { at: number; entry: number }; // entries of 3 or 4 bytes: blue, green, red
  data: number; // where the pixels begin
}

/** Undefined for what is no BMP. Throws PictureError for one that is damaged or of another kind. */
export function bmpHeader(bytes: Buffer): BmpHeader | undefined {
  if (bytes.toString('latin1', 0, 2) !== 'BM' || bytes.length < FILE_HEADER + 12) return undefined;
  const size = bytes.readUInt32LE(FILE_HEADER);
  const isCore = size === 12; // of OS/2
  if (!isCore && (size < 40 || size > 124)) return undefined;
  if (bytes.length < FILE_HEADER + size) throw new PictureError({ code: 'cutShort', details: 'BMP: header' });
  const at = FILE_HEADER + 4;
  const height = isCore ? bytes.readUInt16LE(at + 2) : bytes.readInt32LE(at + 4);
  const width = isCore ? bytes.readUInt16LE(at) : bytes.readInt32LE(at);
  const bits = bytes.readUInt16LE(at + (isCore ? 6 : 10));
  const compression = isCore ? UNCOMPRESSED : bytes.readUInt32LE(at + 12);
  if (width <= 0 || height === 0) throw new PictureError({ code: 'damaged', details: 'BMP: no size' });
  const hasMasks = MASKS.includes(compression) && (bits === 16 || bits === 32);
  const isKnown =
    hasMasks ||
    (compression === UNCOMPRESSED && [1, 4, 8, 16, 24, 32].includes(bits)) ||
    (compression === RLE8 && bits === 8) ||
    (compression === RLE4 && bits === 4);
  if (!isKnown) {
    const details = `BMP: ${bits} bits, compression ${compression}`;
    throw new PictureError({ code: 'unknownKind', details });
  }
  const masks = hasMasks ? masksAt(bytes, FILE_HEADER + 40) : MASKS_OF_16;
  const maskBytes = hasMasks && size === 40 ? (compression === 6 ? 16 : 12) : 0;
  return {
    width,
    height: Math.abs(height),
    isTopDown: height < 0,
    bits,
    compression,
    masks,
    palette: { at: FILE_HEADER + size + maskBytes, entry: isCore ? 3 : 4 },
    data: bytes.readUInt32LE(10),
  };
}

function masksAt(bytes: Buffer, at: number): number[] {
  if (bytes.length < at + 12) throw new PictureError({ code: 'cutShort', details: 'BMP: masks' });
  return [0, 4, 8].map((offset) => bytes.readUInt32LE(at + offset));
}

/** RGB, 8 bit, upright. Alpha is dropped. Throws PictureError when the file ends too early. */
export function decodeBmp(bytes: Buffer, header: BmpHeader): Uint8Array {
  const { width, height, bits, compression, isTopDown } = header;
  const rgb = new Uint8Array(width * height * 3);
  const isRle = compression === RLE8 || compression === RLE4;
  const indices = isRle ? runLengths(bytes, header) : undefined;
  const stride = Math.ceil((width * bits) / 32) * 4;
  if (!isRle && header.data + stride * height > bytes.length)
    throw new PictureError({ code: 'cutShort', details: 'BMP: pixels' });
  const colours = bits <= 8 ? paletteOf(bytes, header) : undefined;
  const [red, green, blue] = header.masks.map(channelOf);
  for (let row = 0; row < height; row++) {
    const from = header.data + (isTopDown ? row : height - 1 - row) * stride;
    for (let column = 0, to = row * width * 3; column < width; column++, to += 3) {
      if (colours !== undefined) {
        const index = indices?.[row * width + column] ?? packed(bytes, from, column, bits);
        rgb.set(colours.subarray(index * 3, index * 3 + 3), to);
      } else if (bits === 24 || (bits === 32 && compression === UNCOMPRESSED)) {
        const at = from + (column * bits) / 8;
        rgb[to] = bytes[at + 2] ?? 0;
        rgb[to + 1] = bytes[at + 1] ?? 0;
        rgb[to + 2] = bytes[at] ?? 0;
      } else {
        const pixel =
          bits === 16 ? bytes.readUInt16LE(from + column * 2) : bytes.readUInt32LE(from + column * 4);
        rgb[to] = red?.(pixel) ?? 0;
        rgb[to + 1] = green?.(pixel) ?? 0;
        rgb[to + 2] = blue?.(pixel) ?? 0;
      }
    }
  }
  return rgb;
}

/** The bits of a mask, stretched to 8. */
function channelOf(mask: number): (pixel: number) => number {
  if (mask === 0) return () => 0;
  const shift = 31 - Math.clz32(mask & -mask);
  const largest = mask >>> shift;
  return (pixel) => Math.round((((pixel & mask) >>> shift) * 255) / largest);
}

/** All 256 colours as RGB; those that the file does not have are black. */
function paletteOf(bytes: Buffer, { palette, bits, data }: BmpHeader): Uint8Array {
  const colours = new Uint8Array(256 * 3);
  const end = Math.min(palette.at + palette.entry * 2 ** bits, Math.max(data, palette.at), bytes.length);
  for (let at = palette.at, to = 0; at + 3 <= end; at += palette.entry, to += 3) {
    colours[to] = bytes[at + 2] ?? 0;
    colours[to + 1] = bytes[at + 1] ?? 0;
    colours[to + 2] = bytes[at] ?? 0;
  }
  return colours;
}

function packed(bytes: Buffer, from: number, column: number, bits: number): number {
  const bit = column * bits;
  return ((bytes[from + (bit >> 3)] ?? 0) >> (8 - bits - (bit & 7))) & (2 ** bits - 1);
}

/** Palette indices of a run-length encoded picture, upright; pixels that the file skips have index 0. */
function runLengths(bytes: Buffer, { width, height, bits, data, isTopDown }: BmpHeader): Uint8Array {
  const indices = new Uint8Array(width * height);
  let [column, row, at] = [0, 0, data];
  const put = (colour: number) => {
    if (column < width && row < height)
      indices[(isTopDown ? row : height - 1 - row) * width + column] = colour;
    column++;
  };
  const nibble = (byte: number, index: number) =>
    bits === 8 ? byte : index % 2 === 0 ? byte >> 4 : byte & 15;
  while (row < height) {
    const [count, value] = [bytes[at], bytes[at + 1]];
    if (count === undefined || value === undefined)
      throw new PictureError({ code: 'cutShort', details: 'BMP: runs' });
    at += 2;
    if (count > 0) for (let index = 0; index < count; index++) put(nibble(value, index));
    else if (value === 0) [column, row] = [0, row + 1];
    else if (value === 1) break;
    else if (value === 2) {
      column += bytes[at] ?? 0;
      row += bytes[at + 1] ?? 0;
      at += 2;
    } else {
      const length = bits === 8 ? value : Math.ceil(value / 2);
      for (let index = 0; index < value; index++)
        put(nibble(bytes[at + (bits === 8 ? index : index >> 1)] ?? 0, index));
      at += length + (length % 2);
    }
  }
  return indices;
}
