import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Library } from '../../../../electron/core/store/library.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { testApp, session } from '../../support/test-app.ts';

const isRoot = process.getuid?.() === 0;
const NOBODY = 65534;

/**
 * Makes a folder and what is in it unwritable for this process: by permissions, or for root by a read-only mount. Returns
 * what undoes it, or why it cannot be done.
 */
function makeReadOnly(folder: string): (() => void) | string {
  if (process.platform === 'win32') return 'needs permissions of POSIX';
  if (!isRoot) {
    chmodSync(folder, 0o500);
    return () => chmodSync(folder, 0o700);
  }
  if (spawnSync('mount', ['--bind', folder, folder]).status !== 0) return 'root may not mount here';
  execFileSync('mount', ['-o', 'remount,bind,ro', folder]);
  return () => void execFileSync('umount', ['-l', folder]);
}

/** Reads a library as a window does, and tries to change it. */
async function readAndRefuse(t: TestContext, libraryPath: string, folder: string): Promise<void> {
  const root = dirname(libraryPath);
  const before = readdirSync(root);
  const { app: reader } = session(t, libraryPath);
  const info = await reader.libraryInfo({});
  assert.deepEqual([info.images, info.readOnly, info.problem], [3, true, undefined]);
  assert.deepEqual(await reader.libraryState({}), { readOnly: true });
  assert.equal((await reader.showRun({ runId: 1 })).run.counts.ok, 3);
  const { imageIds } = await reader.findImages({
    runId: 1,
    filter: { status: 'verified' },
    sort: 'path',
  });
  assert.deepEqual([...imageIds], [1]);
  const out = join(tmpdir(), `winnow-read-only-${process.pid}.csv`);
  assert.equal((await reader.exportRun({ runId: 1, format: 'csv', out })).rows, 3);
  assert.match(readFileSync(out, 'utf8'), /fox/);
  rmSync(out);
  const refusal = { code: 'LIBRARY', message: `The library ${libraryPath} may only be read` };
  await assert.rejects(reader.run({ folders: [folder] }), refusal);
  await assert.rejects(
    reader.review({ runId: 1, imageIds: [1], verdict: { kind: 'label', label: 'owl' } }),
    refusal,
  );
  await assert.rejects(reader.removeRun({ runId: 1 }), refusal);
  await assert.rejects(reader.backUpLibrary({}), refusal);
  await assert.rejects(reader.rescanFolder({ folderId: 1 }), refusal);
  await reader.close();
  assert.deepEqual(readdirSync(root), before);
  const isCopy = (name: string) => name.includes(`.${process.pid}.`) && name.endsWith('.partial');
  assert.deepEqual(readdirSync(tmpdir()).filter(isCopy), []);
}

suite('a library that may only be read', () => {
  for (const left of ['closed', 'with its log'] as const) {
    test(`is shown and exported, and says so to what would change it (${left})`, async (t) => {
      const { app, folder, libraryPath } = testApp(t, 3);
      await app.run({ folders: [folder] });
      await app.review({ runId: 1, imageIds: [1], verdict: { kind: 'label', label: 'fox' } });
      if (left === 'closed') await app.close();
      const root = dirname(libraryPath);
      const undo = makeReadOnly(root);
      if (typeof undo === 'string') return t.skip(undo);
      try {
        await readAndRefuse(t, libraryPath, folder);
      } finally {
        undo();
      }
    });
  }

  test('is one whose file alone may not be written, also for whom permissions hold', async (t) => {
    if (process.platform === 'win32' || !isRoot) return t.skip('needs to be root, to become another');
    const { app, folder, libraryPath } = testApp(t, 2);
    await app.run({ folders: [folder] });
    await app.close();
    for (let path = dirname(libraryPath); path !== tmpdir() && path !== '/'; path = dirname(path)) {
      chownSync(path, NOBODY, NOBODY);
    }
    chmodSync(libraryPath, 0o444);
    const source = fileURLToPath(new URL('../../../../electron/core/store/library.ts', import.meta.url));
    const code = `
      import { Library } from ${JSON.stringify(source)};
      const library = Library.open(process.argv[1]);
      console.log(library.readOnly, library.summary().images, library.runs.all().length);
      library.close();`;
    const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code, libraryPath], {
      uid: NOBODY,
      gid: NOBODY,
      encoding: 'utf8',
    });
    assert.equal(stdout, 'true 2 1\n', stderr);
    const own = Library.open(libraryPath); // root may
    assert.equal(own.readOnly, false);
    own.close();
  });

  for (const [what, hasFile, message] of [
    ['an empty file', true, /^The library .*new\.db is empty, and it or its folder may not be written$/],
    ['no file', false, /^There is no library .*new\.db, and its folder may not be written$/],
  ] as const)
    test(`is not begun from ${what}, and nothing is left of the attempt`, (t) => {
      const root = temporaryFolder(t);
      const path = join(root, 'new.db');
      if (hasFile) writeFileSync(path, '');
      const undo = makeReadOnly(root);
      if (typeof undo === 'string') return t.skip(undo);
      try {
        assert.throws(() => Library.open(path), { name: 'AppError', code: 'LIBRARY', message });
      } finally {
        undo();
      }
      assert.deepEqual(readdirSync(root), hasFile ? ['new.db'] : []);
    });
});
