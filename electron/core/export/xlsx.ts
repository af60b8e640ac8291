import { PassThrough, Readable } from 'node:stream';
import { ZipFile } from 'yazl';
import type { Value } from './columns.ts';

/** Rows that a sheet of Excel holds at most, with its header. */
const EXCEL_ROWS = 1_048_576;
/** Characters that a cell holds at most. */
const EXCEL_TEXT = 32_767;

/** Characters that are handed on together. */
const PIECE = 65_536;

const HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n';
const MAIN = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const RELATIONS = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const PACKAGE = 'http://schemas.openxmlformats.org/package/2006';
const SHEETML = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

export interface SheetOptions {
  name: string; // of the first sheet; the others are `<name> 2` and so on
  columns: readonly string[];
  rowsPerSheet?: number; // with the header
}

/**
 * A table as an Office Open XML workbook, piece by piece: memory does not grow with the rows. Every sheet starts with the
 * header; what does not fit on one goes on to the next. Numbers are numbers, all else is text and never a formula.
 */
export function xlsxFile(rows: Iterable<readonly Value[]>, options: SheetOptions): Readable {
  const zip = new ZipFile();
  const output = new PassThrough();
  zip.outputStream.pipe(output);
  zip.on('error', (error: Error) => void output.destroy(error));
  const iterator = rows[Symbol.iterator]();
  const addSheet = (number: number, first: IteratorResult<readonly Value[]>) => {
    const sheet = new Sheet(iterator, first, options);
    const text = Readable.from(sheet.text());
    text.on('error', (error) => void output.destroy(error));
    text.on('end', () => {
      if (sheet.next.done === true) addFrame(zip, options.name, number);
      else addSheet(number + 1, sheet.next);
    });
    zip.addReadStream(text, `xl/worksheets/sheet${number}.xml`, ENTRY);
  };
  addSheet(1, iterator.next());
  return output;
}

/** Without the time of writing, equal tables give equal files. */
const ENTRY = { mtime: new Date(1980, 0, 1), mode: 0o100644 };

/** Takes rows from an iterator until the sheet is full. */
class Sheet {
  /** The first row that is not in this sheet. */
  next: IteratorResult<readonly Value[]>;
  readonly #rows: Iterator<readonly Value[]>;
  readonly #options: SheetOptions;

  constructor(
    rows: Iterator<readonly Value[]>,
    first: IteratorResult<readonly Value[]>,
    options: SheetOptions,
  ) {
    this.#rows = rows;
    this.next = first;
    this.#options = options;
  }

  *text(): Generator<string> {
    const { columns, rowsPerSheet = EXCEL_ROWS } = this.#options;
    yield (
      `${HEADER}<worksheet xmlns="${MAIN}"><sheetViews><sheetView workbookViewId="0">` +
      '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews><sheetData>'
    );
    yield rowText(1, columns, ' s="1"');
    let text = '';
    for (let count = 1; count < rowsPerSheet && this.next.done !== true; count++) {
      text += rowText(count + 1, this.next.value, '');
      this.next = this.#rows.next();
      if (text.length < PIECE) continue;
      yield text;
      text = '';
    }
    yield `${text}</sheetData></worksheet>`;
  }
}

/** A row of cells with their addresses, which some readers ask for. */
function rowText(number: number, values: readonly Value[], style: string): string {
  const cells = values.map((value, column) => cellText(`${letters(column)}${number}`, value, style));
  return `<row r="${number}">${cells.join('')}</row>`;
}

function cellText(address: string, value: Value, style: string): string {
  if (value === undefined || value === '') return '';
  if (typeof value === 'number') return `<c r="${address}"${style}><v>${value}</v></c>`;
  const text = escapeText(value.slice(0, EXCEL_TEXT));
  return `<c r="${address}" t="inlineStr"${style}><is><t xml:space="preserve">${text}</t></is></c>`;
}

/** 0 -> A, 25 -> Z, 26 -> AA. */
function letters(column: number): string {
  const last = String.fromCharCode(65 + (column % 26));
  return column < 26 ? last : letters(Math.floor(column / 26) - 1) + last;
}

/** As XML, where characters that XML cannot hold are written `_x0001_`, and what looks like that is escaped too. */
function escapeText(text: string): string {
  return text
    .toWellFormed()
    .replace(/_(?=x[0-9a-f]{4}_)/gi, '_x005F_')
    .replace(/[\u0000-\u0008\u000b-\u001f\ufffe\uffff]/g, (character) => {
      return `_x${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}_`;
    })
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;');
}

/** The parts that hold the sheets together; they come last since the number of sheets is known then. */
function addFrame(zip: ZipFile, name: string, sheets: number): void {
  const numbers = Array.from({ length: sheets }, (_, index) => index + 1);
  const add = (path: string, text: string) => zip.addBuffer(Buffer.from(HEADER + text), path, ENTRY);
  const relation = (id: string, type: string, target: string) =>
    `<Relationship Id="${id}" Type="${RELATIONS}/${type}" Target="${target}"/>`;
  const part = (path: string, type: string) =>
    `<Override PartName="/${path}" ContentType="${SHEETML}.${type}+xml"/>`;
  add(
    'xl/styles.xml',
    `<styleSheet xmlns="${MAIN}"><fonts count="2"><font/><font><b/></font></fonts><fills count="1"><fill/></fills>` +
      '<borders count="1"><border/></borders><cellStyleXfs count="1"><xf/></cellStyleXfs>' +
      '<cellXfs count="2"><xf/><xf fontId="1" applyFont="1"/></cellXfs></styleSheet>',
  );
  const title = (number: number) => escapeText(number === 1 ? name : `${name} ${number}`);
  add(
    'xl/workbook.xml',
    `<workbook xmlns="${MAIN}" xmlns:r="${RELATIONS}"><sheets>` +
      numbers.map((n) => `<sheet name="${title(n)}" sheetId="${n}" r:id="rId${n}"/>`).join('') +
      '</sheets></workbook>',
  );
  add(
    'xl/_rels/workbook.xml.rels',
    `<Relationships xmlns="${PACKAGE}/relationships">` +
      numbers.map((n) => relation(`rId${n}`, 'worksheet', `worksheets/sheet${n}.xml`)).join('') +
      `${relation(`rId${sheets + 1}`, 'styles', 'styles.xml')}</Relationships>`,
  );
  add(
    '_rels/.rels',
    `<Relationships xmlns="${PACKAGE}/relationships">${relation('rId1', 'officeDocument', 'xl/workbook.xml')}</Relationships>`,
  );
  add(
    '[Content_Types].xml',
    `<Types xmlns="${PACKAGE}/content-types">` +
      '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>' +
      '<Default Extension="xml" ContentType="application/xml"/>' +
      part('xl/workbook.xml', 'sheet.main') +
      part('xl/styles.xml', 'styles') +
      `${numbers.map((n) => part(`xl/worksheets/sheet${n}.xml`, 'worksheet')).join('')}</Types>`,
  );
  zip.end();
}
