import { AppError } from '../../shared/errors.ts';

/** What a pickle may hold, as plain data: lists and tuples are arrays, dictionaries are maps. */
export type PickleValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PickleValue[]
  | Map<PickleKey, PickleValue>
  | Set<PickleValue>
  | Namespace
  | Inert
  | GlobalName
  | StorageRef
  | TensorRef;

export type PickleKey = null | boolean | number | bigint | string;

/** Element types of torch storages, named as safetensors names them, and their size in bytes. */
export const ELEMENT_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U8: 1,
  BOOL: 1,
  C64: 8,
  C128: 16,
} as const;

export type ElementType = keyof typeof ELEMENT_BYTES;

/** An `argparse.Namespace`: the training arguments. */
export class Namespace {
  attributes: Map<PickleKey, PickleValue> = new Map<PickleKey, PickleValue>();
}

/** A value of a harmless type that nothing here reads, such as a `torch.device`, a numpy scalar or a set. */
export class Inert {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A global that is allowed, waiting for its arguments; only its name, never a thing that runs. */
export class GlobalName {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** A storage: where the file keeps the elements of one or more tensors. */
export class StorageRef {
  readonly key: string;
  readonly type: ElementType;
  readonly elements: number;

  constructor(key: string, type: ElementType, elements: number) {
    this.key = key;
    this.type = type;
    this.elements = elements;
  }
}

/** A view of a storage; `offset` and `stride` count elements. Nothing is read until it is asked for. */
export class TensorRef {
  readonly storage: StorageRef;
  readonly offset: number;
  readonly shape: readonly number[];
  readonly stride: readonly number[];

  constructor(storage: StorageRef, offset: number, shape: readonly number[], stride: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.shape = shape;
    this.stride = stride;
  }
}

const DAMAGED_HINT = 'Copy or download the file again; Winnow reads files that torch.save wrote.';

/** The error for a file that cannot be a checkpoint; `problem` is one sentence. */
export function badCheckpoint(problem: string, hint = DAMAGED_HINT, options?: ErrorOptions): AppError {
  return new AppError('BAD_CHECKPOINT', problem, hint, options);
}

/** A text from the file without control characters. */
export function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
