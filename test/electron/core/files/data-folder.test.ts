import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { session } from '../../support/test-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const skip = process.platform === 'win32' && 'has no modes of files';

function modeOf(path: string): string {
  return (statSync(path).mode & 0o7777).toString(8);
}

suite('what an earlier version let others read', { skip }, () => {
  test('is for its owner alone once a library is opened', async (t) => {
    const data = join(temporaryFolder(t), 'data');
    const libraryPath = join(data, 'library.db');
    const first = session(t, libraryPath);
    await first.app.addFolder({ path: temporaryFolder(t) });
    const { path: backup } = await first.app.backUpLibrary({});
    await first.app.close();
    const folders = [data, join(data, 'backups'), join(data, 'thumbnails'), join(data, 'models')];
    for (const folder of folders) {
      mkdirSync(folder, { recursive: true });
      chmodSync(folder, 0o755);
    }
    writeFileSync(`${libraryPath}-journal`, '');
    for (const file of [libraryPath, `${libraryPath}-journal`, backup]) chmodSync(file, 0o644);
    const { app } = session(t, libraryPath);
    await app.addFolder({ path: temporaryFolder(t) });
    for (const file of [libraryPath, `${libraryPath}-wal`, `${libraryPath}-shm`, backup])
      assert.equal(modeOf(file), '600', file);
    for (const folder of folders) assert.equal(modeOf(folder), '700', folder);
  });

  test('stays as it is in a folder that Winnow was only told of: there the library alone is closed', async (t) => {
    const folder = temporaryFolder(t);
    chmodSync(folder, 0o755);
    const data = join(temporaryFolder(t), 'data');
    const libraryPath = join(folder, 'mine.db');
    const first = session(t, libraryPath, { data });
    await first.app.listRuns({});
    await first.app.close();
    mkdirSync(join(folder, 'models'));
    chmodSync(join(folder, 'models'), 0o755);
    writeFileSync(join(folder, 'other.txt'), '');
    chmodSync(join(folder, 'other.txt'), 0o644);
    chmodSync(libraryPath, 0o664);
    await session(t, libraryPath, { data }).app.listRuns({});
    assert.equal(modeOf(libraryPath), '600');
    assert.equal(modeOf(join(folder, 'other.txt')), '644');
    assert.deepEqual([modeOf(dirname(libraryPath)), modeOf(join(folder, 'models'))], ['755', '755']);
  });

  test('stays as it is where a folder is shared on purpose', async (t) => {
    const data = temporaryFolder(t);
    chmodSync(data, 0o2770); // of a group
    await session(t, join(data, 'library.db')).app.listRuns({});
    assert.equal(modeOf(data), '2770');
  });
});
