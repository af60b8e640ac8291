import {
  badCheckpoint,
  GlobalName,
  Inert,
  Namespace,
  printable,
  StorageRef,
  TensorRef,
  type ElementType,
  type PickleKey,
  type PickleValue,
} from './pickle-values.ts';
import { shortened } from '../../shared/shortened.ts';

type Builder = (args: PickleValue[]) => PickleValue;

const MAX_DIMENSIONS = 8;
const MAX_ELEMENTS = 2 ** 48;

const STORAGE_TYPES: Record<string, ElementType> = {
  DoubleStorage: 'F64',
  FloatStorage: 'F32',
  HalfStorage: 'F16',
  BFloat16Storage: 'BF16',
  LongStorage: 'I64',
  IntStorage: 'I32',
  ShortStorage: 'I16',
  CharStorage: 'I8',
  ByteStorage: 'U8',
  BoolStorage: 'BOOL',
  ComplexFloatStorage: 'C64',
  ComplexDoubleStorage: 'C128',
  UntypedStorage: 'U8',
};

const STORAGES = new Map(
  Object.entries(STORAGE_TYPES).flatMap(([name, type]): [string, ElementType][] =>
    ['torch', 'torch.storage', 'torch.cuda'].map((module) => [`${module}.${name}`, type]),
  ),
);

/** Every global that has a meaning here. All they build is data; nothing of the file is ever run. */
const BUILDERS = new Map<string, Builder>([
  ['torch._utils._rebuild_tensor_v2', rebuildTensor],
  ['torch._utils._rebuild_parameter', rebuildParameter],
  ['collections.OrderedDict', buildDictionary],
  ['argparse.Namespace', () => new Namespace()],
  ...[
    'builtins.set',
    'builtins.frozenset',
    '__builtin__.set',
    '__builtin__.frozenset',
    'torch.Size',
    'torch.device',
    'numpy.dtype',
    'numpy.core.multiarray.scalar',
    'numpy._core.multiarray.scalar',
    '_codecs.encode', // how protocol 2 writes bytes, inside a numpy scalar
  ].map((name): [string, Builder] => [name, () => new Inert(name)]),
]);

/** Looks a global up by its full name and refuses every one that is not known to be harmless data. */
export function allowedGlobal(module: string, name: string): GlobalName | Inert {
  const full = `${module}.${name}`;
  if (BUILDERS.has(full) || STORAGES.has(full)) return new GlobalName(full);
  if (/^torch\.(float|bfloat|int|uint|complex)\d+$|^torch\.bool$/.test(full)) return new Inert(full);
  throw badCheckpoint(
    `The checkpoint asks for ${shortened(printable(full))}, which is not a tensor, container, number, text or argparse.Namespace`,
    'Winnow runs nothing that a checkpoint brings along; save the state dict alone: torch.save(model.state_dict(), path).',
  );
}

/** What REDUCE and NEWOBJ make of an allowed global and its arguments. */
export function callGlobal(callee: PickleValue, args: PickleValue): PickleValue {
  const build = callee instanceof GlobalName ? BUILDERS.get(callee.name) : undefined;
  if (build === undefined || !Array.isArray(args)) {
    throw badCheckpoint('The checkpoint builds a value from something that is not a known type');
  }
  return build(args);
}

/**
 * What BUILD does: a Namespace takes its attributes; the attributes of an OrderedDict (`_metadata` of a state dict)
 * and of an inert value mean nothing here.
 */
export function setState(target: PickleValue, state: PickleValue): void {
  if (target instanceof Map || target instanceof Inert) return;
  if (!(target instanceof Namespace && state instanceof Map)) {
    throw badCheckpoint('The checkpoint sets attributes on a value that has none');
  }
  target.attributes = state;
}

/** A persistent id names a storage: ('storage', type, key, location, elements), and None at the end in old files. */
export function storageOf(id: PickleValue): StorageRef {
  if (Array.isArray(id) && id[0] === 'storage') {
    const [, type, key, , elements, view] = id;
    const element = type instanceof GlobalName ? STORAGES.get(type.name) : undefined;
    if (element !== undefined && typeof key === 'string' && isCount(elements) && (view ?? null) === null) {
      return new StorageRef(key, element, elements);
    }
  }
  throw badCheckpoint('The checkpoint refers to something other than a plain tensor storage');
}

function rebuildTensor(args: PickleValue[]): TensorRef {
  const [storage, offset, shape, stride] = args;
  if (
    storage instanceof StorageRef &&
    isCount(offset) &&
    isCountList(shape) &&
    isCountList(stride) &&
    shape.length === stride.length
  ) {
    return new TensorRef(storage, offset, [...shape], [...stride]);
  }
  throw badCheckpoint('The checkpoint holds a tensor without a valid storage, offset, shape and stride');
}

function rebuildParameter([tensor]: PickleValue[]): TensorRef {
  if (tensor instanceof TensorRef) return tensor;
  throw badCheckpoint('The checkpoint holds a parameter without a tensor');
}

/** torch.save writes an OrderedDict empty and then fills it. */
function buildDictionary(args: PickleValue[]): Map<PickleKey, PickleValue> {
  if (args.length > 0) throw badCheckpoint('The checkpoint holds an OrderedDict that is built from a list');
  return new Map();
}

/** Dictionary keys of a checkpoint are names and numbers. */
export function asKey(value: PickleValue | undefined): PickleKey {
  if (value === null || value === undefined || typeof value !== 'object') return value ?? null;
  throw badCheckpoint('The checkpoint holds a dictionary whose key is neither a name nor a number');
}

function isCount(value: PickleValue | undefined): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= MAX_ELEMENTS;
}

function isCountList(value: PickleValue | undefined): value is number[] {
  return Array.isArray(value) && value.length <= MAX_DIMENSIONS && value.every(isCount);
}
