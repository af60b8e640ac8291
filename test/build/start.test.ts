import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { root } from '../../build/setup.mjs';
import { temporaryFolder } from '../electron/support/temporary-folder.ts';

test('npm start says in one sentence what to use where there is no Electron', (t) => {
  const { status, stdout } = spawnSync(process.execPath, ['build/start.ts'], {
    cwd: root,
    encoding: 'utf8',
    env: { ...process.env, ELECTRON_OVERRIDE_DIST_PATH: temporaryFolder(t) }, // a distribution with nothing in it
  });
  assert.equal(status, 0);
  assert.match(stdout, /^Electron cannot be fetched here, so use `npm run winnow -- serve`, [^\n]*\.\n$/);
});
