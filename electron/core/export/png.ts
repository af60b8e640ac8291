import { promisify } from 'node:util';
import { crc32, deflate } from 'node:zlib';

const compress = promisify(deflate);
const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** A grey PNG (ISO 15948) of one number per pixel, row by row: 8 bits per pixel from bytes, 16 from larger numbers. */
export async function greyPng(
  values: Uint8Array | Uint16Array,
  width: number,
  height: number,
): Promise<Buffer> {
  const bytes = values.BYTES_PER_ELEMENT;
  const rows = Buffer.alloc(height * (1 + width * bytes)); // each starts with its filter: none
  for (let y = 0; y < height; y++) {
    const start = y * (1 + width * bytes) + 1;
    if (values instanceof Uint8Array) rows.set(values.subarray(y * width, (y + 1) * width), start);
    else for (let x = 0; x < width; x++) rows.writeUInt16BE(values[y * width + x] ?? 0, start + x * bytes);
  }
  const header = Buffer.alloc(13); // compression, filter method and interlacing are 0
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header[8] = bytes * 8;
  return Buffer.concat([
    SIGNATURE,
    chunk('IHDR', header),
    chunk('IDAT', await compress(rows)),
    chunk('IEND'),
  ]);
}

function chunk(type: string, data: Uint8Array = Buffer.alloc(0)): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(named));
  return Buffer.concat([length, named, check]);
}
