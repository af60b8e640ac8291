/** Every reader of what comes from outside, ten seconds each; `node test/fuzz/fuzz.ts` does it for longer. */
import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { fuzz } from './fuzz.ts';
import { targets } from './targets.ts';

const SECONDS = 10;
const seed = Math.floor(Date.now() / 1000) % 1_000_000;

suite(`damaged input of seed ${seed} gives a result or one sentence`, { concurrency: 2 }, () => {
  for (const { name } of targets) {
    test(`from the ${name}`, async (t) => {
      const { rounds, accepted, failure } = await fuzz({ target: name, seconds: SECONDS, seed });
      t.diagnostic(`${rounds} rounds, ${accepted} inputs accepted`);
      assert.equal(failure, undefined);
      assert.ok(rounds > 0);
    });
  }
});
