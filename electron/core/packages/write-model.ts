import type { FileHandle } from 'node:fs/promises';
import { AppError } from '../../shared/errors.ts';
import { manifestSchema, MANIFEST_KEY } from '../../shared/model-package.ts';
import type { Manifest } from '../../shared/model-package.ts';
import { shortened } from '../../shared/shortened.ts';
import type { Placing } from '../files/place-whole.ts';
import { readExactly, readHeader, withFile } from './read-safetensors.ts';
import type { TensorPlace } from './read-safetensors.ts';
import { shapeProblem, tensorShapes } from '../models/tensor-shapes.ts';
import { allFinite } from './tensor-type.ts';
import { writeSafetensors } from './write-safetensors.ts';
import type { TensorSource } from './write-safetensors.ts';

/** A tensor that takes the place of one in the file. */
export interface NewTensor {
  shape: readonly number[];
  values: Float32Array;
}

/**
 * Writes a model package from the tensors of a safetensors file, plain weights or another package; the hash in the manifest
 * is made anew. `place` says what becomes of a file that is there. Rejects with ENGINE for tensors that are not the
 * manifest's, with DIVERGED for ones that are not finite, and with DISK_FULL or FILE_SYSTEM.
 */
export async function writeModel(
  path: string,
  weights: string,
  manifest: Manifest,
  replaced: ReadonlyMap<string, NewTensor> = new Map(),
  place?: Placing,
): Promise<void> {
  await withFile(weights, async (handle) => {
    const { tensors } = await readHeader(handle);
    const sources = [
      ...[...tensors]
        .filter(([name]) => !replaced.has(name))
        .map(([name, place]) => stored(handle, name, place)),
      ...[...replaced].map(([name, tensor]) => made(name, tensor)),
    ];
    const shapes = new Map(sources.map(({ name, shape }) => [name, shape]));
    const problem = shapeProblem(tensorShapes(manifest), shapes);
    if (problem !== undefined)
      throw new AppError('ENGINE', `The trained weights are not those of the model: ${problem}`);
    const metadata = (dataSha256: string) => ({
      // In the schema's order of fields, however the manifest came here: equal models are equal files.
      [MANIFEST_KEY]: JSON.stringify(manifestSchema.parse({ ...manifest, dataSha256 })),
    });
    await writeSafetensors(path, sources.map(finite), metadata, place);
  });
}

function stored(handle: FileHandle, name: string, { type, shape, start, bytes }: TensorPlace): TensorSource {
  return { name, type, shape, read: () => readExactly(handle, start, bytes) };
}

function made(name: string, { shape, values }: NewTensor): TensorSource {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [index, value] of values.entries()) view.setFloat32(index * 4, value, true);
  return { name, type: 'F32', shape, read: () => Promise.resolve(bytes) };
}

function finite(tensor: TensorSource): TensorSource {
  const read = async () => {
    const bytes = await tensor.read();
    if (allFinite(bytes, tensor.type)) return bytes;
    throw new AppError(
      'DIVERGED',
      `The trained tensor ${shortened(tensor.name)} holds a value that is not finite`,
      'Lower the learning rate.',
    );
  };
  return { ...tensor, read };
}
