import type { RowPage } from '../results/run-rows.ts';
import { columnNames, valuesOf } from './columns.ts';
import type { CountedRow, ExportedTable, Value } from './columns.ts';
import { ALL_TASKS } from './format.ts';
import type { TableFormat } from './format.ts';
import { xlsxFile } from './xlsx.ts';

export const xlsx: TableFormat = {
  name: 'xlsx',
  of: 'files',
  place: 'file',
  ending: '.xlsx',
  tasks: ALL_TASKS,
  options: ['columns'],
  isText: false,
  write: (pages, table) =>
    xlsxFile(tableRows(pages, table), { name: `Run ${table.run.id}`, columns: columnNames(table) }),
};

function* tableRows(pages: Iterable<RowPage<CountedRow>>, table: ExportedTable): Generator<Value[]> {
  for (const { folder, rows } of pages) for (const row of rows) yield valuesOf(folder, row, table);
}
