import { createRequire } from 'node:module';
import type { DecoderReply } from '../pictures/decoder-threads.ts';

/** The part of libheif's JavaScript interface that is used. */
interface HeifImage {
  get_width(): number;
  get_height(): number;
  is_primary(): boolean;
  /** Fills `data` with RGBA, turned upright; gives null when the picture cannot be decoded. */
  display(
    target: { data: Uint8ClampedArray; width: number; height: number },
    done: (picture: object | null) => void,
  ): void;
  free(): void;
}

interface Libheif {
  HeifDecoder: new () => { decode(bytes: Uint8Array): HeifImage[] };
}

const require = createRequire(import.meta.url);
let libheif: Libheif | undefined;

/**
 * The primary picture of a HEIC file: RGB, 8 bit, upright as its container says, without its colour profile. It comes without
 * warnings, since libheif has none to tell: a file that is cut off anywhere is refused when it is opened, and where bytes
 * inside of it are others, its HEVC decoder says nothing to it (`heif_image_get_decoding_warnings` counted 0 for a change of
 * any byte of a picture that was decoded nevertheless).
 */
export async function heicPicture(bytes: Uint8Array): Promise<DecoderReply> {
  libheif ??= require('libheif-js/wasm-bundle') as Libheif;
  const images = new libheif.HeifDecoder().decode(bytes);
  try {
    const image = images.find((candidate) => candidate.is_primary()) ?? images[0];
    if (image === undefined)
      return { problem: { code: 'damaged', details: 'libheif finds no picture in the file' } };
    const [width, height] = [image.get_width(), image.get_height()];
    const rgba = new Uint8ClampedArray(width * height * 4);
    const picture = await new Promise((resolve) => {
      image.display({ data: rgba, width, height }, resolve);
    });
    return picture === null
      ? { problem: { code: 'damaged', details: 'libheif cannot decode it' } }
      : { pixels: withoutAlpha(rgba), width, height };
  } finally {
    for (const image of images) image.free();
  }
}

function withoutAlpha(rgba: Uint8ClampedArray): Uint8Array<ArrayBuffer> {
  const rgb = new Uint8Array((rgba.length / 4) * 3);
  for (let from = 0, to = 0; from < rgba.length; from += 4) {
    rgb[to++] = rgba[from] ?? 0;
    rgb[to++] = rgba[from + 1] ?? 0;
    rgb[to++] = rgba[from + 2] ?? 0;
  }
  return rgb;
}
