import { countSeen, pathOfWanted } from '../../shared/engine-api.ts';
import type {
  Box,
  ClassProbability,
  EngineDial,
  ImageFacts,
  ImageOutcome,
  WantedPicture,
} from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { PictureProblem } from '../../shared/picture-problem.ts';
import type { NativeAddon, NativeModel } from '../addon.ts';
import type { Picture } from '../pictures/picture.ts';
import type { PictureFiles } from '../pictures/picture-files.ts';
import { topClasses } from './top-classes.ts';
import type PQueue from 'p-queue';

/** Crops of a picture in the buffer, one behind the other from `position` on. */
type Filled =
  | { facts: ImageFacts; position: number; warning: PictureProblem | undefined }
  | { facts: ImageFacts; problem: PictureProblem };

/** What the model says of one crop; undefined where it gave what is no number. */
interface Seen {
  top: ClassProbability[] | undefined;
  milliseconds: number;
}

/**
 * Crops of pictures for a classifier. Each picture is decoded once; all crops of a call lie in one buffer, whatever picture
 * they are of, so that the model's batches are full.
 */
export class CropBatches {
  readonly #addon: NativeAddon;
  readonly #model: NativeModel;
  readonly #files: PictureFiles;
  readonly #shape: { resize: number; crop: number };
  readonly #predicting: PQueue;

  constructor(parts: {
    addon: NativeAddon;
    native: NativeModel;
    files: PictureFiles;
    resize: number; // pixels of a crop's shorter side, as of a picture's
    crop: number; // side of the square that the model sees of it
    predicting: PQueue;
  }) {
    const { resize, crop } = parts;
    this.#addon = parts.addon;
    this.#model = parts.native;
    this.#files = parts.files;
    this.#shape = { resize, crop };
    this.#predicting = parts.predicting;
  }

  async predict(pictures: readonly WantedPicture[], dial: EngineDial): Promise<ImageOutcome[]> {
    const most = pictures.reduce((sum, picture) => sum + countSeen(picture), 0);
    const buffer = new Uint8Array(most * this.#bytes);
    let count = 0;
    const place = (crops: number) => {
      const position = count;
      count += crops;
      return position;
    };
    const filling = pictures.map((picture) => this.#fill(picture, buffer, place));
    await Promise.allSettled(filling); // nothing may still write when the buffer is handed on
    const filled = await Promise.all(filling);
    const seen = await this.#classify(buffer, count, dial);
    return filled.map((picture, index) => toOutcome(picture, pictures[index] ?? '', seen));
  }

  get #bytes(): number {
    return this.#shape.crop ** 2 * 3;
  }

  /** Decodes a picture and puts what the model sees of its crops where `place` says. */
  async #fill(wanted: WantedPicture, buffer: Uint8Array, place: (crops: number) => number): Promise<Filled> {
    const shorterSide = ({ width, height }: { width: number; height: number }) =>
      Math.ceil((this.#shape.resize * Math.min(width, height)) / shortestSide(wanted, width, height));
    const file = await this.#files.decode(pathOfWanted(wanted), shorterSide, async (picture, header) => {
      const boxes = typeof wanted === 'string' ? [{ x: 0, y: 0, ...sizeOf(header) }] : wanted.crops;
      const position = place(boxes.length);
      for (const [index, box] of boxes.entries()) {
        const part = cutOut(picture, box, header);
        const offset = (position + index) * this.#bytes;
        await this.#addon.resizeAndCrop(part.pixels, part.width, part.height, this.#shape, buffer, offset);
      }
      return position;
    });
    if ('problem' in file) return file;
    return { facts: file.facts, position: file.made, warning: file.warning };
  }

  /** Predicts what lies in the buffer, in batches as equal as can be. */
  async #classify(
    buffer: Uint8Array,
    count: number,
    { tokenKeep, blockThreshold, cropsAtOnce = count }: EngineDial,
  ): Promise<Seen[]> {
    const seen: Seen[] = [];
    const batches = Math.ceil(count / Math.max(1, cropsAtOnce));
    for (let batch = 0; batch < batches; batch++) {
      const some = Math.ceil((count - seen.length) / (batches - batch));
      const pixels = buffer.subarray(seen.length * this.#bytes, (seen.length + some) * this.#bytes);
      const predict = () => this.#model.predict(pixels, some, { tokenKeep, blockThreshold });
      const { logits, milliseconds } = await this.#predicting.add(predict);
      const classes = logits.length / some;
      for (let row = 0; row < some; row++) {
        const own = logits.subarray(row * classes, (row + 1) * classes);
        const top = own.every(Number.isFinite) ? topClasses(own) : undefined;
        seen.push({ top, milliseconds: milliseconds / some });
      }
    }
    return seen;
  }
}

const sizeOf = ({ width, height }: { width: number; height: number }) => ({ width, height });

/** Of the crops of a picture of this size, the shortest side in pixels. */
function shortestSide(wanted: WantedPicture, width: number, height: number): number {
  const sides = typeof wanted === 'string' ? [] : wanted.crops.flatMap((box) => [box.width, box.height]);
  return Math.max(1, Math.min(width, height, ...sides));
}

/** The pixels of a box; the picture may be smaller than the upright original, which the box is of. */
function cutOut(
  picture: Picture,
  box: Box,
  original: { width: number; height: number },
): { pixels: Uint8Array; width: number; height: number } {
  const [left, width] = span(box.x, box.width, original.width, picture.width);
  const [top, height] = span(box.y, box.height, original.height, picture.height);
  const pixels = new Uint8Array(width * height * 3);
  for (let row = 0; row < height; row++) {
    const start = ((top + row) * picture.width + left) * 3;
    pixels.set(picture.pixels.subarray(start, start + width * 3), row * width * 3);
  }
  return { pixels, width, height };
}

/** First pixel and number of pixels of a length, inside of a side that has `pixels` of the original's `side`. */
function span(start: number, length: number, side: number, pixels: number): [number, number] {
  const scale = pixels / side;
  const first = Math.min(Math.max(0, Math.round(start * scale)), pixels - 1);
  const end = Math.min(Math.max(first + 1, Math.round((start + length) * scale)), pixels);
  return [first, end - first];
}

function toOutcome(picture: Filled, wanted: WantedPicture, seen: readonly Seen[]): ImageOutcome {
  const { facts } = picture;
  if ('problem' in picture) return { status: 'failed', facts, problem: picture.problem };
  const own = seen.slice(picture.position, picture.position + countSeen(wanted));
  const crops: ClassProbability[][] = [];
  for (const { top } of own) {
    if (top === undefined) return { status: 'failed', facts, problem: { code: 'notANumber' } };
    crops.push(top);
  }
  if (crops.length < countSeen(wanted)) throw new AppError('ENGINE', 'A decoded crop was not predicted');
  return {
    status: 'ok',
    facts,
    warning: picture.warning,
    top: [],
    crops,
    receipt: {
      directions: new Uint8Array(0),
      survived: new Uint8Array(0),
      milliseconds: own.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
    },
  };
}
