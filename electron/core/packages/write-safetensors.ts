import { createHash } from 'node:crypto';
import { mkdir, open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { placeWhole } from '../files/place-whole.ts';
import type { Placing } from '../files/place-whole.ts';
import { PRIVATE_FOLDER } from '../files/private.ts';
import { toFileSystemError } from '../files/write-file.ts';
import { elementCount, TENSOR_TYPES, type TensorType } from './tensor-type.ts';

export interface TensorSource {
  name: string;
  type: TensorType;
  shape: readonly number[];
  /** The elements, row-major, little-endian; asked for once, in the order of the file. */
  read(): Promise<Uint8Array>;
}

/** Stands for the hash in the header until the tensors have been written. */
const NO_HASH = '0'.repeat(64);

/**
 * Writes a safetensors file, one tensor in memory at a time. `metadata` makes the `__metadata__` entry from the
 * SHA-256 (hex) of the tensor bytes. Tensors of wider elements come first, then by name, so each is aligned.
 * The file appears under `path` complete or not at all, and takes the place of what is there unless `place` does not. Equal
 * input gives equal bytes. Rejects with DISK_FULL or FILE_SYSTEM, or with what a tensor's `read` rejects with.
 */
export async function writeSafetensors(
  path: string,
  tensors: readonly TensorSource[],
  metadata: (dataSha256: string) => Record<string, string>,
  place?: Placing,
): Promise<void> {
  const sorted = [...tensors].sort(inFileOrder);
  const folder = dirname(path);
  await orFileSystemError(mkdir(folder, PRIVATE_FOLDER), folder);
  const fill = async (partial: string) => {
    const handle = await open(partial, 'wx');
    try {
      await writeContent(handle, sorted, metadata, path);
    } finally {
      await handle.close();
    }
  };
  await placeWhole(path, fill, place).catch((error: unknown) => {
    throw toFileSystemError(error, path);
  });
}

async function writeContent(
  handle: FileHandle,
  tensors: readonly TensorSource[],
  metadata: (dataSha256: string) => Record<string, string>,
  path: string,
): Promise<void> {
  const header = encodeHeader(tensors, metadata(NO_HASH));
  const hash = createHash('sha256');
  let position = header.length;
  for (const tensor of tensors) {
    const bytes = await tensor.read();
    hash.update(bytes);
    await orFileSystemError(writeAll(handle, bytes, position), path);
    position += bytes.length;
  }
  const finished = encodeHeader(tensors, metadata(hash.digest('hex')));
  await orFileSystemError(writeAll(handle, finished, 0), path);
  await orFileSystemError(handle.sync(), path);
}

/** Length of the JSON text in 8 bytes, and the text, padded with spaces to a multiple of 8. */
function encodeHeader(tensors: readonly TensorSource[], metadata: Record<string, string>): Uint8Array {
  let offset = 0;
  const entries = tensors.map(({ name, type, shape }) => {
    const start = offset;
    offset += elementCount(shape) * TENSOR_TYPES[type].bytes;
    return [name, { dtype: type, shape, data_offsets: [start, offset] }];
  });
  const json = Buffer.from(JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) }));
  const length = Math.ceil(json.length / 8) * 8;
  const header = Buffer.alloc(8 + length, ' ');
  header.writeBigUInt64LE(BigInt(length));
  json.copy(header, 8);
  return header;
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    done += (await handle.write(bytes, done, bytes.length - done, position + done)).bytesWritten;
  }
}

async function orFileSystemError<T>(work: Promise<T>, path: string): Promise<T> {
  return work.catch((error: unknown) => {
    throw toFileSystemError(error, path);
  });
}

function inFileOrder(a: TensorSource, b: TensorSource): number {
  return TENSOR_TYPES[b.type].bytes - TENSOR_TYPES[a.type].bytes || (a.name < b.name ? -1 : 1);
}
