import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { HostProcess } from '../../../../electron/engine/hosts/host-process.ts';
import { forkHost } from '../../../../electron/engine/hosts/start-host.ts';
import { PictureTrainer } from '../../../../electron/engine/predict/picture-trainer.ts';
import type { MadeUpCalls } from './made-up-calls.ts';

/** A host that answers calls of which its interface and its handler alone know. */
function madeUpHost(t: TestContext) {
  const entry = join(import.meta.dirname, 'made-up-host.ts');
  const host = new HostProcess<MadeUpCalls & { other(): Promise<string> }>(forkHost, entry, 1);
  t.after(() => host.kill('the test is over'));
  return { host, calls: host.calls(60_000) };
}

suite('a call that is stated in an interface and its handler', () => {
  test('is made in the other process, with bytes and numbers as they are', async (t) => {
    const { calls } = madeUpHost(t);
    const { bytes, numbers } = await calls.reversed(Uint8Array.of(1, 2, 3));
    assert.ok(bytes instanceof Uint8Array && numbers instanceof Float32Array);
    assert.deepEqual([...bytes], [3, 2, 1]);
    assert.deepEqual([...numbers], [0.5, Infinity]);
    const twice = await calls.reversed(Uint8Array.of(1, 2, 3), 2);
    assert.deepEqual([...twice.bytes], [1, 2, 3]);
  });

  test('is answered when its answer is there, also before one that was made earlier', async (t) => {
    const { calls } = madeUpHost(t);
    const [late, early] = await Promise.all([calls.waiting('late', 1), calls.waiting('early', 0)]);
    assert.deepEqual([early, late], [['early'], ['early', 'late']]);
  });

  test('fails with the code that a host may answer with, its sentence and its hint', async (t) => {
    const { calls } = madeUpHost(t);
    const disk = { name: 'AppError', code: 'DISK_FULL', message: 'There is no room', hint: 'Make some.' };
    await assert.rejects(calls.failing('code'), disk);
    await assert.rejects(calls.failing('picture'), { code: 'BAD_IMAGE', message: 'the file is empty' });
    await assert.rejects(calls.failing('mistake'), { code: 'ENGINE', message: 'Something is undefined' });
    await assert.rejects(calls.failing('uncopyable'), { code: 'ENGINE', message: /could not be cloned/ });
    assert.equal((await calls.waiting('after them', 0)).length, 1);
  });

  test('is made on whichever handler has it; what none has is refused', async (t) => {
    const { host, calls } = madeUpHost(t);
    assert.equal(await calls.other(), 'of the other');
    const askAnything = host.ask.bind(host) as (call: string, args: [], limit: number) => Promise<unknown>;
    for (const name of ['never', 'notACall', 'toString', 'hasOwnProperty'])
      await assert.rejects(askAnything(name, [], 60_000), {
        code: 'ENGINE',
        message: `There is no call ${name} to be made`,
      });
  });

  test('is named by nothing that lies between them', () => {
    const ofEngineHosts = ['open', 'predict']; // an engine client recovers from crashes in these
    const calls = Object.getOwnPropertyNames(PictureTrainer.prototype).filter(
      (name) => name !== 'constructor' && !ofEngineHosts.includes(name),
    );
    assert.ok(calls.includes('solveHead') && calls.length >= 6);
    const between = join(import.meta.dirname, '../../../../electron/engine/hosts');
    const texts = readdirSync(between).map((file) => readFileSync(join(between, file), 'utf8'));
    for (const name of [...calls, 'render', 'crop', 'size', 'overlay'])
      for (const text of texts) assert.doesNotMatch(text, new RegExp(`\\b${name}\\b(?=[('])`));
  });
});
