import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { DecoderReply } from '../pictures/decoder-threads.ts';

/** The part of OpenJPEG's JavaScript interface that is used. It throws numbers. */
interface J2kDecoder {
  getEncodedBuffer(length: number): Uint8Array;
  decode(): void;
  getFrameInfo(): {
    width: number;
    height: number;
    bitsPerSample: number;
    componentCount: number;
    isSigned: boolean;
  };
  getDecodedBuffer(): Uint8Array;
  getColorSpace(): number;
  delete(): void;
}

interface OpenJpeg {
  J2KDecoder: new () => J2kDecoder;
}

type Load = (options: {
  wasmBinary: Uint8Array;
  print: () => void;
  printErr: (text: string) => void;
}) => Promise<OpenJpeg>;

/** Its samples have 4 bytes each while it decodes. */
const LARGEST = 36e6; // pixels; 24e6 take 630 MB

/** sRGB with brightness apart, as OpenJPEG numbers colour spaces. */
const SYCC = 3;

/** The size in a codestream: behind its start and the marker of that segment. */
const SIZE = Buffer.from([0xff, 0x4f, 0xff, 0x51]);

const require = createRequire(import.meta.url);
let loaded: Promise<OpenJpeg> | undefined;
let said: string[] = [];

/** RGB, 8 bit, from grey or RGB of any depth; what more channels there are is dropped. */
export async function jp2Picture(bytes: Uint8Array): Promise<DecoderReply> {
  const pixels = pixelsOf(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  if (pixels === undefined) return { problem: { code: 'damaged', details: 'JPEG 2000: no size' } };
  if (pixels > LARGEST) {
    const details = `${Math.round(pixels / 1e6)} megapixels, the limit of JPEG 2000 is ${LARGEST / 1e6}`;
    return { problem: { code: 'tooManyPixels', details } };
  }
  loaded ??= load();
  const decoder = new (await loaded).J2KDecoder();
  said = [];
  try {
    decoder.getEncodedBuffer(bytes.length).set(bytes);
    decoder.decode();
    return toRgb(decoder.getDecodedBuffer(), decoder.getFrameInfo(), decoder.getColorSpace());
  } catch (error) {
    return { problem: { code: 'damaged', details: `OpenJPEG: ${said.join('; ') || String(error)}` } };
  } finally {
    decoder.delete();
  }
}

function pixelsOf(bytes: Buffer): number | undefined {
  const at = bytes.indexOf(SIZE);
  if (at < 0 || at + 24 > bytes.length) return undefined;
  const side = (offset: number) => bytes.readUInt32BE(at + offset) - bytes.readUInt32BE(at + offset + 8);
  return side(8) * side(12);
}

function toRgb(
  decoded: Uint8Array,
  { width, height, bitsPerSample, componentCount, isSigned }: ReturnType<J2kDecoder['getFrameInfo']>,
  colourSpace: number,
): DecoderReply {
  const bytesPerSample = bitsPerSample > 8 ? 2 : 1;
  const isWhole = decoded.length === width * height * componentCount * bytesPerSample;
  if (width === 0 || !isWhole)
    return { problem: { code: 'damaged', details: `OpenJPEG: ${said.join('; ')}` } };
  if (isSigned || bitsPerSample > 16 || colourSpace === SYCC) {
    const details = `JPEG 2000: ${bitsPerSample} bits${isSigned ? ', signed' : ''}, colour space ${colourSpace}`;
    return { problem: { code: 'unknownKind', details } };
  }
  const samples =
    bytesPerSample === 1 ? decoded : new Uint16Array(decoded.slice().buffer, 0, decoded.length / 2);
  const largest = 2 ** bitsPerSample - 1;
  const toByte = (value: number) =>
    bitsPerSample >= 8 ? value >> (bitsPerSample - 8) : Math.round((value * 255) / largest);
  const pixels = new Uint8Array(width * height * 3);
  const isGrey = componentCount < 3;
  for (let from = 0, to = 0; to < pixels.length; from += componentCount, to += 3)
    for (let channel = 0; channel < 3; channel++)
      pixels[to + channel] = toByte(samples[from + (isGrey ? 0 : channel)] ?? 0);
  return { pixels, width, height };
}

async function load(): Promise<OpenJpeg> {
  const wasmBinary = await readFile(require.resolve('@cornerstonejs/codec-openjpeg/decodewasm'));
  const make = require('@cornerstonejs/codec-openjpeg/decodewasmjs') as Load;
  return make({ wasmBinary, print: () => undefined, printErr: (text) => void said.push(text.trim()) });
}
