import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { realPath } from '../../../../electron/core/files/real-path.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

void test('a path without links is found on a drive that does not tell it itself', async (t) => {
  const folder = fs.realpathSync(temporaryFolder(t));
  fs.mkdirSync(path.join(folder, 'pictures'));
  fs.symlinkSync('pictures', path.join(folder, 'link'));
  t.mock.method(fs.promises, 'realpath', () =>
    Promise.reject(Object.assign(new Error('unknown error'), { code: 'UNKNOWN' })),
  );
  assert.equal(await realPath(path.join(folder, 'link')), path.join(folder, 'pictures'));
});

void test('what is not there has no real path', async (t) => {
  const missing = path.join(temporaryFolder(t), 'missing');
  await assert.rejects(realPath(missing), { code: 'ENOENT' });
});
