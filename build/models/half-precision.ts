import { readExactly, readHeader, withFile } from '../../electron/core/packages/read-safetensors.ts';
import { writeSafetensors } from '../../electron/core/packages/write-safetensors.ts';

/** Writes the tensors of a safetensors file, which have 32 bits per number, with 16 (IEEE 754 binary16, to the nearest). */
export function writeHalved(from: string, to: string): Promise<void> {
  return withFile(from, async (handle) => {
    const { tensors } = await readHeader(handle);
    const sources = [...tensors].map(([name, { type, shape, start, bytes }]) => {
      if (type !== 'F32') throw new Error(`Expected 32-bit tensors in ${from}, but ${name} is of ${type}`);
      const read = async () => halve(await readExactly(handle, start, bytes));
      return { name, type: 'F16' as const, shape, read };
    });
    await writeSafetensors(to, sources, () => ({}));
  });
}

function halve(bytes: Uint8Array): Uint8Array {
  const values = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const halved = new DataView(new ArrayBuffer(bytes.byteLength / 2));
  for (let at = 0; at < halved.byteLength; at += 2)
    halved.setFloat16(at, values.getFloat32(2 * at, true), true);
  return new Uint8Array(halved.buffer);
}
