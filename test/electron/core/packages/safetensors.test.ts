import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { createHash } from 'node:crypto';
import {
  readHeader,
  withFile,
  type SafetensorsHeader,
} from '../../../../electron/core/packages/read-safetensors.ts';
import { writeSafetensors, type TensorSource } from '../../../../electron/core/packages/write-safetensors.ts';
import { appError } from '../app-error.ts';
import { temporaryFolder } from '../temporary-folder.ts';

function source(name: string, type: TensorSource['type'], shape: number[], data: number[]): TensorSource {
  return { name, type, shape, read: () => Promise.resolve(Uint8Array.from(data)) };
}

const TENSORS = [
  source('b.half', 'F16', [3], [1, 2, 3, 4, 5, 6]),
  source('z', 'F32', [1, 1], [7, 8, 9, 10]),
  source('a', 'F32', [], [11, 12, 13, 14]),
  source('empty', 'BF16', [0, 9], []),
];

async function headerOf(context: TestContext, file: Uint8Array): Promise<SafetensorsHeader> {
  const path = join(await temporaryFolder(context), 'file.safetensors');
  await writeFile(path, file);
  return withFile(path, readHeader);
}

/** A file with this header text and this many bytes of data. */
function fileOf(header: unknown, dataBytes: number): Buffer {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, Buffer.alloc(dataBytes)]);
}

test('writes the bytes that the format prescribes', async (context) => {
  const path = join(await temporaryFolder(context), 'new/folder/file.safetensors');
  await writeSafetensors(path, TENSORS, (hash) => ({ hash }));
  const data = Buffer.from([11, 12, 13, 14, 7, 8, 9, 10, 1, 2, 3, 4, 5, 6]);
  const hash = createHash('sha256').update(data).digest('hex');
  const text =
    `{"__metadata__":{"hash":"${hash}"},"a":{"dtype":"F32","shape":[],"data_offsets":[0,4]},` +
    '"z":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]},"b.half":{"dtype":"F16","shape":[3],"data_offsets":[8,14]},' +
    '"empty":{"dtype":"BF16","shape":[0,9],"data_offsets":[14,14]}}';
  const padded = text.padEnd(Math.ceil(text.length / 8) * 8);
  assert.deepEqual(await readFile(path), Buffer.concat([fileOf(padded, 0), data]));
  assert.deepEqual(await readdir(join(path, '..')), ['file.safetensors']);
});

test('reads back what it wrote', async (context) => {
  const path = join(await temporaryFolder(context), 'file.safetensors');
  await writeSafetensors(path, TENSORS, () => ({ key: 'value' }));
  const { metadata, tensors, dataStart, fileBytes } = await withFile(path, readHeader);
  assert.deepEqual([...metadata], [['key', 'value']]);
  assert.deepEqual([...tensors.keys()], ['a', 'z', 'b.half', 'empty']);
  assert.deepEqual(tensors.get('b.half'), { type: 'F16', shape: [3], start: dataStart + 8, bytes: 6 });
  assert.equal(fileBytes, dataStart + 14);
  assert.equal(dataStart % 8, 0);
});

test('a tensor that cannot be read leaves nothing behind', async (context) => {
  const folder = await temporaryFolder(context);
  const broken = { ...source('m', 'F32', [1], []), read: () => Promise.reject(new Error('gone')) };
  await assert.rejects(
    writeSafetensors(join(folder, 'x.safetensors'), [...TENSORS, broken], () => ({})),
    /gone/,
  );
  assert.deepEqual(await readdir(folder), []);
});

test('a place that cannot be written is told in one sentence', async (context) => {
  const folder = await temporaryFolder(context);
  await writeFile(join(folder, 'file'), '');
  const path = join(folder, 'file', 'x.safetensors');
  await assert.rejects(
    writeSafetensors(path, TENSORS, () => ({})),
    appError('FILE_SYSTEM', /cannot be written/),
  );
});

const F32 = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };

const REFUSED: [string, Uint8Array, RegExp][] = [
  ['nothing', Buffer.alloc(0), /not a safetensors file/],
  ['a header beyond the file', fileOf({ a: F32 }, 4).subarray(0, 30), /announces a header/],
  [
    'a header of 2^63 bytes',
    Buffer.concat([Buffer.alloc(7), Buffer.of(128), Buffer.alloc(50)]),
    /announces a header of 9223372036854775808/,
  ],
  ['a header above 4 MB', fileOf(`{"a":"${' '.repeat(5e6)}"}`, 0), /announces a header/],
  ['no JSON', fileOf('{"a":', 0), /not JSON text/],
  ['no UTF-8', Buffer.concat([fileOf('', 0).fill(2, 0, 1), Buffer.of(0xff, 0xfe)]), /not JSON text/],
  ['a JSON list', fileOf([], 0), /not a JSON object/],
  ['a million brackets', fileOf('['.repeat(1e6) + ']'.repeat(1e6), 0), /not a JSON object|not JSON text/],
  ['metadata that are numbers', fileOf({ __metadata__: { a: 1 } }, 0), /metadata are not texts/],
  ['an entry that is a text', fileOf({ a: 'F32' }, 0), /entry of the tensor a is not valid/],
  ['a negative side', fileOf({ a: { ...F32, shape: [-1] } }, 4), /entry of the tensor a/],
  ['a fraction as side', fileOf({ a: { ...F32, shape: [0.5] } }, 2), /entry of the tensor a/],
  ['nine axes', fileOf({ a: { ...F32, shape: Array<number>(9).fill(1) } }, 4), /entry of the tensor a/],
  ['an unknown key', fileOf({ a: { ...F32, more: 1 } }, 4), /entry of the tensor a/],
  ['an unknown type', fileOf({ a: { ...F32, dtype: 'I8' } }, 4), /tensor a has the type I8/],
  [
    'a type named like a property',
    fileOf({ a: { ...F32, dtype: 'constructor' } }, 4),
    /tensor a has the type constructor/,
  ],
  ['a shape that does not fit its bytes', fileOf({ a: { ...F32, shape: [2] } }, 4), /tensor a does not lie/],
  [
    'a shape beyond all numbers',
    fileOf({ a: { ...F32, shape: [2 ** 52, 2 ** 52] } }, 4),
    /tensor a does not lie/,
  ],
  ['offsets backwards', fileOf({ a: { ...F32, data_offsets: [4, 0] } }, 4), /tensor a does not lie/],
  ['a gap', fileOf({ a: F32, b: { ...F32, data_offsets: [5, 9] } }, 9), /tensor b does not lie/],
  ['an overlap', fileOf({ a: F32, b: { ...F32, data_offsets: [2, 6] } }, 6), /tensor b does not lie/],
  ['the same place twice', fileOf({ a: F32, b: F32 }, 4), /tensor b does not lie/],
  ['data beyond the file', fileOf({ a: F32 }, 3), /tensors end at byte/],
  ['bytes behind the data', fileOf({ a: F32 }, 5), /tensors end at byte/],
];

for (const [name, file, message] of REFUSED) {
  test(`refuses ${name}`, async (context) => {
    await assert.rejects(headerOf(context, file), appError('BAD_MODEL', message));
  });
}

test('a tensor named __proto__ is a tensor like any other', async (context) => {
  const { tensors } = await headerOf(
    context,
    fileOf('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', 4),
  );
  assert.deepEqual([...tensors.keys()], ['__proto__']);
});
