import type { FileHandle } from 'node:fs/promises';
import { z } from 'zod';
import { parseBounded } from '../../shared/bounded-json.ts';
import { AppError } from '../../shared/errors.ts';
import { HEADER_BOUNDS } from '../../shared/model-package.ts';
import { shortened } from '../../shared/shortened.ts';
import { openRegularFile } from '../files/regular-file.ts';
import { elementCount, isTensorType, TENSOR_TYPES, type TensorType } from './tensor-type.ts';

/** Room for the manifest of 20,000 labels and 10,000 tensors. */
const MAX_HEADER_BYTES = 4 * 2 ** 20;
const MAX_DIMENSIONS = 8;
const MAX_NAME = 200;

export interface TensorPlace {
  type: TensorType;
  shape: readonly number[];
  /** Position in the file, bytes. */
  start: number;
  bytes: number;
}

export interface SafetensorsHeader {
  metadata: ReadonlyMap<string, string>;
  /** In the order of the data: one behind the other, without gaps, to the end of the file. */
  tensors: ReadonlyMap<string, TensorPlace>;
  /** Position of the first tensor byte, and the file's end. */
  dataStart: number;
  fileBytes: number;
}

const count = z.int().nonnegative();
const tensorSchema = z.strictObject({
  dtype: z.string(),
  shape: z.array(count).max(MAX_DIMENSIONS),
  data_offsets: z.tuple([count, count]),
});

/** Opens a file for reading as long as `use` runs. Rejects with NOT_FOUND when it cannot be opened. */
export async function withFile<T>(path: string, use: (handle: FileHandle) => Promise<T>): Promise<T> {
  const handle = await openRegularFile(path, 'model package').catch((cause: unknown) => {
    if (cause instanceof AppError) throw cause;
    throw new AppError('NOT_FOUND', `The model package ${path} cannot be opened`, 'Check the path.', {
      cause,
    });
  });
  try {
    return await use(handle);
  } finally {
    await handle.close();
  }
}

/**
 * Reads and checks a safetensors header: 8 bytes of its length, JSON text; then the tensors' bytes. Every tensor must
 * have a known type, a shape that fits its bytes, and lie directly behind the one before it. Rejects with BAD_MODEL.
 */
export async function readHeader(handle: FileHandle): Promise<SafetensorsHeader> {
  const stats = await handle.stat();
  if (!stats.isFile() || stats.size < 8) throw badModel('The model package is not a safetensors file');
  const length = new DataView((await readExactly(handle, 0, 8)).buffer).getBigUint64(0, true);
  if (length > MAX_HEADER_BYTES || Number(length) > stats.size - 8) {
    throw badModel(`The model package announces a header of ${length} bytes in a file of ${stats.size}`);
  }
  const dataStart = 8 + Number(length);
  const entries = parseEntries(await readExactly(handle, 8, Number(length)));
  const metadata = parseMetadata(entries.get('__metadata__'));
  entries.delete('__metadata__');
  const tensors = placeTensors(entries, dataStart, stats.size);
  return { metadata, tensors, dataStart, fileBytes: stats.size };
}

/** Reads exactly `length` bytes from `position`. Rejects with BAD_MODEL when the file ends before. */
export async function readExactly(handle: FileHandle, position: number, length: number): Promise<Uint8Array> {
  const bytes = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const { bytesRead } = await handle.read(bytes, done, length - done, position + done);
    if (bytesRead === 0) throw badModel('The model package is shorter than its header says');
    done += bytesRead;
  }
  return bytes;
}

export function badModel(problem: string, options?: ErrorOptions): AppError {
  return new AppError(
    'BAD_MODEL',
    problem,
    'Import the checkpoint again, or copy the package again.',
    options,
  );
}

function parseEntries(text: Uint8Array): Map<string, unknown> {
  try {
    const json = parseBounded(new TextDecoder('utf-8', { fatal: true }).decode(text), HEADER_BOUNDS);
    if (typeof json === 'object' && json !== null && !Array.isArray(json))
      return new Map(Object.entries(json));
  } catch (cause) {
    throw badModel("The model package's header is not JSON text", { cause });
  }
  throw badModel("The model package's header is not a JSON object");
}

function parseMetadata(entry: unknown): Map<string, string> {
  const metadata = z.record(z.string(), z.string()).safeParse(entry ?? {});
  if (!metadata.success) throw badModel("The model package's metadata are not texts");
  return new Map(Object.entries(metadata.data));
}

function placeTensors(
  entries: Map<string, unknown>,
  dataStart: number,
  end: number,
): Map<string, TensorPlace> {
  const tensors = new Map<string, TensorPlace>();
  let position = dataStart;
  for (const [name, { dtype, shape, data_offsets }] of byOffset(entries)) {
    if (!isTensorType(dtype))
      throw badModel(`The tensor ${shortened(name)} has the type ${shortened(dtype)}, not F32, F16 or BF16`);
    const bytes = elementCount(shape) * TENSOR_TYPES[dtype].bytes;
    if (data_offsets[0] !== position - dataStart || data_offsets[1] !== data_offsets[0] + bytes) {
      throw badModel(
        `The tensor ${shortened(name)} does not lie directly behind the one before it with the bytes of its shape`,
      );
    }
    tensors.set(name, { type: dtype, shape, start: position, bytes });
    position += bytes;
  }
  if (position !== end)
    throw badModel(`The model package has ${end} bytes, but its tensors end at byte ${position}`);
  return tensors;
}

function byOffset(entries: Map<string, unknown>): [string, z.infer<typeof tensorSchema>][] {
  const tensors = [...entries].map(([name, entry]): [string, z.infer<typeof tensorSchema>] => {
    const tensor = tensorSchema.safeParse(entry);
    if (!tensor.success || name.length > MAX_NAME)
      throw badModel(`The header entry of the tensor ${shortened(name)} is not valid`);
    return [name, tensor.data];
  });
  return tensors.sort(
    ([, a], [, b]) => a.data_offsets[0] - b.data_offsets[0] || a.data_offsets[1] - b.data_offsets[1],
  );
}
