import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { listFiles } from '../../../../electron/core/files/list-files.ts';
import { writeFiles } from '../../support/files.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

suite('the files below a folder', () => {
  test('are told in order by their paths in it', async (t) => {
    const root = temporaryFolder(t);
    writeFiles(root, { 'b/2.txt': '', 'a.txt': '', '.hidden/c.txt': '' });
    mkdirSync(join(root, 'empty'));
    assert.deepEqual(await listFiles(root), ['.hidden/c.txt', 'a.txt', 'b/2.txt']);
  });

  const skip = process.platform === 'win32' && 'links need a right of their own on Windows';
  test(
    'are those behind links too, each once, by their real path where they have one',
    { skip },
    async (t) => {
      const [root, other] = [temporaryFolder(t), temporaryFolder(t)];
      writeFiles(root, { 'real/1.txt': '' });
      writeFiles(other, { '2.txt': '', '3.txt': '' });
      symlinkSync(join(other, '3.txt'), join(root, 'linked.txt'));
      symlinkSync(other, join(root, 'below'));
      symlinkSync(join(root, 'real'), join(root, 'again'));
      symlinkSync(root, join(root, 'round'));
      symlinkSync(join(root, 'nothing'), join(root, 'dangling.txt'));
      assert.deepEqual(await listFiles(root), ['below/2.txt', 'below/3.txt', 'linked.txt', 'real/1.txt']);
    },
  );

  test('of what is no folder are an error of the system', async (t) => {
    const root = temporaryFolder(t);
    writeFiles(root, { 'a.txt': '' });
    await assert.rejects(listFiles(join(root, 'a.txt')), { code: 'ENOTDIR' });
    await assert.rejects(listFiles(join(root, 'b')), { code: 'ENOENT' });
  });
});
