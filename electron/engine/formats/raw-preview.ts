import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DecoderReply } from '../pictures/decoder-threads.ts';

/** The part of LibRaw's JavaScript interface that is used. It throws objects of its own. */
interface LibRaw {
  open(bytes: Uint8Array, settings: object): void;
  thumbnailData(): { data: Uint8Array; format: 'jpeg' | 'bitmap' | 'unknown' } | undefined;
  delete(): void;
}

interface LibRawModule {
  LibRaw: new () => LibRaw;
}

let libraw: Promise<LibRawModule> | undefined;

/**
 * The largest JPEG that a camera put into its RAW file, with the camera's orientation in its EXIF. `notRaw` for a file
 * that only looks like one.
 */
export async function rawPreview(bytes: Uint8Array): Promise<DecoderReply> {
  libraw ??= load();
  const raw = new (await libraw).LibRaw();
  try {
    if (!opens(raw, bytes)) return { notRaw: true };
    const preview = raw.thumbnailData();
    return preview?.format === 'jpeg'
      ? { file: new Uint8Array(preview.data) }
      : { problem: { code: 'noPreview' } };
  } catch {
    return { problem: { code: 'damaged', details: 'LibRaw cannot read the JPEG in it' } };
  } finally {
    raw.delete();
  }
}

function opens(raw: LibRaw, bytes: Uint8Array): boolean {
  try {
    raw.open(bytes, {});
    return true;
  } catch {
    return false;
  }
}

/** The package is made for browsers, where it fetches its WebAssembly; here that is read. */
async function load(): Promise<LibRawModule> {
  const folder = dirname(createRequire(import.meta.url).resolve('libraw-wasm'));
  const [loaded, wasmBinary] = await Promise.all([
    import(pathToFileURL(join(folder, 'libraw.js')).href) as Promise<{
      default: (options: object) => Promise<LibRawModule>;
    }>,
    readFile(join(folder, 'libraw.wasm')),
  ]);
  return loaded.default({ wasmBinary });
}
