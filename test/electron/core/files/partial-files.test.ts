import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { once } from 'node:events';
import { suite, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { isAbandoned, partialPath, removeAbandoned } from '../../../../electron/core/files/partial-files.ts';
import { abandonedPath } from '../../support/abandoned-path.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const source = fileURLToPath(new URL('../../../../electron/core/files/partial-files.ts', import.meta.url));
const code = `import { partialPath } from ${JSON.stringify(source)}; console.log(partialPath(process.argv[1]))`;

suite('partial files', () => {
  test('of dead processes are removed, those of living ones stay', async (t) => {
    const folder = temporaryFolder(t);
    const args = ['--input-type=module', '-e', `${code}; setInterval(() => 0, 1000)`, folder];
    const living = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    t.after(() => living.kill('SIGKILL'));
    const [printed] = (await once(living.stdout, 'data')) as [Buffer];
    const other = printed.toString().trim();
    const dead = spawnSync(process.execPath, ['--input-type=module', '-e', code, folder])
      .stdout.toString()
      .trim();
    const own = partialPath(folder);
    for (const path of [other, dead, own, `${dead}-journal`, join(folder, 'mine.partial')])
      writeFileSync(path, 'x');
    const folderOfDead = dead.replace(/\.1\.partial$/, '.2.partial');
    mkdirSync(folderOfDead);
    writeFileSync(join(folderOfDead, 'a file'), '');
    await removeAbandoned(folder);
    assert.deepEqual(readdirSync(folder).sort(), [basename(other), basename(own), 'mine.partial'].sort());
    living.kill('SIGKILL');
    await once(living, 'exit');
    await removeAbandoned(folder);
    assert.ok(!existsSync(other) && existsSync(own));
  });

  test(
    'of a process whose number another has by now are removed',
    { skip: process.platform !== 'linux' },
    () => {
      const own = basename(partialPath('/'));
      assert.equal(isAbandoned(own), false);
      assert.equal(isAbandoned(own.replace(/\.\d+(\.\d+\.partial)$/, '.1$1')), true);
    },
  );

  test('of a process of another user stay: that it may not be asked says that it lives', (t) => {
    const own = basename(partialPath('/'));
    const refuse = (code: string) => () => {
      throw Object.assign(new Error(`kill ${code}`), { code });
    };
    const kill = t.mock.method(process, 'kill', refuse('EPERM'));
    assert.equal(isAbandoned(own), false);
    kill.mock.mockImplementation(refuse('ESRCH'));
    assert.equal(isAbandoned(own), true);
  });

  test('of another computer stay, for it may be at work', () => {
    const gone = basename(abandonedPath('/'));
    const [, host = ''] = /^\.winnow\.([0-9a-f]+)\./.exec(gone) ?? [];
    assert.equal(isAbandoned(gone), true);
    assert.equal(isAbandoned(gone.replace(host, '00000000')), false);
  });
});
