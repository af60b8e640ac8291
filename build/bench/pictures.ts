import fs from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { loadAddon } from '../../electron/engine/addon.ts';
import { prepareDecoder } from '../../electron/engine/pictures/decode-image.ts';
import { root } from '../setup.mjs';

const photos = path.join(root, '../shared/photos');

/** Where the pictures come from: photographs where the project's test data is at hand, else the samples. */
export const sources = fs.existsSync(photos) ? photos : path.join(root, 'resources/samples/everyday');

export const SIDE = 224;
export const PICTURE_BYTES = SIDE * SIDE * 3;
export const RESIZE = 256;

const DIFFERENT = 16; // pictures of a folder that are no links

function sourcePictures(): string[] {
  return fs
    .readdirSync(sources)
    .filter((name) => /\.(jpe?g|png)$/i.test(name))
    .map((name) => path.join(sources, name));
}

const turn = <T>(items: readonly T[], index: number): T => items[index % items.length] as T;

/** `count` pictures as the model sees them, one behind the other. */
export async function croppedPictures(count: number): Promise<Uint8Array> {
  const addon = loadAddon();
  const decoder = prepareDecoder();
  const files = sourcePictures();
  const pixels = new Uint8Array(count * PICTURE_BYTES);
  for (let i = 0; i < count; i++) {
    const bytes = fs.readFileSync(turn(files, i));
    const picture = await decoder.decode(bytes, await decoder.readHeader(bytes), RESIZE);
    const shape = { resize: RESIZE, crop: SIDE };
    const { width, height } = picture;
    await addon.resizeAndCrop(picture.pixels, width, height, shape, pixels, i * PICTURE_BYTES);
  }
  return pixels;
}

/** What the pictures of a folder are like. */
export interface PhotoKind {
  width: number;
  height: number;
  /** So many source pictures side by side and as many below each other: a large picture has detail of its own. */
  tiles: number;
}

/** A folder of `count` JPEGs: the source pictures in turn, most of them as links to others. */
export async function writePhotos(folder: string, count: number, kind: PhotoKind): Promise<void> {
  fs.mkdirSync(folder);
  const files = sourcePictures();
  const different = Math.min(count, kind.tiles === 1 ? files.length : DIFFERENT);
  const at = (i: number) => path.join(folder, `${i}.jpg`);
  for (let i = 0; i < different; i++) fs.writeFileSync(at(i), await photo(files, i, kind));
  for (let i = different; i < count; i++) fs.linkSync(at(i % different), at(i));
}

async function photo(files: readonly string[], first: number, kind: PhotoKind): Promise<Buffer> {
  const [width, height] = [Math.ceil(kind.width / kind.tiles), Math.ceil(kind.height / kind.tiles)];
  const tile = (i: number) =>
    sharp(turn(files, first + i))
      .rotate()
      .resize(width, height, { fit: 'cover' });
  if (kind.tiles === 1) return tile(0).jpeg({ quality: 90 }).toBuffer();
  const tiles = Array.from({ length: kind.tiles ** 2 }, async (_, i) => ({
    input: await tile(i).png({ compressionLevel: 0 }).toBuffer(),
    left: (i % kind.tiles) * width,
    top: Math.floor(i / kind.tiles) * height,
  }));
  const ground = {
    width: width * kind.tiles,
    height: height * kind.tiles,
    channels: 3,
    background: '#000',
  } as const;
  return sharp({ create: ground })
    .composite(await Promise.all(tiles))
    .jpeg({ quality: 90 })
    .toBuffer();
}
