import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { openCheckpoint } from '../../../../electron/core/checkpoint/checkpoint-file.ts';
import { TensorRef } from '../../../../electron/core/checkpoint/pickle-values.ts';
import { TensorReader } from '../../../../electron/core/checkpoint/read-tensor.ts';
import { appError } from '../app-error.ts';
import { temporaryFolder } from '../temporary-folder.ts';
import { bytes, pickle, saveLegacy, saveZip, text, TorchTensor, zip, type Source } from './torch-save.ts';

const FORMATS = { zip: saveZip, legacy: saveLegacy };

/** Storage of 0, 1, 2, ... */
function counting(elements: number): Uint8Array {
  return new Uint8Array(Float32Array.from({ length: elements }, (_, index) => index).buffer);
}

/** Reads the tensors of a tuple from a file of these bytes. */
async function readTensors(context: TestContext, file: Uint8Array): Promise<number[][]> {
  const path = join(await temporaryFolder(context), 'file.pth');
  await writeFile(path, file);
  const checkpoint = await openCheckpoint(path);
  try {
    const reader = new TensorReader(checkpoint);
    const values: number[][] = [];
    assert.ok(Array.isArray(checkpoint.root));
    for (const [index, tensor] of checkpoint.root.entries()) {
      assert.ok(tensor instanceof TensorRef);
      const read = await reader.read(tensor, `tensor ${index}`);
      values.push([...new Float32Array(Uint8Array.from(read).buffer)]);
    }
    return values;
  } finally {
    await checkpoint.close();
  }
}

for (const [format, save] of Object.entries(FORMATS)) {
  test(`${format}: contiguous, offset, transposed, stepped, empty and scalar tensors of one storage`, async (context) => {
    const view = (shape: number[], offset: number, stride?: number[]): Source =>
      new TorchTensor({
        key: '0',
        data: counting(24),
        shape,
        offset,
        ...(stride === undefined ? {} : { stride }),
      });
    const tensors = await readTensors(
      context,
      save([
        view([2, 3], 0),
        view([4], 20),
        view([3, 2], 0, [1, 3]),
        view([2, 2, 2], 1, [12, 6, 2]),
        view([0, 5], 24, [5, 1]),
        view([], 7, []),
        view([1, 3], 2, [99, 1]),
      ]),
    );
    assert.deepEqual(tensors, [
      [0, 1, 2, 3, 4, 5],
      [20, 21, 22, 23],
      [0, 3, 1, 4, 2, 5],
      [1, 3, 7, 9, 13, 15, 19, 21],
      [],
      [7],
      [2, 3, 4],
    ]);
  });

  const outside: [string, { shape: number[]; offset?: number; stride?: number[] }][] = [
    ['a shape beyond its storage', { shape: [25] }],
    ['an offset beyond its storage', { shape: [4], offset: 21 }],
    ['strides beyond its storage', { shape: [2, 2], stride: [23, 2] }],
    ['more elements than its storage', { shape: [2 ** 20, 2 ** 20], stride: [0, 0] }],
    [
      'a size that no number holds',
      { shape: [2 ** 30, 2 ** 30, 2 ** 30], stride: [2 ** 30, 2 ** 30, 2 ** 30] },
    ],
  ];
  for (const [name, fields] of outside) {
    test(`${format}: refuses a tensor of ${name}`, async (context) => {
      const file = save([new TorchTensor({ key: '0', data: counting(24), ...fields })]);
      await assert.rejects(
        readTensors(context, file),
        appError('BAD_CHECKPOINT', /tensor 0 is larger than its storage/),
      );
    });
  }

  test(`${format}: refuses a storage of another length than the pickle says`, async (context) => {
    const file = save([new TorchTensor({ key: '0', data: counting(24), shape: [2], elements: 23 })]);
    await assert.rejects(
      readTensors(context, file),
      appError('BAD_CHECKPOINT', /has 96 bytes|has 24 elements/),
    );
  });
}

test('zip: the checksum finds a changed byte of a tensor, and the name of the tensor is told', async (context) => {
  const file = saveZip([new TorchTensor({ key: '0', data: counting(24), shape: [2] })]);
  const data = file.indexOf(Buffer.from(counting(24)));
  file[data + 90] = 77;
  await assert.rejects(readTensors(context, file), appError('BAD_CHECKPOINT', /tensor 0 is damaged/));
});

test('zip: the checksum finds a changed byte of the pickle', async (context) => {
  const file = saveZip([new TorchTensor({ key: '0', data: counting(24), shape: [2] })]);
  file[file.indexOf('storage')] = 0x53;
  await assert.rejects(readTensors(context, file), appError('BAD_CHECKPOINT', /data\.pkl is damaged/));
});

const PICKLE = pickle([new TorchTensor({ key: '0', data: counting(2), shape: [2] })]);

const REFUSED: [string, Uint8Array, RegExp][] = [
  ['an empty file', Buffer.alloc(0), /is empty/],
  [
    'a picture',
    Buffer.from('ffd8ffe000104a464946', 'hex'),
    /starts neither like a zip archive nor like a pickle/,
  ],
  ['a zip archive of something else', zip([['readme.txt', text('hello')]]), /without data\.pkl/],
  ['a zip archive without its end', saveZip([]).subarray(0, -23), /damaged zip archive/],
  [
    'a TorchScript program',
    zip([
      ['m/data.pkl', PICKLE],
      ['m/constants.pkl', PICKLE],
    ]),
    /TorchScript/,
  ],
  [
    'big-endian tensors',
    zip([
      ['m/data.pkl', PICKLE],
      ['m/byteorder', text('big')],
    ]),
    /little-endian/,
  ],
  [
    'an entry twice',
    zip([
      ['m/data.pkl', PICKLE],
      ['m/data/0', counting(2)],
      ['m/data/0', counting(2)],
    ]),
    /two entries m\/data\/0/,
  ],
  ['a tensor without data', zip([['m/data.pkl', PICKLE]]), /data of the tensor tensor 0 is missing/],
  ['a pickle of another program', pickle(new Map([['a', 1]])), /not one of torch\.save/],
  ['a magic number alone', saveLegacy([]).subarray(0, 15), /ends at byte 15/],
  [
    'an unknown legacy version',
    Buffer.concat([saveLegacy([]).subarray(0, 15), pickle(1002)]),
    /unknown version/,
  ],
  [
    'a legacy file that ends in a storage',
    saveLegacy([new TorchTensor({ key: '0', data: counting(24), shape: [2] })]).subarray(0, -1),
    /inside the tensor storage/,
  ],
  [
    'a legacy file without its storages',
    saveLegacy([new TorchTensor({ key: '0', data: counting(24), shape: [2] })]).subarray(0, -104),
    /before the data/,
  ],
  ['PK and nothing else', text('PK'), /damaged zip archive/],
  [
    'a zip directory of 65,535 entries',
    Buffer.concat([text('PK\x05\x06'), bytes(0, 0, 0, 0, 255, 255, 255, 255), Buffer.alloc(10)]),
    /before the data/,
  ],
  ['a zip64 directory at 2^63', zip64At(2n ** 63n), /damaged|before the data/],
  ['a zip64 directory of 2^60 entries', zip64Entries(2n ** 60n), /entries/],
];

for (const [name, file, message] of REFUSED) {
  test(`refuses ${name}`, async (context) => {
    await assert.rejects(readTensors(context, file), appError('BAD_CHECKPOINT', message));
  });
}

test('a missing file and a folder are told apart', async (context) => {
  const folder = await temporaryFolder(context);
  await assert.rejects(
    openCheckpoint(join(folder, 'none.pth')),
    appError('NOT_FOUND', /none\.pth cannot be opened/),
  );
  await assert.rejects(openCheckpoint(folder), appError('BAD_ARGUMENT', /is a folder/));
});

/** A zip64 locator that points to `offset`, before the end of the central directory. */
function zip64At(offset: bigint): Buffer {
  const locator = Buffer.alloc(16);
  locator.writeBigUInt64LE(offset, 4);
  return Buffer.concat([
    text('PK\x03\x04'),
    text('PK\x06\x07'),
    locator,
    text('PK\x05\x06'),
    Buffer.alloc(18),
  ]);
}

function zip64Entries(entries: bigint): Buffer {
  const record = Buffer.alloc(52);
  record.writeBigUInt64LE(entries, 28);
  return Buffer.concat([
    text('PK\x06\x06'),
    record,
    text('PK\x06\x07'),
    Buffer.alloc(16),
    text('PK\x05\x06'),
    Buffer.alloc(18),
  ]);
}
