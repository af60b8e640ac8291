/** An uncompressed TIFF, for the kinds of pixels that sharp does not write. */
export interface TiffImage {
  width: number;
  height: number;
  samples: number; // per pixel
  bits: number; // per sample
  kind: 'unsigned' | 'float';
  photometric: 'black is zero' | 'cmyk';
  data: Buffer; // little-endian, row-major
}

const SHORT = 3;
const LONG = 4;

/** The file: header, pixels, one directory. */
export function tiff({ width, height, samples, bits, kind, photometric, data }: TiffImage): Buffer {
  const bitsAt = 8 + data.length;
  const perSample = Buffer.alloc(samples * 2);
  for (let sample = 0; sample < samples; sample++) perSample.writeUInt16LE(bits, sample * 2);
  const entries = [
    [256, LONG, 1, width],
    [257, LONG, 1, height],
    samples === 1 ? [258, SHORT, 1, bits] : [258, SHORT, samples, bitsAt],
    [259, SHORT, 1, 1], // no compression
    [262, SHORT, 1, photometric === 'cmyk' ? 5 : 1],
    [273, LONG, 1, 8], // one strip
    [277, SHORT, 1, samples],
    [278, LONG, 1, height],
    [279, LONG, 1, data.length],
    [339, SHORT, 1, kind === 'float' ? 3 : 1],
  ];
  const directory = Buffer.alloc(2 + entries.length * 12 + 4);
  directory.writeUInt16LE(entries.length, 0);
  for (const [index, [tag = 0, type = 0, count = 0, value = 0]] of entries.entries()) {
    const at = 2 + index * 12;
    directory.writeUInt16LE(tag, at);
    directory.writeUInt16LE(type, at + 2);
    directory.writeUInt32LE(count, at + 4);
    directory.writeUInt32LE(value, at + 8); // little-endian, so a short lies where it should
  }
  const header = Buffer.from([0x49, 0x49, 42, 0, 0, 0, 0, 0]);
  header.writeUInt32LE(bitsAt + perSample.length, 4);
  return Buffer.concat([header, data, perSample, directory]);
}
