import type { Database } from 'better-sqlite3';
import { crc32 } from 'node:zlib';

/** Tables whose rows have a checksum in the column `sum`: all that hold more than what is counted from others. */
export const SUMMED_TABLES = [
  ...(['folders', 'directories', 'images', 'class_sets', 'models', 'calibrations', 'runs', 'queue'] as const),
  ...(['results', 'detections', 'masks', 'reviews', 'transfers', 'transfer_files', 'written_files'] as const),
] as const;
export type SummedTable = (typeof SUMMED_TABLES)[number];

/** Columns that are left out: every scan changes them, and no export has them. */
const UNSUMMED: readonly string[] = ['images.scan', 'images.gone'];

interface Column {
  name: string;
  pk: number; // position in the primary key, from 1; 0 outside it
}

/** Columns of a table that are stored, `sum` aside. */
function columnsOf(database: Database, table: string): Column[] {
  const columns = database.pragma(`table_info(${table})`) as Column[];
  return columns.filter(({ name }) => name !== 'sum');
}

const hasSum = (database: Database, table: string) =>
  (database.pragma(`table_info(${table})`) as Column[]).some(({ name }) => name === 'sum');

const summedColumns = (database: Database, table: SummedTable) =>
  columnsOf(database, table)
    .map(({ name }) => name)
    .filter((name) => !UNSUMMED.includes(`${table}.${name}`));

/** SQL of the checksum that a row should have; `valueOf`: SQL of what a column of it holds. */
export function sumOf(
  database: Database,
  table: SummedTable,
  valueOf: (column: string) => string = (column) => `${table}."${column}"`,
): string {
  return `row_sum(${summedColumns(database, table).map(valueOf).join(', ')})`;
}

/** The column `sum` in every summed table, made anew: after a migration, which may have changed any row. */
export function makeSums(database: Database): void {
  defineSum(database);
  for (const table of SUMMED_TABLES) {
    if (columnsOf(database, table).length === 0) continue; // not there yet
    if (!hasSum(database, table)) database.exec(`ALTER TABLE ${table} ADD COLUMN sum INTEGER`);
    database.exec(`UPDATE ${table} SET sum = ${sumOf(database, table)}`);
  }
}

/**
 * From now on every statement of this connection that writes a row of a summed table writes its checksum with it: in a
 * temporary trigger, so that no statement can forget it. One that inserts very many rows gives the checksums itself, which
 * spares each row a second writing. `defineSum` comes before.
 */
export function keepSums(database: Database): void {
  for (const table of SUMMED_TABLES) {
    const key = columnsOf(database, table)
      .filter(({ pk }) => pk > 0)
      .map(({ name }) => `"${name}" = NEW."${name}"`);
    const sum = sumOf(database, table, (column) => `NEW."${column}"`);
    const update = `UPDATE ${table} SET sum = ${sum} WHERE ${key.join(' AND ')};`;
    const columns = summedColumns(database, table).map((name) => `"${name}"`);
    database.exec(`
      CREATE TEMP TRIGGER ${table}_inserted AFTER INSERT ON main.${table} WHEN NEW.sum IS NULL
        BEGIN ${update} END;
      CREATE TEMP TRIGGER ${table}_updated AFTER UPDATE OF ${columns.join(', ')} ON main.${table} BEGIN ${update} END;`);
  }
}

/** SQL that is true for rows of a summed table that are not what was written. */
export function isDamaged(database: Database, table: SummedTable): string {
  return `${table}.sum IS NOT ${sumOf(database, table)}`;
}

/** The function that a checksum is computed by, on this connection. */
export function defineSum(database: Database): void {
  database.function('row_sum', { deterministic: true, varargs: true }, rowSum);
}

let bytes = Buffer.alloc(1 << 16);

/**
 * CRC-32 of the values of a row: of each its type, and 8 bytes of a number, or the length and the bytes of a text or blob.
 */
function rowSum(...values: unknown[]): number {
  let end = 0;
  for (const value of values) {
    if (value === null) end = bytes.writeUInt8(0, room(end, 1));
    else if (typeof value === 'number') end = bytes.writeDoubleLE(value, bytes.writeUInt8(1, room(end, 9)));
    else end = putBytes(end, value);
  }
  return crc32(bytes.subarray(0, end));
}

function putBytes(start: number, value: unknown): number {
  const isText = typeof value === 'string';
  if (!isText && !Buffer.isBuffer(value)) throw new TypeError(`A row has no ${typeof value}`);
  const length = isText ? Buffer.byteLength(value) : value.length;
  const end = bytes.writeUInt32LE(length, bytes.writeUInt8(isText ? 2 : 3, room(start, length + 5)));
  if (isText) bytes.write(value, end, length);
  else value.copy(bytes, end);
  return end + length;
}

/** The offset, with so many bytes behind it. */
function room(offset: number, length: number): number {
  if (offset + length > bytes.length) {
    const larger = Buffer.alloc(2 * (offset + length));
    bytes.copy(larger, 0, 0, offset);
    bytes = larger;
  }
  return offset;
}
