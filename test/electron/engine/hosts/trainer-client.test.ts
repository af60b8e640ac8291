import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import { connectTrainer } from '../../../../electron/engine/hosts/trainer-client.ts';
import { drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { setupOf } from '../../support/training-setup.ts';

/** A client of a host that learns nothing, with a training open, and a step on one drawn picture by its seed. */
async function opened(t: TestContext, idleLimit?: number) {
  const hostEntry = join(import.meta.dirname, 'crashing-training-host.ts');
  const trainer = connectTrainer(idleLimit === undefined ? { hostEntry } : { hostEntry, idleLimit });
  t.after(() => trainer.close());
  const folder = temporaryFolder(t);
  await drawFolder(folder, 1);
  const path = join(folder, '000.jpg');
  await trainer.open(setupOf());
  const step = (seed: number) =>
    trainer.step({ examples: [{ path, classIndex: 0 }], learningRate: 0.1, seed });
  return { trainer, path, step };
}

/** That `work` is rejected with the sentence of a host that has died. */
function assertDied(work: Promise<unknown>, how: RegExp): Promise<void> {
  return assert.rejects(work, (error: Error & { code?: string; hint?: string }) => {
    assert.equal(error.code, 'ENGINE');
    assert.match(error.message, /^Training stopped: the training host /);
    assert.match(error.message, how);
    assert.match(error.hint ?? '', /winnow train --resume N/);
    return true;
  });
}

suite('the trainer client', () => {
  test('passes calls on, and pictures are named that cannot be read', async (t) => {
    const { trainer, path, step } = await opened(t);
    const { losses } = await step(1);
    assert.equal(losses.total, 2);
    const [found] = await trainer.inspect([path], { resize: 32, keep: false });
    assert.ok(found !== undefined && 'width' in found);
    assert.deepEqual([found.width, found.height], [48, 40]);
    const gone = { examples: [{ path: `${path}x`, classIndex: 0 }], learningRate: 0.1, seed: 2 };
    await assert.rejects(trainer.step(gone), {
      code: 'BAD_IMAGE',
      message: `${path}x cannot be read any more: the file does not exist any more`,
    });
  });

  test('says that the host has died, to all calls under way, and starts another', async (t) => {
    const { trainer, path, step } = await opened(t);
    await Promise.all([assertDied(step(66), /exit code 7/), assertDied(step(1), /exit code 7/)]);
    assert.equal((await trainer.inspect([path], { resize: 32, keep: false })).length, 1);
    await assert.rejects(step(1), { code: 'ENGINE', message: 'No training is open in the training host' });
    await trainer.open(setupOf());
    assert.equal((await step(1)).accuracy, 0.5);
  });

  test('says so of one that was ended from outside', { skip: process.platform === 'win32' }, async (t) => {
    const { step } = await opened(t);
    await assertDied(step(67), /ended from outside \(SIGKILL\), perhaps for want of memory/);
  });

  test('ends the host when nothing is asked of it for long, and not before', async (t) => {
    const { trainer, step } = await opened(t, 1000);
    for (let seed = 1; seed < 5; seed++) {
      await wait(300);
      await step(seed);
    }
    await wait(1500);
    await assert.rejects(step(5), { code: 'ENGINE', message: 'No training is open in the training host' });
    await trainer.open(setupOf());
    assert.equal((await step(1)).accuracy, 0.5);
  });

  test('ends the host when it is closed, and starts it again when it is needed', async (t) => {
    const { trainer, path, step } = await opened(t);
    const underWay = assert.rejects(step(99), { code: 'CANCELLED' });
    await trainer.close();
    await underWay;
    assert.equal((await trainer.inspect([path], { resize: 32, keep: false })).length, 1);
  });
});
