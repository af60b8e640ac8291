import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DecoderReply } from '../pictures/decoder-threads.ts';

/** The part of jxl-oxide's JavaScript interface that is used. It throws texts. */
interface JxlImage {
  forceSrgb: boolean;
  feedBytes(bytes: Uint8Array): number;
  tryInit(): boolean;
  readonly loaded: boolean;
  readonly width: number | undefined;
  readonly height: number | undefined;
  render(): { encodeToPng(): Uint8Array };
  free(): void;
}

interface JxlModule {
  initSync(options: { module: Uint8Array }): unknown;
  JxlImage: new () => JxlImage;
}

/** Its samples are floats while it decodes, several times over. */
const LARGEST = 24e6; // pixels; 903 MB

let loaded: Promise<JxlModule> | undefined;

/** The first frame of a JPEG XL file as PNG. */
export async function jxlPicture(bytes: Uint8Array): Promise<DecoderReply> {
  loaded ??= load();
  const image = new (await loaded).JxlImage();
  try {
    image.feedBytes(bytes);
    if (!image.tryInit()) return { problem: { code: 'cutShort', details: 'jxl-oxide: no whole header' } };
    const pixels = (image.width ?? 0) * (image.height ?? 0);
    if (pixels > LARGEST) {
      const details = `${Math.round(pixels / 1e6)} megapixels, the limit of JPEG XL is ${LARGEST / 1e6}`;
      return { problem: { code: 'tooManyPixels', details } };
    }
    if (!image.loaded) return { problem: { code: 'cutShort', details: 'jxl-oxide: no whole frame' } };
    image.forceSrgb = true;
    return { file: image.render().encodeToPng() }; // which frees the frame
  } catch (error) {
    return { problem: { code: 'damaged', details: `jxl-oxide: ${String(error)}` } };
  } finally {
    image.free();
  }
}

/** The package is made for browsers, where it fetches its WebAssembly; here that is read. */
async function load(): Promise<JxlModule> {
  const folder = dirname(createRequire(import.meta.url).resolve('jxl-oxide-wasm/package.json'));
  const module = (await import(pathToFileURL(join(folder, 'jxl_oxide_wasm.js')).href)) as JxlModule;
  module.initSync({ module: await readFile(join(folder, 'jxl_oxide_wasm_bg.wasm')) });
  return module;
}
