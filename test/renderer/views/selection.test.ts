import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  afterChange,
  extendTo,
  nextOpen,
  NOTHING_SELECTED,
  selectAll,
  selectNone,
  selectOnly,
  toggle,
} from '../../../renderer/views/results/selection.ts';
import type { Selection } from '../../../renderer/views/results/selection.ts';

const order = Uint32Array.of(50, 40, 30, 20, 10);
const ids = (selection: Selection) => [...selection.ids].sort((a, b) => a - b);

suite('selecting images', () => {
  test('shift extends from the anchor in both directions, in the order of the list', () => {
    const down = extendTo(selectOnly(40), 20, order);
    assert.deepEqual(ids(down), [20, 30, 40]);
    const up = extendTo(down, 50, order);
    assert.deepEqual(ids(up), [40, 50]);
    assert.equal(up.cursor, 50);
    assert.equal(up.anchor, 40);
  });

  test('shift without a selection selects the image', () => {
    assert.deepEqual(ids(extendTo(NOTHING_SELECTED, 30, order)), [30]);
  });

  test('ctrl adds and takes away', () => {
    const two = toggle(selectOnly(50), 20);
    assert.deepEqual(ids(two), [20, 50]);
    assert.deepEqual(ids(toggle(two, 50)), [20]);
  });

  test('all, then none: the cursor stays', () => {
    const all = selectAll(selectOnly(30), order);
    assert.equal(all.ids.size, 5);
    assert.deepEqual(selectNone(all), { ids: new Set(), cursor: 30, anchor: 30 });
  });
});

suite('a list that changes under a selection', () => {
  test('what left it is not selected any more', () => {
    const selection = extendTo(selectOnly(50), 20, order);
    const now = afterChange(selection, order, Uint32Array.of(50, 20, 10));
    assert.deepEqual(ids(now), [20, 50]);
    assert.equal(now.cursor, 20);
  });

  test('the image that takes the place of the only selected one is selected', () => {
    const now = afterChange(selectOnly(30), order, Uint32Array.of(50, 40, 20, 10));
    assert.deepEqual(now, selectOnly(20));
    const last = afterChange(selectOnly(10), order, Uint32Array.of(50, 40, 30, 20));
    assert.deepEqual(last, selectOnly(20));
  });

  test('nothing is left of an empty list', () => {
    const now = afterChange(selectOnly(30), order, Uint32Array.of());
    assert.equal(now.cursor, undefined);
    assert.equal(now.ids.size, 0);
  });
});

suite('the next image to verify', () => {
  test('comes after the cursor, then from the start', () => {
    assert.equal(nextOpen(order, 40, Uint32Array.of(50, 20, 10)), 20);
    assert.equal(nextOpen(order, 10, Uint32Array.of(50, 20)), 50);
  });

  test('is never the one that was just verified', () => {
    assert.equal(nextOpen(order, 40, Uint32Array.of(40)), undefined);
    assert.equal(nextOpen(order, 40, Uint32Array.of()), undefined);
  });
});
