import type { ImageFacts } from '../../shared/engine-api.ts';
import type { PictureProblem } from '../../shared/picture-problem.ts';
import { isCurrent } from '../pictures/read-image-file.ts';

/** One image on its way through a batch; `position` is its index in the buffer. */
export type Decoded =
  | { facts: ImageFacts; position: number; warning: PictureProblem | undefined }
  | { facts: ImageFacts; problem: PictureProblem };

/** What pictures must be made from which files for a batch. */
export interface Wanted {
  paths: readonly string[];
  resize: number;
  crop: number;
}

/** Memory for the pictures of one batch, and the files whose pictures lie in it. */
export interface BatchBuffer {
  bytes: Uint8Array;
  holds: (Wanted & { decoded: Decoded[] }) | undefined;
}

/** Buffers for two batches: one is filled while the other is predicted. */
export class BatchBuffers {
  readonly #free: BatchBuffer[] = [
    { bytes: new Uint8Array(0), holds: undefined },
    { bytes: new Uint8Array(0), holds: undefined },
  ];

  /** Takes the buffer that holds these pictures from an earlier batch, or else any. */
  take(wanted: Wanted): BatchBuffer {
    const index = this.#free.findIndex(({ holds }) => holds !== undefined && isSame(holds, wanted));
    const [buffer] = this.#free.splice(index, 1); // -1 is the last
    return buffer ?? { bytes: new Uint8Array(0), holds: undefined };
  }

  giveBack(buffer: BatchBuffer): void {
    this.#free.push(buffer);
  }
}

/**
 * What a buffer already holds of a batch: a calibration asks for the same pictures once per setting, and decoding takes
 * longer than predicting. Undefined when a file has changed since, or could not be read.
 */
export async function alreadyDecoded({ holds }: BatchBuffer, wanted: Wanted): Promise<Decoded[] | undefined> {
  if (holds === undefined || !isSame(holds, wanted)) return undefined;
  const unchanged = await Promise.all(
    holds.decoded.map(({ facts }, index) => isCurrent(wanted.paths[index] ?? '', facts.version)),
  );
  return unchanged.every(Boolean) ? holds.decoded : undefined;
}

function isSame(one: Wanted, other: Wanted): boolean {
  const { paths } = one;
  return (
    one.resize === other.resize &&
    one.crop === other.crop &&
    paths.length === other.paths.length &&
    paths.every((path, index) => path === other.paths[index])
  );
}
