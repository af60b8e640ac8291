import { promisify } from 'node:util';
import { inflate } from 'node:zlib';
import { AppError } from '../../shared/errors.ts';

const inflated = promisify(inflate);
const SIGNATURE = '89504e470d0a1a0a';
export const MOST_PIXELS = 200e6;
const GREY = 0;
const PALETTE = 3;

/** A class map: one number per pixel, row by row. */
export interface ClassMap {
  width: number;
  height: number;
  depth: number; // bits per pixel in the file
  values: Uint8Array | Uint16Array;
}

/**
 * The numbers in a PNG (ISO 15948) as they are stored: greys unscaled, of a palette the indices. Rejects with BAD_ARGUMENT
 * and the reason for other files, colour pictures among them. Picture decoders would make colours of the indices.
 */
export async function readClassMap(file: Buffer): Promise<ClassMap> {
  if (file.toString('hex', 0, 8) !== SIGNATURE) throw refused('it is no PNG');
  const chunks = readChunks(file);
  const header = chunks.find(({ type }) => type === 'IHDR')?.data;
  if (header?.length !== 13) throw refused('its header is damaged');
  const [width, height] = [header.readUInt32BE(0), header.readUInt32BE(4)];
  const [depth = 0, colour = -1, , , interlaced = 0] = header.subarray(8);
  if (colour !== GREY && colour !== PALETTE) throw refused('it has colours and not one number per pixel');
  if (![1, 2, 4, 8, 16].includes(depth) || (colour === PALETTE && depth === 16))
    throw refused('its header is damaged');
  if (interlaced !== 0) throw refused('it is interlaced');
  if (width === 0 || height === 0 || width * height > MOST_PIXELS)
    throw refused(`it has ${width} x ${height} pixels`);
  const rowBytes = Math.ceil((width * depth) / 8);
  const data = Buffer.concat(chunks.flatMap((chunk) => (chunk.type === 'IDAT' ? [chunk.data] : [])));
  const size = height * (rowBytes + 1);
  const rows = await inflated(data, { maxOutputLength: size }).catch((error: unknown) => {
    throw refused(`its data is damaged (${error instanceof Error ? error.message : String(error)})`);
  });
  if (rows.length !== size) throw refused('its data ends too early');
  removeFilters(rows, rowBytes, depth === 16 ? 2 : 1);
  return { width, height, depth, values: unpack(rows, width, height, depth) };
}

function refused(reason: string): AppError {
  return new AppError('BAD_ARGUMENT', reason);
}

function readChunks(file: Buffer): { type: string; data: Buffer }[] {
  const chunks: { type: string; data: Buffer }[] = [];
  for (let at = 8; at + 12 <= file.length;) {
    const length = file.readUInt32BE(at);
    if (at + 12 + length > file.length) throw refused('it ends too early');
    chunks.push({
      type: file.toString('latin1', at + 4, at + 8),
      data: file.subarray(at + 8, at + 8 + length),
    });
    at += 12 + length;
  }
  return chunks;
}

/** Puts back what each row left out: the difference to bytes before (`step` to the left) and above, by its first byte. */
function removeFilters(rows: Buffer, rowBytes: number, step: number): void {
  for (let start = 0; start < rows.length; start += rowBytes + 1) {
    const filter = rows[start] ?? 0;
    if (filter > 4) throw refused('its data is damaged (an unknown filter)');
    if (filter === 0) continue;
    for (let index = 0; index < rowBytes; index++) {
      const at = start + 1 + index;
      const left = index < step ? 0 : (rows[at - step] ?? 0);
      const above = start === 0 ? 0 : (rows[at - rowBytes - 1] ?? 0);
      const corner = start === 0 || index < step ? 0 : (rows[at - rowBytes - 1 - step] ?? 0);
      rows[at] = (rows[at] ?? 0) + predicted(filter, left, above, corner);
    }
  }
}

function predicted(filter: number, left: number, above: number, corner: number): number {
  if (filter === 1) return left;
  if (filter === 2) return above;
  if (filter === 3) return (left + above) >> 1;
  const [toLeft, toAbove] = [Math.abs(above - corner), Math.abs(left - corner)];
  const toCorner = Math.abs(left + above - 2 * corner);
  if (toLeft <= toAbove && toLeft <= toCorner) return left;
  return toAbove <= toCorner ? above : corner;
}

function unpack(rows: Buffer, width: number, height: number, depth: number): Uint8Array | Uint16Array {
  const rowBytes = Math.ceil((width * depth) / 8) + 1;
  const values = new (depth === 16 ? Uint16Array : Uint8Array)(width * height);
  for (let y = 0; y < height; y++) {
    const start = y * rowBytes + 1;
    if (depth === 8) values.set(rows.subarray(start, start + width), y * width);
    else for (let x = 0; x < width; x++) values[y * width + x] = valueAt(rows, start, x, depth);
  }
  return values;
}

function valueAt(rows: Buffer, start: number, x: number, depth: number): number {
  if (depth === 16) return rows.readUInt16BE(start + 2 * x);
  const bit = x * depth;
  return ((rows[start + (bit >> 3)] ?? 0) >> (8 - depth - (bit & 7))) & ((1 << depth) - 1);
}
