import type { RowOrder } from '../store/lists/result-order.ts';
import { pairTest } from './row-tests.ts';
import type { RunColumns } from './run-columns.ts';
import { sortRows, sortRowsByText } from './sort-rows.ts';

/**
 * All rows of a run in an order. It is the one that `orderSql` of store/result-order.ts states in SQL, many times faster; a
 * test compares them.
 */
export function orderRows(
  columns: RunColumns,
  order: RowOrder,
  minScore: number,
  columnsOf: (runId: number) => RunColumns,
): Uint32Array {
  const { confidence, blocks } = columns;
  switch (order.sort) {
    case 'path':
      return columns.byPath;
    case 'name':
      return sortRowsByText(columns.byPath, columns.paths.names);
    case 'captured':
      return byCaptured(columns);
    case 'mostConfident':
      return byKey(columns, (row) => -(confidence[row] ?? NaN));
    case 'leastConfident':
      return byKey(columns, (row) => atLeast(confidence[row], minScore));
    case 'hardest':
      return byKey(columns, (row) => -orNone(blocks[row]));
    case 'easiest':
      return byKey(columns, (row) => orNone(blocks[row]));
    case 'lowestMargin':
      return byKey(columns, (row) => (confidence[row] ?? NaN) - (columns.second[row] ?? NaN));
    case 'disagreement':
      return byContradiction(columns, columnsOf(order.comparedWith.runId), order.comparedWith, minScore);
  }
}

/** Smallest key first, NaN last; rows with equal keys by the ids of their images. */
function byKey(columns: RunColumns, key: (row: number) => number): Uint32Array {
  const rows = new Uint32Array(columns.length);
  const keys = new Float64Array(columns.length);
  for (let row = 0; row < columns.length; row++) {
    rows[row] = row;
    keys[row] = key(row);
  }
  return sortRows(rows, keys);
}

const atLeast = (value = NaN, least: number) => (value >= least ? value : NaN);
const orNone = (blocks = -1) => (blocks < 0 ? NaN : blocks);

/** The earliest first, as their texts are ordered; then by path. */
function byCaptured({ captured, byPath }: RunColumns): Uint32Array {
  const isKnown = (row: number) => captured.starts[row] !== captured.ends[row];
  const known = sortRowsByText(byPath.filter(isKnown), captured);
  const rows = new Uint32Array(byPath.length);
  rows.set(known);
  rows.set(
    byPath.filter((row) => !isKnown(row)),
    known.length,
  );
  return rows;
}

/** As CONTRADICTION of store/result-order.ts, the largest first. */
function byContradiction(
  columns: RunColumns,
  other: RunColumns,
  { agreeing, minScore: otherMinScore = 0 }: Extract<RowOrder, { sort: 'disagreement' }>['comparedWith'],
  minScore: number,
): Uint32Array {
  const agrees = pairTest(agreeing);
  return byKey(columns, (row) => {
    const there = other.rowOf(columns.ids[row] ?? 0);
    if (there < 0 || !columns.isPredicted(row) || !other.isPredicted(there)) return NaN;
    const [here, elsewhere] = [
      atLeast(columns.confidence[row], minScore) || 0,
      atLeast(other.confidence[there], otherMinScore) || 0,
    ];
    const isSame = agrees(columns.bestClass(row, minScore), other.bestClass(there, otherMinScore));
    return isSame ? -Math.abs(here - elsewhere) : -(2 + here + elsewhere);
  });
}
