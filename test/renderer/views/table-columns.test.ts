import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { LabelTable } from '../../../electron/shared/api/labels.ts';
import { areComplete, boxOf, toColumns } from '../../../renderer/views/labels/table-columns.ts';

const columns = ['file', 'species', 'art', 'score', 'x', 'y', 'w', 'h', 'r', 'b'];
const table: LabelTable = {
  columns,
  found: { file: 'file', label: 'species', score: 'score', box: ['x', 'y', 'w', 'h'], corners: false },
};

test('columns that stand as they were found are not named in a request', () => {
  assert.equal(toColumns(table, {}), undefined);
  const same = { file: 'file', label: 'species', score: 'score', box: ['x', 'y', 'w', 'h'], corners: false };
  assert.equal(toColumns(table, same), undefined);
  assert.deepEqual(toColumns(table, { label: 'art' }), { label: 'art' });
});

test('scores and boxes can be passed over, and a box has other columns or other corners', () => {
  assert.deepEqual(toColumns(table, { score: '' }), { score: null });
  assert.deepEqual(toColumns(table, { box: ['', '', '', ''] }), { box: null, corners: false });
  assert.deepEqual(toColumns(table, { corners: true }), { box: ['x', 'y', 'w', 'h'], corners: true });
  const box = ['x', 'y', 'r', 'b'];
  assert.deepEqual(toColumns(table, { box, corners: true }), { box, corners: true });
  assert.equal(toColumns({ columns, found: { file: 'file', label: 'art' } }, { corners: true }), undefined);
});

test('a table needs columns of files and labels, and all four of a box or none', () => {
  const bare: LabelTable = { columns, found: {} };
  assert.ok(areComplete(table, {}));
  assert.ok(!areComplete(bare, {}));
  assert.ok(!areComplete(bare, { file: 'file' }));
  assert.ok(areComplete(bare, { file: 'file', label: 'art' }));
  assert.ok(!areComplete(table, { file: '' }));
  assert.deepEqual(boxOf(bare, {}), ['', '', '', '']);
  assert.ok(!areComplete(table, { box: ['x', 'y', '', ''] }));
  assert.ok(areComplete(table, { box: ['', '', '', ''] }));
});
