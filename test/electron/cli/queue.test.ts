import assert from 'node:assert/strict';
import { renameSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { start, untilUnderWay, winnow } from '../support/command-line.ts';
import { drawFolder } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

suite('winnow queue, estimate and remove', () => {
  test('line runs up, work on them in order, and forget them', async (t) => {
    const data = temporaryFolder(t);
    const [a, b] = [join(data, 'a'), join(data, 'b')];
    await drawFolder(a, 2);
    await drawFolder(b, 1);
    assert.equal((await winnow(data, 'queue', 'list')).stdout, 'No run waits.\n');
    assert.match((await winnow(data, 'queue', 'add', a)).stdout, /^Run 1 waits\./);
    await winnow(data, 'queue', 'add', b, '--preset', 'fast');
    await winnow(data, 'queue', 'add', a, b);
    const listed = await winnow(data, 'queue', 'list');
    assert.match(listed.stdout, /^RUN +STATE .*\n1 +queued .*\n2 +queued .* fast .*\n3 +queued /);
    assert.equal((await winnow(data, 'queue', 'leave', '3')).stdout, 'Run 3 does not wait any more.\n');
    assert.equal((await winnow(data, 'queue', 'leave', '3')).code, 2);

    const worked = await winnow(data, 'queue', 'work');
    assert.deepEqual(
      [worked.code, worked.stdout],
      [0, 'Run 1 is done: 2 images labelled, 0 failed.\nRun 2 is done: 1 image labelled, 0 failed.\n'],
    );
    assert.equal((await winnow(data, 'queue', 'work')).stdout, 'No run waits.\n');

    const estimated = await winnow(data, 'estimate', a);
    assert.equal(estimated.code, 0, estimated.stderr);
    assert.match(estimated.stdout, /^everyday10 on cpu; 2 images, 0 to be labelled\n/);
    assert.match(
      estimated.stdout,
      /\n +fast .*\n\* +balanced .*\n +accurate .*\nSpeeds are not known: not calibrated/,
    );

    assert.equal((await winnow(data, 'remove', '1')).stdout, 'Run 1 is forgotten.\n');
    assert.equal((await winnow(data, 'show', '1')).code, 2);
  });

  const skip = process.platform === 'win32' && 'a folder in use keeps its name';
  test('tell how to go on with a run whose folder went away', { skip }, async (t) => {
    const data = temporaryFolder(t);
    const folder = join(data, 'a');
    await drawFolder(folder, 60);
    await winnow(data, 'queue', 'add', folder, '--device', 'reference', '--batch', '1');
    const { child, ended } = start(data, 'queue', 'work');
    await untilUnderWay(data, child);
    renameSync(folder, `${folder}-unplugged`);
    const { code, stdout } = await ended;
    assert.equal(code, 1);
    assert.match(stdout, /^Run 1 is paused: .* then go on with the run\.\nGo on with `winnow resume 1`\.\n$/);
  });
});
