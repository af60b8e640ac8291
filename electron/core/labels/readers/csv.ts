import { parse } from 'csv-parse';
import type { Info } from 'csv-parse';
import { parse as parseAtOnce } from 'csv-parse/sync';
import { pipeline, Readable } from 'node:stream';
import type { LabelPurpose, LabelTable } from '../../../shared/api/labels.ts';
import { AppError } from '../../../shared/errors.ts';
import { shortened } from '../../../shared/shortened.ts';
import type { LabelFormat, LabelledBox, LabelSink, LabelSource, ReadOptions } from '../label-format.ts';
import { latinNotice, readTextPieces } from '../label-text.ts';
import { columnsByName, findColumns } from './csv-columns.ts';
import type { CsvColumns } from './csv-columns.ts';

/** Tables with a row for each image or each box: Winnow's own, Timelapse's, and others by the names of their columns. */
export const csv: LabelFormat = {
  name: 'csv',
  about:
    "CSV with a row for each image or box: Winnow's own, Timelapse's, any with columns that can be named",
  perFile: false,
  recognise: ({ path }) => /\.(csv|tsv|txt)$/i.test(path),
  read,
};

const DELIMITERS = [',', ';', '\t'];
const LONGEST_ROW = 2 ** 20; // characters

async function read({ path, start }: LabelSource, sink: LabelSink, options: ReadOptions): Promise<void> {
  const { purpose, columns: chosen, onProgress } = options;
  const pieces = readTextPieces(path, { onProgress, onLatin: () => sink.notice(latinNotice(path)) });
  const rows = parse({ ...syntaxOf(start), info: true });
  // Either end closes the other: what is thrown while the file is read is thrown below, and the file is closed then.
  pipeline(Readable.from(pieces), rows, () => undefined);
  let columns: CsvColumns | undefined;
  let [lines, count] = [0, 0]; // that are read, and rows below the header
  try {
    for await (const { record, info } of rows as AsyncIterable<{ record: string[]; info: Info }>) {
      lines = info.lines;
      if (columns === undefined) {
        columns = findColumns(record, chosen, { purpose, path });
        sink.task(columns.box === undefined ? 'classification' : 'detection');
        continue;
      }
      if (count++ === 0 && columns.stages !== undefined)
        sink.findsFirst(record[columns.stages.finder ?? -1] || undefined);
      if (hasCells(record, columns)) readRow(record, columns, `line ${lines}`, { sink, purpose });
      else sink.skip('columns', `line ${lines}`);
    }
  } catch (error) {
    throw toTableError(error, path, lines + 1);
  }
  if (columns === undefined)
    throw new AppError('BAD_ARGUMENT', `Expected a table in ${path}, but it is empty`);
  if (count === 0)
    throw new AppError(
      'BAD_ARGUMENT',
      `Expected rows with labels in ${path}, but there is none below its header in line ${lines}`,
      'Name the file that has the labels themselves.',
    );
}

/** How a table that begins like this is written. */
function syntaxOf(start: string) {
  const separator = SEPARATOR_LINE.exec(start)?.[1];
  return {
    bom: true,
    delimiter: separator ?? delimiterOf(start),
    from_line: separator === undefined ? 1 : 2,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    max_record_size: LONGEST_ROW,
  };
}

const LONGEST_NAME = 200; // characters of a column that can be chosen

/** The columns of a table by the start of its file, and those that are taken by their names. Throws BAD_ARGUMENT. */
export function describeTable({ path, start }: LabelSource, purpose: LabelPurpose['kind']): LabelTable {
  const header = readHeader(path, start).map((name) => name.trim());
  const columns = header.filter((name) => name.length >= 1 && name.length <= LONGEST_NAME);
  return { columns: [...new Set(columns)], found: columnsByName(header, purpose) };
}

function readHeader(path: string, start: string): string[] {
  try {
    const [header = []] = parseAtOnce(start, { ...syntaxOf(start), to: 1 });
    return header;
  } catch (error) {
    throw toTableError(error, path, 1);
  }
}

/** What Excel writes above a table, so that it knows what stands between cells. */
const SEPARATOR_LINE = /^\ufeff?sep=(.)\r?\n/i;

/** The one that the header has most of, outside of quotes. */
function delimiterOf(start: string): string {
  const header = (start.split(/[\r\n]/, 1)[0] ?? '').replaceAll(/"[^"]*"/g, '');
  const counted = DELIMITERS.map((delimiter) => ({ delimiter, count: header.split(delimiter).length }));
  return counted.reduce((best, one) => (one.count > best.count ? one : best)).delimiter;
}

/** Whether a row has the cells that are looked at, and none beyond the columns of the header, as where a comma was not quoted. */
function hasCells(row: readonly string[], { width, file, labels, box }: CsvColumns): boolean {
  const last = Math.max(...file, labels[0]?.label ?? 0, ...(box?.at ?? []));
  return row.length > last && row.slice(width).every((cell) => cell.trim() === '');
}

/** What the parser says, as a sentence; anything else as it is. `line`: where the row begins that cannot be read. */
function toTableError(error: unknown, path: string, line: number): unknown {
  if (!(error instanceof Error) || !('code' in error) || !String(error.code).startsWith('CSV_')) return error;
  if (error.code === 'CSV_QUOTE_NOT_CLOSED')
    return new AppError(
      'BAD_ARGUMENT',
      `Expected a table in ${path}, but a quote (") that is opened in the row of line ${line} is closed nowhere`,
      'Close it, or leave it out; a quote inside of a quoted cell is written twice.',
    );
  if (error.code === 'CSV_MAX_RECORD_SIZE')
    return new AppError(
      'BAD_ARGUMENT',
      `Expected a table in ${path}, but its row of line ${line} has more than ${LONGEST_ROW} characters`,
      'Look whether a quote (") in it is closed.',
    );
  const message = `Expected a table in ${path}, but in line ${line} ${shortened(error.message)}`;
  return new AppError('BAD_ARGUMENT', message);
}

interface To {
  sink: LabelSink;
  purpose: ReadOptions['purpose'];
}

function readRow(row: readonly string[], columns: CsvColumns, where: string, { sink, purpose }: To): void {
  const cell = (index: number | undefined) => (index === undefined ? '' : (row[index] ?? '').trim());
  const key = columns.file
    .map(cell)
    .filter((part) => part !== '')
    .join('/');
  if (cell(columns.file.at(-1)) === '') {
    sink.skip('badEntry', where);
    return;
  }
  if (purpose === 'reviews' && columns.review !== undefined && cell(columns.review.verified) !== 'true') {
    sink.skip('notReviewed', where);
    return;
  }
  const status = cell(columns.status);
  if (status === 'pending') {
    sink.skip('badEntry', where);
    return;
  }
  const failure = status === 'failed' ? cell(columns.error) || 'it failed' : undefined;
  const size = columns.size && sizeOf(cell(columns.size.width), cell(columns.size.height));
  sink.image({ key, name: key, size, failure }, where, columns.box !== undefined);
  if (failure !== undefined) return;
  if (columns.box !== undefined) readBox(columns, columns.box, { key, where, cell, sink });
  else readLabels(columns, { key, where, cell, sink });
}

interface Row {
  key: string;
  where: string;
  cell: (index: number | undefined) => string;
  sink: LabelSink;
}

/** An empty label, which Winnow writes where nothing was found, is no label. */
function readLabels({ labels }: CsvColumns, { key, where, cell, sink }: Row): void {
  for (const [rank, { label, score }] of labels.entries()) {
    const classId = cell(label);
    if (classId === '' && (rank > 0 || labels.length > 1)) continue;
    sink.class(classId, classId);
    sink.label({ key, classId, score: scoreOf(cell(score)) }, where);
  }
}

/** A row without a box is of an image without any. */
function readBox(
  { labels, stages }: CsvColumns,
  { at, corners, isShare }: NonNullable<CsvColumns['box']>,
  row: Row,
): void {
  const { key, where, cell, sink } = row;
  const texts = at.map(cell);
  if (texts.every((text) => text === '')) return;
  const [x = NaN, y = NaN, third = NaN, fourth = NaN] = texts.map((text) =>
    text === '' ? NaN : numberOf(text),
  );
  const [label] = labels;
  const classId = cell(label?.label);
  if (classId === '' || ![x, y, third, fourth].every(Number.isFinite)) {
    sink.skip(classId === '' ? 'badEntry' : 'badBox', where);
    return;
  }
  const box = { x, y, width: corners ? third - x : third, height: corners ? fourth - y : fourth };
  const within = [x, y, box.width, box.height].every((value) => value >= 0 && value <= 1);
  sink.class(classId, classId);
  const score = scoreOf(cell(label?.score));
  const finder = stages && readFinder(stages, row);
  sink.box({ key, classId, score, box, isShare: isShare ?? within, finder }, where);
}

/** What the finder said of a box; undefined of a box that it did not find. */
function readFinder(stages: NonNullable<CsvColumns['stages']>, { cell, sink }: Row): LabelledBox['finder'] {
  const name = cell(stages.found);
  if (name === '') return undefined;
  const classId = `found ${name}`;
  sink.finderClass(classId, name);
  return { classId, score: scoreOf(cell(stages.foundScore)), labelScore: scoreOf(cell(stages.labelScore)) };
}

function scoreOf(text: string): number | undefined {
  const score = text === '' ? NaN : numberOf(text);
  return Number.isFinite(score) ? score : undefined;
}

/** Decimal commas are those of tables with semicolons. */
function numberOf(text: string): number {
  return Number(text.replace(',', '.'));
}

function sizeOf(width: string, height: string) {
  const size = { width: Number(width), height: Number(height) };
  return Object.values(size).every((side) => Number.isSafeInteger(side) && side > 0) ? size : undefined;
}
