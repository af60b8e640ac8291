import { readFileSync } from 'node:fs';

interface Entry {
  dtype: string;
  shape: number[];
  data_offsets: [number, number];
}

const LENGTH_BYTES = 8; // of the header's length before it

/** A tensor of a safetensors file of expected numbers, flat. */
export function expectedTensors(path: string): (name: string) => number[] {
  const bytes = readFileSync(path);
  const start = LENGTH_BYTES + Number(bytes.readBigUInt64LE(0));
  const entries = JSON.parse(bytes.toString('utf8', LENGTH_BYTES, start)) as Record<string, Entry>;
  return (name) => {
    const entry = entries[name];
    if (entry === undefined) throw new Error(`${path} has no tensor ${name}`);
    const [from, to] = entry.data_offsets;
    const { buffer } = Uint8Array.from(bytes.subarray(start + from, start + to)); // aligned
    if (entry.dtype === 'F32') return [...new Float32Array(buffer)];
    if (entry.dtype === 'I64') return [...new BigInt64Array(buffer)].map(Number);
    if (entry.dtype === 'U8') return [...new Uint8Array(buffer)];
    throw new Error(`${name} is of the type ${entry.dtype}`);
  };
}
