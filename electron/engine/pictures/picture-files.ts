import type { ImageFacts } from '../../shared/engine-api.ts';
import { PictureError } from '../../shared/picture-problem.ts';
import type { PictureProblem } from '../../shared/picture-problem.ts';
import type { ImageDecoder, PictureHeader } from './decode-image.ts';
import type { Picture } from './picture.ts';
import { readImageFile } from './read-image-file.ts';
import PQueue from 'p-queue';

const LARGE_PICTURE = 40e6; // pixels; decoded one at a time so that memory stays bounded

/** What was made of the picture in a file, with what the decoder warned of, or why there is none. */
export type FromFile<Made> =
  | { facts: ImageFacts; made: Made; warning: PictureProblem | undefined }
  | { facts: ImageFacts; problem: PictureProblem };

/** Reads and decodes files for the model, as many at a time as the engine has threads. */
export class PictureFiles {
  readonly #decoder: ImageDecoder;
  readonly #decoding: PQueue;
  readonly #largeDecoding = new PQueue({ concurrency: 1 });

  constructor(decoder: ImageDecoder, threads: number) {
    this.#decoder = decoder;
    this.#decoding = new PQueue({ concurrency: threads });
  }

  /**
   * What `make` makes of the picture in a file, and of the file's bytes. A large JPEG may be shrunk while it is decoded, so
   * far that a model that wants its shorter side at `shorterSide` pixels hardly sees it.
   */
  decode<Made>(
    path: string,
    shorterSide: (header: PictureHeader) => number,
    make: (picture: Picture, header: PictureHeader, bytes: Buffer) => Promise<Made>,
  ): Promise<FromFile<Made>> {
    return this.#decoding.add(() => this.#decode(path, shorterSide, make));
  }

  async #decode<Made>(
    path: string,
    shorterSide: (header: PictureHeader) => number,
    make: (picture: Picture, header: PictureHeader, bytes: Buffer) => Promise<Made>,
  ): Promise<FromFile<Made>> {
    const facts: ImageFacts = {
      version: undefined,
      width: undefined,
      height: undefined,
      capturedAt: undefined,
    };
    try {
      const { bytes, version } = await readImageFile(path);
      facts.version = version;
      const header = await this.#decoder.readHeader(bytes);
      const { width, height, captured } = header;
      Object.assign(facts, { width, height, capturedAt: captured?.at });
      Object.assign(facts, { capturedFraction: captured?.fraction, capturedOffset: captured?.offset });
      const decode = async () => {
        const picture = await this.#decoder.decode(bytes, header, shorterSide(header));
        return { facts, made: await make(picture, header, bytes), warning: picture.warning };
      };
      const large = width * height > LARGE_PICTURE;
      return await (large ? this.#largeDecoding.add(decode) : decode());
    } catch (error) {
      if (!(error instanceof PictureError)) throw error;
      return { facts, problem: error.problem };
    }
  }
}
