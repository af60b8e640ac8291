import assert from 'node:assert/strict';
import { test } from 'node:test';
import { IdSet } from '../../../electron/shared/id-set.ts';

test('a set of ids has what was added and nothing else, across the edges of its words', () => {
  const ids = [0, 1, 31, 32, 63, 64, 32_767, 32_768, 1_000_000];
  const set = new IdSet(ids);
  set.add(31);
  const near = ids.flatMap((id) => [id - 1, id, id + 1]).filter((id) => id >= 0);
  assert.deepEqual(
    near.filter((id) => set.has(id)),
    near.filter((id) => ids.includes(id)),
  );
  assert.equal(new IdSet().has(5), false);
  assert.equal(set.has(2_000_000), false);
});
