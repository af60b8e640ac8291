import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LastUsed } from '../../../../electron/core/columns/last-used.ts';

test('the values that were used last are kept, others are made again', () => {
  const made: string[] = [];
  const values = new LastUsed<string, string>(2);
  const get = (key: string) =>
    values.get(key, () => {
      made.push(key);
      return key.toUpperCase();
    });
  assert.deepEqual([get('a'), get('b'), get('a'), get('c')], ['A', 'B', 'A', 'C']);
  assert.deepEqual(values.all(), ['A', 'C']);
  get('b');
  assert.deepEqual(made, ['a', 'b', 'c', 'b']);
  values.delete('c');
  assert.deepEqual(values.all(), ['B']);
  values.clear();
  assert.deepEqual(values.all(), []);
});
