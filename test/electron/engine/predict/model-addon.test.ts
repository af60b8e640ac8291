import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { suite, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { loadAddon } from '../../../../electron/engine/addon.ts';

const addon = loadAddon();
const bundled = fileURLToPath(
  new URL('../../../../resources/models/everyday10.safetensors', import.meta.url),
);

const THREADS = '/proc/self/task'; // a folder for each

suite('the addon: models', () => {
  const skip = !existsSync(THREADS) && 'the number of threads is known on Linux alone';
  test('one that nobody holds any more goes soon, and its threads with it', { skip }, async () => {
    const before = readdirSync(THREADS).length;
    let most = 0;
    for (let number = 0; number < 40; number++) {
      await addon.loadModel(bundled, { device: 'cpu', threads: 2, precision: 'fp32' }); // one thread beside ours
      most = Math.max(most, readdirSync(THREADS).length - before);
      await nextTurn(); // when native objects are destroyed
    }
    assert.ok(most <= 20, `${most} of 40 models had their threads at the same time`);
  });
});
