import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import files from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { isThere, placeNew, placeWhole, syncFolder } from '../../../../electron/core/files/place-whole.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const onWindows = process.platform === 'win32';

/** Lets every call of a function fail as a file system may. */
function failing(t: TestContext, name: 'link' | 'open', code: string): void {
  t.mock.method(files, name, () => Promise.reject(Object.assign(new Error(`${code}: refused`), { code })));
  syncBuiltinESMExports();
}

function healed(t: TestContext): void {
  t.mock.restoreAll();
  syncBuiltinESMExports();
}

/** A complete file that is to get its name. */
function complete(t: TestContext) {
  const folder = temporaryFolder(t);
  const [partial, path] = [join(folder, 'partial'), join(folder, 'new')];
  writeFileSync(partial, 'whole');
  t.after(() => healed(t));
  return { folder, partial, path };
}

suite('a new name for a complete file', () => {
  test('is its only one then', async (t) => {
    const { folder, partial, path } = complete(t);
    await placeNew(partial, path);
    assert.deepEqual([readdirSync(folder), readFileSync(path, 'utf8')], [['new'], 'whole']);
  });

  test('that is taken is left, be it by a link that leads nowhere', async (t) => {
    const { folder, partial, path } = complete(t);
    symlinkSync(join(folder, 'nothing'), path);
    await assert.rejects(placeNew(partial, path), { code: 'EEXIST' });
    assert.deepEqual(readdirSync(folder).sort(), ['new', 'partial']);
  });

  for (const code of ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL', 'EXDEV'])
    test(`is given and refused likewise where there are no hard links (${code})`, async (t) => {
      const { folder, partial, path } = complete(t);
      failing(t, 'link', code);
      await placeNew(partial, path);
      assert.deepEqual([readdirSync(folder), readFileSync(path, 'utf8')], [['new'], 'whole']);
      writeFileSync(partial, 'another');
      await assert.rejects(placeNew(partial, path), {
        code: 'EEXIST',
        message: `EEXIST: file already exists, ${path}`,
      });
      assert.deepEqual([readFileSync(path, 'utf8'), readFileSync(partial, 'utf8')], ['whole', 'another']);
    });

  test('that may not be given is an error, and nothing is renamed', async (t) => {
    const { folder, partial, path } = complete(t);
    failing(t, 'link', 'EACCES');
    await assert.rejects(placeNew(partial, path), { code: 'EACCES' });
    assert.deepEqual(readdirSync(folder), ['partial']);
  });
});

suite('a folder whose names are to last', () => {
  for (const code of ['EINVAL', 'EPERM', 'EACCES', 'EISDIR', 'ENOTSUP', 'EBADF'])
    test(`need not be made sure of where the file system cannot (${code})`, async (t) => {
      const { folder } = complete(t);
      failing(t, 'open', code);
      await syncFolder(folder);
    });

  test('is an error when its drive fails or it is gone', { skip: onWindows }, async (t) => {
    const { folder } = complete(t);
    await assert.rejects(syncFolder(join(folder, 'gone')), { code: 'ENOENT' });
    failing(t, 'open', 'EIO');
    await assert.rejects(syncFolder(folder), { code: 'EIO' });
  });
});

suite('what is written whole', () => {
  test('takes the place of what was there, also as a folder', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'file');
    writeFileSync(path, 'before');
    await placeWhole(path, (partial) => files.writeFile(partial, 'after'));
    assert.equal(readFileSync(path, 'utf8'), 'after');
    await placeWhole(join(folder, 'inner'), async (partial) => {
      mkdirSync(partial);
      await files.writeFile(join(partial, 'a'), 'x');
    });
    assert.deepEqual(readdirSync(folder, { recursive: true }).sort(), ['file', 'inner', join('inner', 'a')]);
  });

  test('leaves what was there and nothing else when it fails', async (t) => {
    const folder = temporaryFolder(t);
    const path = join(folder, 'file');
    writeFileSync(path, 'before');
    const broken = async (partial: string) => {
      mkdirSync(partial);
      await files.writeFile(join(partial, 'a'), 'half');
      throw new RangeError('no more');
    };
    await assert.rejects(placeWhole(path, broken), { name: 'RangeError', message: 'no more' });
    assert.deepEqual([readdirSync(folder), readFileSync(path, 'utf8')], [['file'], 'before']);
    assert.deepEqual([await isThere(path), await isThere(join(folder, 'none'))], [true, false]);
  });
});
