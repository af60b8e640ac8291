import { badCheckpoint } from './pickle-values.ts';

const MAX_LINE = 512;
/** torch's magic number has 10 bytes; nothing else comes near. */
const MAX_INTEGER_BYTES = 16;

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true });

/** Reads the arguments of pickle opcodes, little-endian, and never past the end. */
export class PickleBytes {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  position: number;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.position = start;
  }

  u8(): number {
    return this.#view.getUint8(this.#advance(1));
  }

  u16(): number {
    return this.#view.getUint16(this.#advance(2), true);
  }

  u32(): number {
    return this.#view.getUint32(this.#advance(4), true);
  }

  i32(): number {
    return this.#view.getInt32(this.#advance(4), true);
  }

  u64(): number {
    return Number(this.#view.getBigUint64(this.#advance(8), true));
  }

  /** The one big-endian value that pickle has. */
  f64(): number {
    return this.#view.getFloat64(this.#advance(8), false);
  }

  take(length: number): Uint8Array {
    const start = this.#advance(length);
    return this.#bytes.subarray(start, start + length);
  }

  text(length: number): string {
    return UTF8.decode(this.take(length));
  }

  /** Text up to a newline, as the GLOBAL opcode has it. */
  line(): string {
    const end = this.#bytes.subarray(this.position, this.position + MAX_LINE).indexOf(0x0a);
    if (end < 0)
      throw badCheckpoint(`The name at byte ${this.position} of the checkpoint's pickle has no end`);
    const text = this.text(end);
    this.position += 1;
    return text;
  }

  /** A two's complement integer; a number where that is exact. */
  integer(length: number): number | bigint {
    if (length > MAX_INTEGER_BYTES) {
      throw badCheckpoint(
        `The integer at byte ${this.position} of the checkpoint's pickle has ${length} bytes`,
      );
    }
    let value = 0n;
    this.take(length).forEach((byte, index) => (value |= BigInt(byte) << BigInt(8 * index)));
    value = BigInt.asIntN(8 * length, value);
    const small = Number(value);
    return Number.isSafeInteger(small) ? small : value;
  }

  #advance(length: number): number {
    const start = this.position;
    if (!(length <= this.#bytes.length - start)) {
      throw badCheckpoint(
        `The checkpoint's pickle ends at byte ${this.#bytes.length} in the middle of the value at byte ${start}`,
      );
    }
    this.position = start + length;
    return start;
  }
}
