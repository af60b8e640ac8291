import { crc32 } from 'node:zlib';
import type { StorageLocation } from './checkpoint-content.ts';
import type { CheckpointFile } from './checkpoint-file.ts';
import { badCheckpoint, ELEMENT_BYTES, type StorageRef, type TensorRef } from './pickle-values.ts';
import { shortened } from '../../shared/shortened.ts';

const CHECK_BYTES = 2 ** 20;

/** Reads tensors of one checkpoint. Every storage that is used is compared with its checksum once. */
export class TensorReader {
  readonly #file: CheckpointFile;
  readonly #checked = new Set<string>();

  constructor(file: CheckpointFile) {
    this.#file = file;
  }

  /** The elements of a tensor in row-major order, little-endian. Rejects with BAD_CHECKPOINT, naming the tensor. */
  async read(tensor: TensorRef, name: string): Promise<Uint8Array> {
    const { storage, offset, shape } = tensor;
    const size = ELEMENT_BYTES[storage.type];
    const span = elementSpan(tensor);
    const count = shape.reduce((product, side) => product * side, 1);
    if (offset + span > storage.elements || count > storage.elements) {
      throw badCheckpoint(
        `The tensor ${shortened(name)} is larger than its storage of ${storage.elements} elements`,
      );
    }
    const place = await this.#place(storage, name);
    const bytes = await this.#file.read(place.start + offset * size, span * size);
    return isContiguous(tensor) ? bytes : gather(bytes, tensor, size, count);
  }

  async #place(storage: StorageRef, name: string): Promise<StorageLocation> {
    const place = this.#file.place(storage);
    if (place === undefined)
      throw badCheckpoint(`The data of the tensor ${shortened(name)} is missing from the checkpoint`);
    if (place.bytes !== storage.elements * ELEMENT_BYTES[storage.type]) {
      throw badCheckpoint(
        `The data of the tensor ${shortened(name)} has ${place.bytes} bytes, which are not ${storage.elements} elements`,
      );
    }
    if (place.crc32 !== undefined && !this.#checked.has(storage.key)) {
      if ((await this.#checksum(place)) !== place.crc32) {
        throw badCheckpoint(`The data of the tensor ${shortened(name)} is damaged: its checksum differs`);
      }
      this.#checked.add(storage.key);
    }
    return place;
  }

  async #checksum(place: StorageLocation): Promise<number> {
    let sum = 0;
    for (let done = 0; done < place.bytes; done += CHECK_BYTES) {
      sum = crc32(await this.#file.read(place.start + done, Math.min(CHECK_BYTES, place.bytes - done)), sum);
    }
    return sum;
  }
}

/** Elements of the storage from the tensor's first to its last, both included; 0 for an empty tensor. */
function elementSpan({ shape, stride }: TensorRef): number {
  if (shape.includes(0)) return 0;
  return shape.reduce((last, side, axis) => last + (side - 1) * (stride[axis] ?? 0), 0) + 1;
}

function isContiguous({ shape, stride }: TensorRef): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const side = shape[axis] ?? 1;
    if (side !== 1 && stride[axis] !== expected) return false;
    expected *= side;
  }
  return true;
}

/** Copies a strided tensor element by element, last axis fastest. */
function gather(source: Uint8Array, { shape, stride }: TensorRef, size: number, count: number): Uint8Array {
  const target = new Uint8Array(count * size);
  const index = shape.map(() => 0);
  let from = 0;
  for (let to = 0; to < count; to++) {
    for (let byte = 0; byte < size; byte++) target[to * size + byte] = source[from * size + byte] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const step = stride[axis] ?? 0;
      const next = (index[axis] ?? 0) + 1;
      from += step;
      index[axis] = next;
      if (next < (shape[axis] ?? 1)) break;
      from -= step * next;
      index[axis] = 0;
    }
  }
  return target;
}
