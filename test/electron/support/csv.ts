import { parse } from 'csv-parse/sync';
import { readFileSync } from 'node:fs';

/** Rows of a CSV by its headings, from a parser that is not ours. It takes a byte order mark for text unless `bom`. */
export function csvRows(text: string | Buffer, options: { bom?: boolean } = {}): Record<string, string>[] {
  return parse<Record<string, string>>(text, { columns: true, ...options });
}

/** Likewise of a file. */
export function readCsv(path: string, options: { bom?: boolean } = {}): Record<string, string>[] {
  return csvRows(readFileSync(path), options);
}
