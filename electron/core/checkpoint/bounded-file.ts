import type { FileHandle } from 'node:fs/promises';
import { badCheckpoint } from './pickle-values.ts';

/** A file that is never read past its end. */
export class BoundedFile {
  readonly #handle: FileHandle;
  readonly size: number;

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    if (!Number.isSafeInteger(position) || position < 0 || !(length <= this.size - position)) {
      throw badCheckpoint(`The checkpoint ends at byte ${this.size}, before the data that it announces`);
    }
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.#handle.read(bytes, done, length - done, position + done);
      if (bytesRead === 0) throw badCheckpoint('The checkpoint became shorter while it was read');
      done += bytesRead;
    }
    return bytes;
  }
}
