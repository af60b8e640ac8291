import { stringify } from 'csv-stringify/sync';
import { columnNames, valuesOf } from './columns.ts';
import type { CountedRow, ExportedTable } from './columns.ts';
import type { RowPage } from '../results/run-rows.ts';
import { ALL_TASKS } from './format.ts';
import type { TableFormat } from './format.ts';

export const csv: TableFormat = {
  name: 'csv',
  of: 'files',
  place: 'file',
  ending: '.csv',
  tasks: ALL_TASKS,
  options: ['bom', 'columns'],
  isText: true,
  write: csvText,
};

/** Rows as RFC 4180: a header, CRLF, quotes where a field needs them. `bom`: mark the text as UTF-8 first. */
function* csvText(
  pages: Iterable<RowPage<CountedRow>>,
  table: ExportedTable,
  bom: boolean,
): Generator<string> {
  // The writer itself sees only CRLF as a line break, but a lone CR or LF in a name needs quotes just as well.
  const format = { record_delimiter: 'windows', quoted_match: /[\r\n]/ } as const;
  yield stringify([columnNames(table)], { ...format, bom });
  for (const { folder, rows } of pages) {
    yield stringify(
      rows.map((row) => valuesOf(folder, row, table)),
      format,
    );
  }
}
