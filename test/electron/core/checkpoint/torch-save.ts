import { crc32 } from 'node:zlib';

/** Values that the writer below can pickle. Arrays become tuples, maps dictionaries. */
export type Source =
  | null
  | boolean
  | number
  | string
  | Source[]
  | Map<string, Source>
  | Map<number, Source>
  | OrderedDict
  | Arguments
  | TorchTensor;

/** A collections.OrderedDict with `_metadata`, as a state dict is saved. */
export class OrderedDict {
  readonly entries: Map<string, Source>;

  constructor(entries: Map<string, Source>) {
    this.entries = entries;
  }
}

/** An argparse.Namespace. */
export class Arguments {
  readonly values: Record<string, Source>;

  constructor(values: Record<string, Source>) {
    this.values = values;
  }
}

/** A tensor as the pickle describes it; `data` is its whole storage. */
export class TorchTensor {
  readonly storageType: string;
  readonly key: string;
  readonly data: Uint8Array;
  readonly elements: number;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];
  readonly parameter: boolean;

  constructor(fields: {
    key: string;
    data: Uint8Array;
    shape: readonly number[];
    storageType?: string;
    elements?: number;
    offset?: number;
    stride?: readonly number[];
    parameter?: boolean;
  }) {
    this.key = fields.key;
    this.data = fields.data;
    this.shape = fields.shape;
    this.storageType = fields.storageType ?? 'torch FloatStorage';
    this.elements = fields.elements ?? fields.data.length / 4;
    this.offset = fields.offset ?? 0;
    this.stride = fields.stride ?? rowMajor(fields.shape);
    this.parameter = fields.parameter ?? false;
  }
}

/** Strides of a contiguous tensor, in elements. */
export function rowMajor(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
}

/** The zip format of torch.save. */
export function saveZip(root: Source, extra: [string, Uint8Array][] = []): Buffer {
  const storages = [...storagesOf(root)].map(([key, data]): [string, Uint8Array] => [
    `checkpoint/data/${key}`,
    data,
  ]);
  return zip([
    ['checkpoint/data.pkl', pickle(root)],
    ['checkpoint/byteorder', Buffer.from('little')],
    ...storages,
    ...extra,
  ]);
}

/** The format of torch.save before version 1.6. */
export function saveLegacy(root: Source): Buffer {
  const storages = [...storagesOf(root)];
  const magic = Buffer.from('80028a0a6cfc9c46f9206aa850192e', 'hex');
  const system = new Map<string, Source>([
    ['protocol_version', 1001],
    ['little_endian', true],
  ]);
  const data = storages.flatMap(([, bytes]) => {
    const count = Buffer.alloc(8);
    count.writeBigUInt64LE(BigInt(bytes.length / 4));
    return [count, bytes];
  });
  const keys = storages.map(([key]) => key);
  return Buffer.concat([magic, pickle(1001), pickle(system), pickle(root, true), pickle(keys), ...data]);
}

/** A protocol 2 pickle. */
export function pickle(value: Source, legacy = false): Buffer {
  return Buffer.concat([bytes(0x80, 2), encode(value, legacy), text('.')]);
}

export function bytes(...values: number[]): Buffer {
  return Buffer.from(values);
}

export function text(value: string): Buffer {
  return Buffer.from(value, 'latin1');
}

/** The GLOBAL opcode. */
export function global(module: string, name: string): Buffer {
  return text(`c${module}\n${name}\n`);
}

/** A zip archive of stored entries. */
export function zip(entries: readonly (readonly [string, Uint8Array])[]): Buffer {
  const locals: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, data] of entries) {
    const fields = Buffer.alloc(26);
    fields.writeUInt32LE(crc32(data), 10);
    fields.writeUInt32LE(data.length, 14);
    fields.writeUInt32LE(data.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const place = Buffer.alloc(14);
    place.writeUInt32LE(offset, 10);
    locals.push(text('PK\x03\x04'), fields, text(name), Buffer.from(data));
    directory.push(text('PK\x01\x02'), bytes(0, 0), fields, place, text(name));
    offset += 30 + name.length + data.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(entries.length, 4);
  end.writeUInt16LE(entries.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...locals, central, text('PK\x05\x06'), end]);
}

function encode(value: Source, legacy: boolean): Buffer {
  if (value === null) return text('N');
  if (typeof value === 'boolean') return bytes(value ? 0x88 : 0x89);
  if (typeof value === 'number') return encodeNumber(value);
  if (typeof value === 'string') return encodeText(value);
  const inner = (part: Source): Buffer => encode(part, legacy);
  if (Array.isArray(value)) return Buffer.concat([text('('), ...value.map(inner), text('t')]);
  if (value instanceof Map) {
    const items = [...value].flatMap(([key, entry]) => [inner(key), inner(entry)]);
    return Buffer.concat([text('}('), ...items, text('u')]);
  }
  if (value instanceof OrderedDict) {
    const items = [...value.entries].flatMap(([key, entry]) => [inner(key), inner(entry)]);
    const metadata = inner(new Map([['_metadata', new Map([['version', 1]])]]));
    return Buffer.concat([
      global('collections', 'OrderedDict'),
      text(')R('),
      ...items,
      text('u'),
      metadata,
      text('b'),
    ]);
  }
  if (value instanceof Arguments) {
    return Buffer.concat([
      global('argparse', 'Namespace'),
      text(')\x81'),
      inner(new Map(Object.entries(value.values))),
      text('b'),
    ]);
  }
  return encodeTensor(value, legacy);
}

function encodeTensor(tensor: TorchTensor, legacy: boolean): Buffer {
  const [module = '', name = ''] = tensor.storageType.split(' ');
  const inner = (part: Source): Buffer => encode(part, legacy);
  const storage = Buffer.concat([
    text('('),
    inner('storage'),
    global(module, name),
    inner(tensor.key),
    inner('cuda:0'),
    inner(tensor.elements),
    text(legacy ? 'NtQ' : 'tQ'),
  ]);
  const view = [inner(tensor.offset), inner([...tensor.shape]), inner([...tensor.stride]), inner(false)];
  const hooks = Buffer.concat([global('collections', 'OrderedDict'), text(')R')]);
  const built = Buffer.concat([
    global('torch._utils', '_rebuild_tensor_v2'),
    text('('),
    storage,
    ...view,
    hooks,
    text('tR'),
  ]);
  if (!tensor.parameter) return built;
  return Buffer.concat([
    global('torch._utils', '_rebuild_parameter'),
    text('('),
    built,
    inner(true),
    hooks,
    text('tR'),
  ]);
}

function encodeNumber(value: number): Buffer {
  const encoded = Buffer.alloc(9);
  if (Number.isInteger(value) && Math.abs(value) < 2 ** 31) {
    encoded.write('J', 'latin1');
    encoded.writeInt32LE(value, 1);
    return encoded.subarray(0, 5);
  }
  encoded.write('G', 'latin1');
  encoded.writeDoubleBE(value, 1);
  return encoded;
}

function encodeText(value: string): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32LE(Buffer.byteLength(value));
  return Buffer.concat([text('X'), length, Buffer.from(value)]);
}

function storagesOf(value: Source): Map<string, Uint8Array> {
  if (value instanceof TorchTensor) return new Map([[value.key, value.data]]);
  const parts =
    value instanceof OrderedDict
      ? [...value.entries.values()]
      : value instanceof Map
        ? [...value.values()]
        : Array.isArray(value)
          ? value
          : [];
  return new Map(parts.flatMap((part) => [...storagesOf(part)]));
}
