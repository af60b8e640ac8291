/** An uncompressed TIFF, for the kinds of pixels that sharp does not write. */
export interface TiffImage {
  width: number;
  height: number;
  samples: number; // per pixel
  bits: number; // per sample
  kind: 'unsigned' | 'signed' | 'float';
  photometric: keyof typeof PHOTOMETRIC;
  data: Buffer; // little-endian, row-major
  /** Texts of its EXIF directory, by tag. */
  exif?: Record<number, string>;
}

const SHORT = 3;
const LONG = 4;
const ASCII = 2;

const PHOTOMETRIC = {
  'white is zero': 0,
  'black is zero': 1,
  rgb: 2,
  cmyk: 5,
  lab: 8,
  icclab: 9,
} as const;
const CHANNELS = { 'white is zero': 1, 'black is zero': 1, rgb: 3, cmyk: 4, lab: 3, icclab: 3 } as const;
const FORMATS = { unsigned: 1, signed: 2, float: 3 } as const;

type Entry = [tag: number, type: number, count: number, value: number];

/** A directory at its place in a file; a value of a short lies where it should, since all is little-endian. */
function directory(entries: readonly Entry[]): Buffer {
  const bytes = Buffer.alloc(2 + entries.length * 12 + 4);
  bytes.writeUInt16LE(entries.length, 0);
  for (const [index, [tag, type, count, value]] of entries.entries()) {
    const at = 2 + index * 12;
    bytes.writeUInt16LE(tag, at);
    bytes.writeUInt16LE(type, at + 2);
    bytes.writeUInt32LE(count, at + 4);
    bytes.writeUInt32LE(value, at + 8);
  }
  return bytes;
}

/** Texts and the directory of them, for a file in which they start at `start`; and where the directory is. */
function textDirectory(texts: Record<number, string>, start: number): { bytes: Buffer; at: number } {
  const parts: Buffer[] = [];
  let at = start;
  const entries = Object.entries(texts).map(([tag, text]): Entry => {
    const bytes = Buffer.from(text.padEnd(8, '\0'), 'latin1'); // long enough to lie outside the directory
    const entry: Entry = [Number(tag), ASCII, bytes.length, at];
    parts.push(bytes);
    at += bytes.length;
    return entry;
  });
  return { bytes: Buffer.concat([...parts, directory(entries)]), at };
}

/** An EXIF block as it stands in a JPEG, with these texts in its EXIF directory. */
export function exifBlock(texts: Record<number, string>): Buffer {
  const exif = textDirectory(texts, 26);
  const header = Buffer.from([0x49, 0x49, 42, 0, 8, 0, 0, 0]);
  return Buffer.concat([header, directory([[0x8769, LONG, 1, exif.at]]), exif.bytes]);
}

/** The file: header, pixels, EXIF, one directory. */
export function tiff({ width, height, samples, bits, kind, photometric, data, exif }: TiffImage): Buffer {
  const bitsAt = 8 + data.length;
  const perSample = Buffer.alloc(samples * 2);
  for (let sample = 0; sample < samples; sample++) perSample.writeUInt16LE(bits, sample * 2);
  const extra = samples - CHANNELS[photometric];
  const extraAt = bitsAt + perSample.length;
  const extraKinds = Buffer.alloc(Math.max(0, extra) * 2); // unspecified
  const exifAt = extraAt + extraKinds.length;
  const texts = exif === undefined ? { bytes: Buffer.alloc(0), at: 0 } : textDirectory(exif, exifAt);
  const entries: Entry[] = [
    [256, LONG, 1, width],
    [257, LONG, 1, height],
    samples === 1 ? [258, SHORT, 1, bits] : [258, SHORT, samples, samples === 2 ? bits * 0x10001 : bitsAt],
    [259, SHORT, 1, 1], // no compression
    [262, SHORT, 1, PHOTOMETRIC[photometric]],
    [273, LONG, 1, 8], // one strip
    [277, SHORT, 1, samples],
    [278, LONG, 1, height],
    [279, LONG, 1, data.length],
    ...(extra > 0 ? [[338, SHORT, extra, extra <= 2 ? 0 : extraAt] satisfies Entry] : []),
    [339, SHORT, 1, FORMATS[kind]],
    ...(exif === undefined ? [] : [[0x8769, LONG, 1, texts.at] satisfies Entry]),
  ];
  const header = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(exifAt + texts.bytes.length, 4);
  return Buffer.concat([header, data, perSample, extraKinds, texts.bytes, directory(entries)]);
}
