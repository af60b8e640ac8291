/** Bytes of a value of each type of TIFF and BigTIFF; 0: there is no such type. */
const SIZES = [0, 1, 1, 2, 4, 8, 1, 1, 2, 4, 8, 4, 8, 4, 0, 0, 8, 8, 8];

const ASCII = 2;

/** Magic numbers behind the byte order: TIFF, and what Panasonic and Olympus write into their RAW files instead. */
const MAGIC = new Set([42, 0x55, 0x4f52, 0x5352]);
const BIG_MAGIC = 43;

/** More entries than any camera writes; a damaged count must not cost time. */
const MOST_ENTRIES = 4096;

interface Entry {
  type: number;
  count: number;
  at: number; // of the first value
}

/**
 * The directories of a TIFF, of BigTIFF and of EXIF, which is a small TIFF. What lies outside the bytes or is of another
 * type is not there: nothing here throws.
 */
export class TiffDirectories {
  readonly #bytes: Buffer;
  readonly #big: boolean;
  readonly #little: boolean;
  /** Where the first directory lies. */
  readonly first: number;

  private constructor(bytes: Buffer, little: boolean, big: boolean) {
    this.#bytes = bytes;
    this.#little = little;
    this.#big = big;
    this.first = (big ? this.#long8(8) : this.#long(4)) ?? 0;
  }

  /** Undefined when `bytes` are no TIFF. The six bytes that stand before EXIF in a JPEG may stand there. */
  static open(bytes: Buffer): TiffDirectories | undefined {
    const tiff = bytes.toString('latin1', 0, 6) === 'Exif\0\0' ? bytes.subarray(6) : bytes;
    const order = tiff.toString('latin1', 0, 2);
    if (tiff.length < 8 || (order !== 'II' && order !== 'MM')) return undefined;
    const magic = order === 'II' ? tiff.readUInt16LE(2) : tiff.readUInt16BE(2);
    if (!MAGIC.has(magic) && magic !== BIG_MAGIC) return undefined;
    return new TiffDirectories(tiff, order === 'II', magic === BIG_MAGIC);
  }

  /** The whole numbers of a tag in the directory at `directory`; undefined when it has none. */
  numbers(directory: number, tag: number): number[] | undefined {
    const entry = this.#entry(directory, tag);
    if (entry === undefined || entry.count > MOST_ENTRIES) return undefined;
    const { type, count, at } = entry;
    const size = SIZES[type] ?? 0;
    const values = Array.from({ length: count }, (_, index) => this.#whole(type, at + index * size));
    return values.every((value) => value !== undefined) ? values : undefined;
  }

  /** The text of a tag, with whatever pads it. */
  text(directory: number, tag: number): string | undefined {
    const entry = this.#entry(directory, tag);
    if (entry?.type !== ASCII) return undefined;
    return this.#bytes.toString('latin1', entry.at, entry.at + entry.count);
  }

  /** The same file with another value of a tag that holds one whole number; undefined when it has no such tag. */
  withNumber(directory: number, tag: number, value: number): Buffer | undefined {
    const entry = this.#entry(directory, tag);
    if (entry?.count !== 1 || SIZES[entry.type] !== 2) return undefined;
    const changed = Buffer.from(this.#bytes);
    if (this.#little) changed.writeUInt16LE(value, entry.at);
    else changed.writeUInt16BE(value, entry.at);
    return changed;
  }

  #entry(directory: number, tag: number): Entry | undefined {
    const [countSize, entrySize, inline] = this.#big ? [8, 20, 8] : [2, 12, 4];
    const entries = this.#big ? this.#long8(directory) : this.#short(directory);
    if (directory < 8 || entries === undefined || entries > MOST_ENTRIES) return undefined;
    for (let index = 0; index < entries; index++) {
      const at = directory + countSize + index * entrySize;
      if (this.#short(at) !== tag) continue;
      const type = this.#short(at + 2) ?? 0;
      const count = this.#big ? this.#long8(at + 4) : this.#long(at + 4);
      const field = at + entrySize - inline;
      const bytes = (count ?? 0) * (SIZES[type] ?? 0);
      if (count === undefined || bytes === 0) return undefined;
      const where = bytes <= inline ? field : this.#big ? this.#long8(field) : this.#long(field);
      return where !== undefined && where + bytes <= this.#bytes.length
        ? { type, count, at: where }
        : undefined;
    }
    return undefined;
  }

  #whole(type: number, at: number): number | undefined {
    if (type === 1 || type === 7) return this.#bytes[at];
    if (type === 3) return this.#short(at);
    if (type === 4 || type === 13) return this.#long(at);
    return type === 16 || type === 18 ? this.#long8(at) : undefined;
  }

  #short(at: number): number | undefined {
    if (at + 2 > this.#bytes.length) return undefined;
    return this.#little ? this.#bytes.readUInt16LE(at) : this.#bytes.readUInt16BE(at);
  }

  #long(at: number): number | undefined {
    if (at + 4 > this.#bytes.length) return undefined;
    return this.#little ? this.#bytes.readUInt32LE(at) : this.#bytes.readUInt32BE(at);
  }

  /** Undefined for numbers that JavaScript cannot hold; no file is that long. */
  #long8(at: number): number | undefined {
    if (at + 8 > this.#bytes.length) return undefined;
    const value = Number(this.#little ? this.#bytes.readBigUInt64LE(at) : this.#bytes.readBigUInt64BE(at));
    return Number.isSafeInteger(value) ? value : undefined;
  }
}
