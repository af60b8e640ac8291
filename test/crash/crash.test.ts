/** Commands killed at random calls for a minute; `node test/crash/harness.ts --kills 1000` does it for longer. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crash, describeTally } from './harness.ts';

const SECONDS = 60;
const seed = Math.floor(Date.now() / 1000) % 1_000_000;

test(`commands that are killed at any call lose nothing, leave nothing and can be given again (seed ${seed})`, async (t) => {
  const tally = await crash({ seconds: SECONDS, seed, log: (line) => t.diagnostic(line) });
  if (typeof tally === 'string') {
    t.skip(tally);
    return;
  }
  t.diagnostic(describeTally(tally));
  assert.deepEqual(tally.failures, []);
  assert.ok(Object.values(tally.kills).some((count) => count > 0));
});
