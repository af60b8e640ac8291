/** The row that a statement always yields; its absence is a mistake in the statement, not in the data. */
export function required<Row>(row: Row | undefined): Row {
  if (row === undefined) throw new Error('A statement that always yields a row yielded none');
  return row;
}
