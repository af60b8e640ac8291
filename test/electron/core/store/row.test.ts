import assert from 'node:assert/strict';
import { test } from 'node:test';
import { required } from '../../../../electron/core/store/row.ts';

test('a row that must be there is handed on, and its absence is a mistake that says so', () => {
  assert.deepEqual(required({ count: 0 }), { count: 0 });
  assert.throws(() => required(undefined), { message: 'A statement that always yields a row yielded none' });
});
