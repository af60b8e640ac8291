import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { BatchSize } from '../../../../electron/core/models/batch-size.ts';

/** The size that a run settles on when images take this long in batches of each size, and the sizes on the way. */
function settle(milliseconds: Record<number, number>) {
  const batch = new BatchSize();
  const sizes: number[] = [];
  for (let i = 0; i < 20; i++) {
    const size = batch.next;
    sizes.push(size);
    batch.note(size, milliseconds[size] ?? NaN);
  }
  return { last: sizes.at(-1), tried: new Set(sizes.slice(0, 9)) };
}

suite('BatchSize', () => {
  test('tries sizes and stays with the fastest', () => {
    assert.deepEqual(settle({ 8: 30, 16: 20, 32: 10 }), { last: 32, tried: new Set([8, 16, 32]) });
    assert.equal(settle({ 8: 30, 16: 20, 32: 25 }).last, 16);
    assert.equal(settle({ 8: 10, 16: 20, 32: 30 }).last, 8);
  });

  test('stays with a smaller one that is nearly as fast', () => {
    assert.equal(settle({ 8: 10.2, 16: 10.1, 32: 10 }).last, 8);
    assert.equal(settle({ 8: 12, 16: 10.1, 32: 10 }).last, 16);
  });

  test('one slow batch of a busy machine decides nothing', () => {
    const batch = new BatchSize();
    let first = true;
    for (let i = 0; i < 12; i++) {
      const size = batch.next;
      batch.note(size, size === 32 ? (first ? 100 : 10) : 20);
      if (size === 32) first = false;
    }
    assert.equal(batch.next, 32);
  });

  test('takes the size that a person asked for', () => {
    const batch = new BatchSize(5);
    for (let i = 0; i < 12; i++) batch.note(batch.next, 10);
    assert.equal(batch.next, 5);
  });

  test('a last batch of another size says nothing', () => {
    const batch = new BatchSize();
    for (let i = 0; i < 12; i++) batch.note(7, 1);
    assert.equal(batch.next, 16);
  });
});
