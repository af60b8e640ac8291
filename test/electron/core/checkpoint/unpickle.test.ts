import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  Inert,
  Namespace,
  StorageRef,
  TensorRef,
} from '../../../../electron/core/checkpoint/pickle-values.ts';
import { unpickle } from '../../../../electron/core/checkpoint/unpickle.ts';
import { appError, assertAppError } from '../app-error.ts';
import { mutated, seededRandom } from '../random.ts';
import { bytes, global, pickle, text, TorchTensor } from './torch-save.ts';

/** Bytes as CPython 3.11 wrote them. */
function python(hex: string): Uint8Array {
  return Uint8Array.from(Buffer.from(hex, 'hex'));
}

/** A protocol 2 pickle of raw opcodes. */
function raw(...parts: Buffer[]): Buffer {
  return Buffer.concat([bytes(0x80, 2), ...parts, text('.')]);
}

function u32(value: number): Buffer {
  const encoded = Buffer.alloc(4);
  encoded.writeUInt32LE(value);
  return encoded;
}

/**
 * {'a': [1, -2, 2**40, -2**70, 0.5, True, False, None, 300, 70000], 'b': ('x', (), ('y',), ('y', 'z')),
 *  'c': OrderedDict(k='e acute'), and 'd': b'\x00\xff' from protocol 3 on}
 */
const VALUES = {
  2: '80027d71002858010000006171015d7102284b014afeffffff8a060000000000018a090000000000000000c0473fe000000000000088894e4d2c014a70110100655801000000627103285801000000787104295801000000797105857106680558010000007a7107867108747109580100000063710a63636f6c6c656374696f6e730a4f726465726564446963740a710b2952710c58010000006b710d5802000000c3a9710e73752e',
  3: '80037d71002858010000006171015d7102284b014afeffffff8a060000000000018a090000000000000000c0473fe000000000000088894e4d2c014a70110100655801000000627103285801000000787104295801000000797105857106680558010000007a7107867108747109580100000063710a63636f6c6c656374696f6e730a4f726465726564446963740a710b2952710c58010000006b710d5802000000c3a9710e73580100000064710f430200ff7110752e',
  4: '8004958d000000000000007d94288c0161945d94284b014afeffffff8a060000000000018a090000000000000000c0473fe000000000000088894e4d2c014a70110100658c016294288c017894298c017994859468058c017a94869474948c0163948c0b636f6c6c656374696f6e73948c0b4f726465726564446963749493942952948c016b948c02c3a994738c016494430200ff94752e',
  5: '8005958d000000000000007d94288c0161945d94284b014afeffffff8a060000000000018a090000000000000000c0473fe000000000000088894e4d2c014a70110100658c016294288c017894298c017994859468058c017a94869474948c0163948c0b636f6c6c656374696f6e73948c0b4f726465726564446963749493942952948c016b948c02c3a994738c016494430200ff94752e',
};

for (const [protocol, hex] of Object.entries(VALUES)) {
  test(`reads numbers, texts and containers of protocol ${protocol}`, () => {
    const { value, end } = unpickle(python(hex));
    const expected = new Map<string, unknown>([
      ['a', [1, -2, 2 ** 40, -(2n ** 70n), 0.5, true, false, null, 300, 70000]],
      ['b', ['x', [], ['y'], ['y', 'z']]],
      ['c', new Map([['k', '\u00e9']])],
    ]);
    if (protocol !== '2') expected.set('d', Uint8Array.of(0, 255));
    assert.deepEqual(value, expected);
    assert.equal(end, hex.length / 2);
  });
}

test('a memoized value is one value', () => {
  const { value } = unpickle(python('8004950c000000000000005d94285d944b01616801652e'));
  assert.ok(Array.isArray(value));
  assert.deepEqual(value, [[1], [1]]);
  assert.equal(value[0], value[1]);
});

test('an argparse.Namespace keeps its attributes', () => {
  const protocols = [
    '80026361726770617273650a4e616d6573706163650a7100298171017d71022858050000006d6f64656c7103580800000056696d2d54696e7971045801000000727105473fe666666666666675622e',
    '80049542000000000000008c086172677061727365948c094e616d6573706163659493942981947d94288c056d6f64656c948c0856696d2d54696e79948c017294473fe666666666666675622e',
  ];
  for (const hex of protocols) {
    const { value } = unpickle(python(hex));
    assert.ok(value instanceof Namespace);
    assert.deepEqual(
      value.attributes,
      new Map<string, unknown>([
        ['model', 'Vim-Tiny'],
        ['r', 0.7],
      ]),
    );
  }
});

test('sets, sizes, devices, element types and numpy scalars are let through, unread', () => {
  const set = unpickle(
    python('80027d71005801000000737101635f5f6275696c74696e5f5f0a7365740a71025d71034b0161857104527105732e'),
  );
  assert.ok(set.value instanceof Map && set.value.get('s') instanceof Inert);
  const device = unpickle(raw(global('torch', 'device'), pickle(['cuda']).subarray(2, -1), text('R')));
  assert.ok(device.value instanceof Inert && device.value.name === 'torch.device');
  assert.ok(unpickle(raw(global('torch', 'float16'))).value instanceof Inert);
});

test('a tensor is a view of its storage, and a parameter the tensor inside', () => {
  const data = new Uint8Array(48);
  for (const parameter of [false, true]) {
    const tensor = new TorchTensor({ key: '7', data, shape: [3, 2], offset: 2, stride: [1, 3], parameter });
    const { value, storages } = unpickle(pickle(tensor));
    assert.deepEqual(value, new TensorRef(new StorageRef('7', 'F32', 12), 2, [3, 2], [1, 3]));
    assert.deepEqual([...storages.keys()], ['7']);
  }
});

const STORAGES: [string, string][] = [
  ['torch HalfStorage', 'F16'],
  ['torch BFloat16Storage', 'BF16'],
  ['torch.cuda FloatStorage', 'F32'],
  ['torch.storage UntypedStorage', 'U8'],
  ['torch LongStorage', 'I64'],
];

for (const [storageType, type] of STORAGES) {
  test(`${storageType} holds ${type}`, () => {
    const { value } = unpickle(
      pickle(new TorchTensor({ key: '0', data: new Uint8Array(8), shape: [1], storageType })),
    );
    assert.ok(value instanceof TensorRef);
    assert.equal(value.storage.type, type);
  });
}

test('two tensors of one storage share it, and contradicting ones are refused', () => {
  const data = new Uint8Array(16);
  const [first, second] = [0, 2].map((offset) => new TorchTensor({ key: '0', data, shape: [2], offset }));
  assert.ok(first !== undefined && second !== undefined);
  const { value } = unpickle(pickle([first, second]));
  assert.ok(Array.isArray(value) && value[0] instanceof TensorRef && value[1] instanceof TensorRef);
  assert.equal(value[0].storage, value[1].storage);
  const other = new TorchTensor({ key: '0', data, shape: [2], elements: 5 });
  assert.throws(() => unpickle(pickle([first, other])), appError('BAD_CHECKPOINT', /in two ways/));
});

const MALICIOUS: [string, Uint8Array, RegExp][] = [
  [
    'os.system as a value, protocol 2',
    python(
      '80027d710058050000006d6f64656c710163706f7369780a73797374656d0a71025810000000746f756368202f746d702f6f776e65647103857104527105732e',
    ),
    /posix\.system/,
  ],
  [
    'os.system as a value, protocol 4',
    python(
      '80049536000000000000007d948c056d6f64656c948c05706f736978948c0673797374656d9493948c10746f756368202f746d702f6f776e65649485945294732e',
    ),
    /posix\.system/,
  ],
  [
    'eval in a list, protocol 2',
    python('80025d7100635f5f6275696c74696e5f5f0a6576616c0a71015801000000317102857103527104612e'),
    /__builtin__\.eval/,
  ],
  [
    'eval in a list, protocol 4',
    python('80049520000000000000005d948c086275696c74696e73948c046576616c9493948c01319485945294612e'),
    /builtins\.eval/,
  ],
  [
    'a whole module',
    raw(global('torch.nn.modules.linear', 'Linear'), text(')\x81')),
    /torch\.nn\.modules\.linear\.Linear/,
  ],
  [
    'an attribute behind an allowed module',
    raw(global('collections', 'OrderedDict.__init__.__globals__')),
    /__globals__/,
  ],
  ['a global that is only named', raw(global('subprocess', 'Popen'), text('0N')), /subprocess\.Popen/],
  ['a global with control characters', raw(global('os', 'sys\u0007tem')), /os\.sys\?tem/],
  ['a name without end', Buffer.concat([bytes(0x80, 2), text('c'), Buffer.alloc(5000, 'a')]), /has no end/],
  ['INST', raw(text('(ios\nsystem\n')), /0x69/],
  ['OBJ', raw(text('('), global('collections', 'OrderedDict'), text('o')), /0x6f/],
  ['an extension code', raw(bytes(0x82, 1)), /0x82/],
  ['NEWOBJ_EX', raw(global('argparse', 'Namespace'), text(')}'), bytes(0x92)), /0x92/],
  ['a call of a text', raw(text('X'), u32(2), text('os'), text(')R')), /not a known type/],
  ['a call of a result', raw(global('collections', 'OrderedDict'), text(')R)R')), /not a known type/],
  ['attributes on a list', raw(text(']}b')), /has none/],
  ['attributes that are a list', raw(global('argparse', 'Namespace'), text(')R]b')), /has none/],
  ['a persistent id that is no storage', raw(text('X'), u32(4), text('path'), text('Q')), /storage/],
  [
    'a storage of a negative size',
    raw(
      pickle(new TorchTensor({ key: '0', data: new Uint8Array(4), shape: [1], elements: -1 })).subarray(
        2,
        -1,
      ),
    ),
    /storage/,
  ],
  [
    'a tensor of a negative side',
    pickle(new TorchTensor({ key: '0', data: new Uint8Array(4), shape: [-1] })),
    /valid storage/,
  ],
  [
    'a tensor with 9 axes',
    pickle(new TorchTensor({ key: '0', data: new Uint8Array(4), shape: Array<number>(9).fill(1) })),
    /valid storage/,
  ],
  ['a key that is a list', raw(text('}]Ns')), /neither a name nor a number/],
];

for (const [name, bytesOfPickle, message] of MALICIOUS) {
  test(`refuses ${name}`, () => {
    assert.throws(() => unpickle(bytesOfPickle), appError('BAD_CHECKPOINT', message));
  });
}

const BROKEN: [string, Buffer][] = [
  ['nothing', Buffer.alloc(0)],
  ['an end without a value', raw()],
  ['a text of 4 GB', raw(text('X'), u32(0xffffffff))],
  ['bytes of 2^64 - 1', raw(bytes(0x8e), Buffer.alloc(8, 0xff))],
  ['an integer of 2 GB', raw(bytes(0x8b), u32(0x7fffffff))],
  ['an integer of 255 bytes', raw(bytes(0x8a, 255), Buffer.alloc(255, 1))],
  ['a tuple without a mark', raw(text('t'))],
  ['a pop behind the mark', raw(text('N(0'))],
  ['an append to a number', raw(bytes(0x4b, 1), text('Na'))],
  ['a dictionary with half a pair', raw(text('}(Nu'))],
  ['an item of a set in a list', raw(text(']('), text('N'), bytes(0x90))],
  ['a memo that was never set', raw(text('h'), bytes(3))],
  ['a memo of the empty stack', raw(text('q'), bytes(0))],
  ['two million steps', raw(Buffer.alloc(2_000_000, 'N'))],
  ['two million dictionaries', raw(Buffer.alloc(2_000_000, '}'))],
  ['no stop', bytes(0x80, 2, 0x4e)],
];

for (const [name, bytesOfPickle] of BROKEN) {
  test(`ends on ${name}`, () => {
    assert.throws(() => unpickle(bytesOfPickle), appError('BAD_CHECKPOINT', /./));
  });
}

test('a list inside itself, a million deep nestings and a big memo index are harmless', () => {
  const { value } = unpickle(raw(text(']q'), bytes(0), text('h'), bytes(0), text('a')));
  assert.ok(Array.isArray(value) && value[0] === value);
  assert.ok(Array.isArray(unpickle(raw(Buffer.alloc(400_000, ']'), Buffer.alloc(399_999, 'a'))).value));
  assert.equal(unpickle(raw(text('Nr'), u32(0xfffffff0))).value, null);
});

test('shapes cannot be changed after they were checked', () => {
  const storage = [
    text('(X'),
    u32(7),
    text('storage'),
    global('torch', 'FloatStorage'),
    text('X'),
    u32(1),
    text('0N'),
  ];
  const recall = [text('h'), bytes(0)];
  const pickled = raw(
    ...[text('K'), bytes(2), bytes(0x85), text('q'), bytes(0), text('0')], // memo 0 is (2,)
    ...[global('torch._utils', '_rebuild_tensor_v2'), text('('), ...storage, text('K'), bytes(2), text('tQ')],
    ...[text('K'), bytes(0), ...recall, ...recall, text('tR')],
    ...[...recall, text('K'), bytes(9), text('a0')], // appends 9 to memo 0
  );
  const tensor = unpickle(pickled).value;
  assert.ok(tensor instanceof TensorRef);
  assert.deepEqual(tensor.shape, [2]);
});

test('mutated pickles give a value or one sentence', () => {
  const file = readFileSync(new URL('../../../golden/dyvm-vim-odd-random/checkpoint.pth', import.meta.url));
  const start = unpickle(file, unpickle(file, unpickle(file).end).end).end;
  const original = file.subarray(start, unpickle(file, start).end);
  const random = seededRandom(20250407);
  let refused = 0;
  for (let round = 0; round < 600; round++) {
    const flipped = mutated(original, 1 + random(4), random);
    const damaged = round % 3 === 0 ? flipped.subarray(0, random(flipped.length)) : flipped;
    try {
      unpickle(damaged);
    } catch (error) {
      assertAppError(error, ['BAD_CHECKPOINT']);
      refused += 1;
    }
  }
  assert.ok(refused > 200, `only ${refused} of 600 damaged pickles were refused`);
});
