import { PickleBytes } from './pickle-bytes.ts';
import { allowedGlobal, asKey, callGlobal, setState, storageOf } from './pickle-globals.ts';
import type { StorageRef } from './pickle-values.ts';
import { badCheckpoint, type PickleValue } from './pickle-values.ts';

/** What is read of a file as pickle at most: the pickle of a checkpoint of 1,000 tensors has below 1 MB. */
export const MAX_PICKLE_BYTES = 16 * 2 ** 20;

/** A large training checkpoint has some 300,000 opcodes; more than this many could only be meant to fill memory. */
const MAX_OPCODES = 1_000_000;

export interface Unpickled {
  value: PickleValue;
  end: number;
  storages: ReadonlyMap<string, StorageRef>;
}

type Opcode = (machine: PickleMachine) => void;

/**
 * Reads one pickle (protocols 2 to 5, the opcodes that torch.save uses) that starts at `start`, as plain data.
 * Executes nothing: a global is a name on a short list, or the file is refused.
 * `end` is the byte after the pickle, `storages` what it refers to by key. Throws BAD_CHECKPOINT.
 */
export function unpickle(bytes: Uint8Array, start = 0): Unpickled {
  const machine = new PickleMachine(new PickleBytes(bytes, start));
  for (let count = 0; count < MAX_OPCODES; count++) {
    const at = machine.bytes.position;
    const code = machine.bytes.u8();
    if (code === STOP) return machine.finish();
    const opcode = OPCODES.get(code);
    if (opcode === undefined) {
      throw badCheckpoint(
        `Byte ${at} of the checkpoint's pickle is 0x${code.toString(16)}, which torch.save does not write`,
      );
    }
    opcode(machine);
  }
  throw badCheckpoint(`The checkpoint's pickle has more than ${MAX_OPCODES} steps`);
}

/** The stack, the marks and the memo that opcodes work on. */
class PickleMachine {
  readonly bytes: PickleBytes;
  readonly memo = new Map<number, PickleValue>();
  readonly #stack: PickleValue[] = [];
  readonly #marks: number[] = [];
  readonly #storages = new Map<string, StorageRef>();

  constructor(bytes: PickleBytes) {
    this.bytes = bytes;
  }

  finish(): Unpickled {
    return { value: this.pop(), end: this.bytes.position, storages: this.#storages };
  }

  push(value: PickleValue): void {
    this.#stack.push(value);
  }

  pop(): PickleValue {
    this.top();
    return this.#stack.pop() ?? null;
  }

  top(): PickleValue {
    const value = this.#stack.at(-1);
    if (value === undefined || this.#stack.length === this.#marks.at(-1)) throw this.#broken('takes a value');
    return value;
  }

  mark(): void {
    this.#marks.push(this.#stack.length);
  }

  popToMark(): PickleValue[] {
    const mark = this.#marks.pop();
    if (mark === undefined) throw this.#broken('goes back to a mark');
    return this.#stack.splice(mark);
  }

  /** The last `count` values become one tuple. */
  tuple(count: number): void {
    const items = Array.from({ length: count }, () => this.pop());
    this.push(items.reverse());
  }

  recall(index: number): void {
    const value = this.memo.get(index);
    if (value === undefined) throw this.#broken('recalls a value');
    this.push(value);
  }

  append(items: PickleValue[]): void {
    const list = this.top();
    if (!Array.isArray(list)) throw this.#broken('appends to a list');
    for (const item of items) list.push(item);
  }

  setItems(items: PickleValue[]): void {
    const dictionary = this.top();
    if (!(dictionary instanceof Map) || items.length % 2 !== 0) throw this.#broken('fills a dictionary');
    for (let i = 0; i < items.length; i += 2) dictionary.set(asKey(items[i]), items[i + 1] ?? null);
  }

  addItems(items: PickleValue[]): void {
    const set = this.top();
    if (!(set instanceof Set)) throw this.#broken('fills a set');
    for (const item of items) set.add(item);
  }

  stackGlobal(): void {
    const name = this.pop();
    const module = this.pop();
    if (typeof name !== 'string' || typeof module !== 'string') throw this.#broken('names a global');
    this.push(allowedGlobal(module, name));
  }

  /** Storages that several tensors share are one value; two of one key must be the same. */
  persistent(): void {
    const found = storageOf(this.pop());
    const known = this.#storages.get(found.key) ?? found;
    if (known.type !== found.type || known.elements !== found.elements) {
      throw badCheckpoint('The checkpoint describes one tensor storage in two ways');
    }
    this.#storages.set(found.key, known);
    this.push(known);
  }

  call(): void {
    const args = this.pop();
    this.push(callGlobal(this.pop(), args));
  }

  build(): void {
    const state = this.pop();
    setState(this.top(), state);
  }

  #broken(step: string): Error {
    return badCheckpoint(
      `The checkpoint's pickle ${step} before byte ${this.bytes.position}, where there is none`,
    );
  }
}

const STOP = 0x2e;

/** The opcodes by their byte; names as in Python's pickletools. */
const OPCODES = new Map<number, Opcode>([
  [0x80, (m) => void m.bytes.u8()], // PROTO
  [0x95, (m) => void m.bytes.u64()], // FRAME
  [0x28, (m) => m.mark()], // MARK
  [0x30, (m) => void m.pop()], // POP
  [0x31, (m) => void m.popToMark()], // POP_MARK
  [0x32, (m) => m.push(m.top())], // DUP

  [0x4e, (m) => m.push(null)], // NONE
  [0x88, (m) => m.push(true)], // NEWTRUE
  [0x89, (m) => m.push(false)], // NEWFALSE
  [0x4b, (m) => m.push(m.bytes.u8())], // BININT1
  [0x4d, (m) => m.push(m.bytes.u16())], // BININT2
  [0x4a, (m) => m.push(m.bytes.i32())], // BININT
  [0x8a, (m) => m.push(m.bytes.integer(m.bytes.u8()))], // LONG1
  [0x8b, (m) => m.push(m.bytes.integer(m.bytes.u32()))], // LONG4
  [0x47, (m) => m.push(m.bytes.f64())], // BINFLOAT
  [0x58, (m) => m.push(m.bytes.text(m.bytes.u32()))], // BINUNICODE
  [0x8c, (m) => m.push(m.bytes.text(m.bytes.u8()))], // SHORT_BINUNICODE
  [0x8d, (m) => m.push(m.bytes.text(m.bytes.u64()))], // BINUNICODE8
  [0x42, (m) => m.push(m.bytes.take(m.bytes.u32()))], // BINBYTES
  [0x43, (m) => m.push(m.bytes.take(m.bytes.u8()))], // SHORT_BINBYTES
  [0x8e, (m) => m.push(m.bytes.take(m.bytes.u64()))], // BINBYTES8
  [0x96, (m) => m.push(m.bytes.take(m.bytes.u64()))], // BYTEARRAY8

  [0x29, (m) => m.push([])], // EMPTY_TUPLE
  [0x85, (m) => m.tuple(1)], // TUPLE1
  [0x86, (m) => m.tuple(2)], // TUPLE2
  [0x87, (m) => m.tuple(3)], // TUPLE3
  [0x74, (m) => m.push(m.popToMark())], // TUPLE
  [0x5d, (m) => m.push([])], // EMPTY_LIST
  [0x61, (m) => m.append([m.pop()])], // APPEND
  [0x65, (m) => m.append(m.popToMark())], // APPENDS
  [0x7d, (m) => m.push(new Map())], // EMPTY_DICT
  [0x73, (m) => m.setItems([m.pop(), m.pop()].reverse())], // SETITEM
  [0x75, (m) => m.setItems(m.popToMark())], // SETITEMS
  [0x8f, (m) => m.push(new Set())], // EMPTY_SET
  [0x90, (m) => m.addItems(m.popToMark())], // ADDITEMS
  [0x91, (m) => m.push(new Set(m.popToMark()))], // FROZENSET

  [0x71, (m) => void m.memo.set(m.bytes.u8(), m.top())], // BINPUT
  [0x72, (m) => void m.memo.set(m.bytes.u32(), m.top())], // LONG_BINPUT
  [0x94, (m) => void m.memo.set(m.memo.size, m.top())], // MEMOIZE
  [0x68, (m) => m.recall(m.bytes.u8())], // BINGET
  [0x6a, (m) => m.recall(m.bytes.u32())], // LONG_BINGET

  [0x63, (m) => m.push(allowedGlobal(m.bytes.line(), m.bytes.line()))], // GLOBAL
  [0x93, (m) => m.stackGlobal()], // STACK_GLOBAL
  [0x52, (m) => m.call()], // REDUCE
  [0x81, (m) => m.call()], // NEWOBJ
  [0x62, (m) => m.build()], // BUILD
  [0x51, (m) => m.persistent()], // BINPERSID
]);
