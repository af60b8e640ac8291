import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { house } from '../../support/house.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const onWindows = process.platform === 'win32' && 'has no pipes among its files';

suite('a file that a person names', () => {
  test('is no pipe, which would be waited for', { skip: onWindows }, async (t) => {
    const { app } = house(t);
    const file = join(temporaryFolder(t), 'pipe.safetensors');
    execFileSync('mkfifo', [file]);
    const refused = {
      code: 'BAD_ARGUMENT',
      message: /^Expected a .* file, but .*pipe\.safetensors is a pipe or device$/,
    };
    await assert.rejects(app.importModel({ file, name: 'mine' }), refused);
    await assert.rejects(app.inspectCheckpoint({ file }), refused);
    await assert.rejects(app.showModel({ model: file }), refused);
    await assert.rejects(app.verifyModel({ model: file }), refused);
  });

  test('has no null character in its path', async (t) => {
    const { app } = house(t);
    const refused = {
      code: 'BAD_ARGUMENT',
      message: /^A (path|model name) must not contain a null character/,
    };
    await assert.rejects(app.inspectCheckpoint({ file: 'a\0b' }), refused);
    await assert.rejects(app.showModel({ model: 'a\0b' }), refused);
    await assert.rejects(app.browse({ path: 'a\0b' }), refused);
    await assert.rejects(app.exportRun({ runId: 1, format: 'csv', out: '/tmp/a\0b' }), refused);
    await assert.rejects(app.restoreLibrary({ file: 'a\0b' }), refused);
  });
});
