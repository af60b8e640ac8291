import { AppError } from '../shared/errors.ts';
import type { ImageFacts } from '../shared/engine-api.ts';
import type { ImageDecoder, Picture, PictureHeader } from './decode-image.ts';
import { readImageFile } from './read-image-file.ts';
import { Turns } from './turns.ts';

const LARGE_PICTURE = 40e6; // pixels; decoded one at a time so that memory stays bounded

/** What was made of the picture in a file, or why there is none in one sentence. */
export type FromFile<Made> = { facts: ImageFacts; made: Made } | { facts: ImageFacts; error: string };

/** Reads and decodes files for the model, as many at a time as the engine has threads. */
export class PictureFiles {
  readonly #decoder: ImageDecoder;
  readonly #decoding: Turns;
  readonly #largeDecoding = new Turns(1);

  constructor(decoder: ImageDecoder, threads: number) {
    this.#decoder = decoder;
    this.#decoding = new Turns(threads);
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
    return this.#decoding.take(() => this.#decode(path, shorterSide, make));
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
      const { width, height, capturedAt } = header;
      Object.assign(facts, { width, height, capturedAt });
      const decode = async () =>
        make(await this.#decoder.decode(bytes, header, shorterSide(header)), header, bytes);
      const large = width * height > LARGE_PICTURE;
      return { facts, made: await (large ? this.#largeDecoding.take(decode) : decode()) };
    } catch (error) {
      if (!(error instanceof AppError && error.code === 'BAD_IMAGE')) throw error;
      return { facts, error: error.message };
    }
  }
}
