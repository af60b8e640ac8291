import { countSeen, pathOfWanted } from '../../shared/engine-api.ts';
import type {
  ClassProbability,
  EngineDial,
  ImageFacts,
  ImageOutcome,
  WantedPicture,
} from '../../shared/engine-api.ts';
import { AppError } from '../../shared/errors.ts';
import type { PictureProblem } from '../../shared/picture-problem.ts';
import type { NativeAddon, NativeModel } from '../addon.ts';
import { cutOut, sideForCrops } from '../pictures/cut-out.ts';
import type { PictureSize } from '../pictures/shrink-on-load.ts';
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
    const boxesIn = ({ width, height }: PictureSize) =>
      typeof wanted === 'string' ? [{ x: 0, y: 0, width, height }] : wanted.crops;
    const shorterSide = (size: PictureSize) => sideForCrops(boxesIn(size), size, this.#shape.resize);
    const file = await this.#files.decode(pathOfWanted(wanted), shorterSide, async (picture, header) => {
      const boxes = boxesIn(header);
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
