import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { backupFolder, backupPath } from '../../../../electron/core/store/tables/backups.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import { abandonedPath } from '../../support/abandoned-path.ts';
import { testApp, session } from '../../support/test-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const onWindows = process.platform === 'win32' && 'has neither modes of files nor pipes';

/** Copies a library that is open, with its log, as `cp library.db* somewhere` does. */
function copyWithLog(libraryPath: string, copy: string): void {
  for (const ending of ['', '-wal']) copyFileSync(libraryPath + ending, copy + ending);
}

/** A run that is done, in a library that is open; and the folder of both. */
async function done(t: TestContext, images: number) {
  const place = testApp(t, images);
  await place.app.run({ folders: [place.folder] });
  return { ...place, root: dirname(place.libraryPath) };
}

function mode(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

suite('a restored library', () => {
  test('holds what the log of the copy holds', async (t) => {
    const { root, libraryPath } = await done(t, 40);
    const copy = join(root, 'copy.db');
    copyWithLog(libraryPath, copy);
    assert.ok(statSync(`${copy}-wal`).size > 0);
    const target = join(temporaryFolder(t), 'library.db');
    const { app } = session(t, target);
    const info = await app.restoreLibrary({ file: copy });
    assert.deepEqual([info.images, info.runs], [40, 1]);
    assert.equal((await app.showRun({ runId: 1 })).run.counts.ok, 40);
    assert.equal(existsSync(`${copy}-wal`), true); // the copy stays as it is
  });

  test('is not read together with a log that another left', async (t) => {
    const { app, root, libraryPath } = await done(t, 3);
    const { path: backup } = await app.backUpLibrary({});
    copyWithLog(libraryPath, join(root, 'copy.db'));
    const target = join(temporaryFolder(t), 'library.db');
    copyFileSync(join(root, 'copy.db-wal'), `${target}-wal`); // of a library that is gone
    const { app: other } = session(t, target);
    assert.equal((await other.restoreLibrary({ file: backup })).images, 3);
    assert.equal((await other.showRun({ runId: 1 })).run.counts.ok, 3);
    const aside = readdirSync(backupFolder(target));
    assert.equal(aside.filter((name) => /^library\.replaced\..*\.db-wal$/.test(name)).length, 1);
  });

  test('leaves no journal that a killed process had left beside the one that it replaced', async (t) => {
    const { app, libraryPath } = await done(t, 3);
    const { path: backup } = await app.backUpLibrary({});
    await app.close();
    writeFileSync(`${libraryPath}-journal`, ''); // begun, and nothing written to it
    const { app: next } = session(t, libraryPath);
    await next.restoreLibrary({ file: backup });
    const names = readdirSync(backupFolder(libraryPath)).filter((name) => name.includes('.replaced.'));
    assert.equal(names.length, 1);
    assert.match(names[0] ?? '', /\.db$/);
    assert.equal((await next.showRun({ runId: 1 })).run.counts.ok, 3);
  });

  test('sets the log of an emptied one aside with it', async (t) => {
    const { app, root, libraryPath } = await done(t, 3);
    const { path: backup } = await app.backUpLibrary({});
    copyWithLog(libraryPath, join(root, 'copy.db'));
    const target = join(temporaryFolder(t), 'library.db');
    writeFileSync(target, '');
    copyFileSync(join(root, 'copy.db-wal'), `${target}-wal`);
    const { app: other } = session(t, target);
    await other.restoreLibrary({ file: backup });
    const aside = readdirSync(backupFolder(target)).filter((name) => name.endsWith('.db-wal'));
    assert.equal(aside.length, 1);
  });

  test('is refused from what is empty, foreign or no file, and stays as it is', async (t) => {
    const { app, root, libraryPath } = await done(t, 2);
    const place = (name: string) => join(root, name);
    writeFileSync(place('empty.db'), '');
    new Database(place('new.db')).exec('PRAGMA user_version = 1').close();
    mkdirSync(place('folder.db'));
    linkSync(libraryPath, place('same.db'));
    const cases: [string, string, RegExp][] = [
      ['empty.db', 'LIBRARY', /is empty, not a Winnow library/],
      ['new.db', 'LIBRARY', /is empty, not a Winnow library/],
      ['folder.db', 'BAD_ARGUMENT', /^Expected a backup, but .* is a folder$/],
      ['same.db', 'BAD_ARGUMENT', /is the library itself/],
    ];
    if (process.platform !== 'win32') {
      execFileSync('mkfifo', [place('pipe.db')]);
      cases.push(['pipe.db', 'BAD_ARGUMENT', /^Expected a backup, but .* is a pipe or device$/]);
    }
    for (const [name, code, message] of cases)
      await assert.rejects(app.restoreLibrary({ file: place(name) }), { code, message });
    assert.equal((await app.libraryInfo({})).images, 2);
    assert.deepEqual(
      readdirSync(root).filter((name) => name.endsWith('.partial')),
      [],
    );
  });

  test('and its folder and backups are for their owner alone', { skip: onWindows }, async (t) => {
    const libraryPath = join(temporaryFolder(t), 'new/folder/library.db');
    const { app } = session(t, libraryPath);
    await app.listRuns({});
    assert.equal(mode(libraryPath), '600');
    await app.addFolder({ path: temporaryFolder(t) });
    assert.equal(mode(`${libraryPath}-wal`), '600');
    const { path: backup } = await app.backUpLibrary({});
    await app.restoreLibrary({ file: backup });
    assert.deepEqual([mode(libraryPath), mode(backup)], ['600', '600']);
    for (const folder of [dirname(libraryPath), dirname(dirname(libraryPath)), backupFolder(libraryPath)])
      assert.equal(mode(folder), '700');
  });

  test('is there at every moment: one that was cut off is the library that was', async (t) => {
    const { app, root, libraryPath } = await done(t, 2);
    const { path: backup } = await app.backUpLibrary({});
    await app.close();
    // As a restore leaves it that is killed just before its rename.
    const half = backupPath(libraryPath, 'replaced', 0);
    linkSync(libraryPath, half);
    const left = abandonedPath(root);
    for (const ending of ['', '-journal']) writeFileSync(left + ending, 'half');
    const { app: next } = session(t, libraryPath);
    const info = await next.libraryInfo({});
    assert.deepEqual([info.images, info.backups.map(({ path }) => path)], [2, [backup]]);
    await next.restoreLibrary({ file: backup });
    assert.ok(!existsSync(half) && !existsSync(left) && !existsSync(`${left}-journal`));
    assert.equal((await next.libraryInfo({})).images, 2);
  });

  test('is refused when another process has the library open, and a later one is not', async (t) => {
    const { app, libraryPath } = await done(t, 1);
    const { path: backup } = await app.backUpLibrary({});
    const other = Library.open(libraryPath);
    await assert.rejects(app.restoreLibrary({ file: backup }), { message: /is in use elsewhere$/ });
    other.close();
    assert.equal((await app.restoreLibrary({ file: backup })).runs, 1);
  });
});

suite('a library that is lost', () => {
  test('is not replaced by a new one while there are backups of it', async (t) => {
    const { app, libraryPath } = await done(t, 2);
    const { path: backup } = await app.backUpLibrary({});
    await app.close();
    for (const isEmpty of [false, true]) {
      if (isEmpty) writeFileSync(libraryPath, '');
      else rmSync(libraryPath);
      const { app: next } = session(t, libraryPath);
      await assert.rejects(next.listRuns({}), (error: { code: string; message: string; hint: string }) => {
        assert.equal(error.code, 'LIBRARY');
        assert.equal(error.message, `The library ${libraryPath} is not there, although backups of it are`);
        assert.ok(error.hint.includes(`winnow library restore "${backup}"`), error.hint);
        assert.ok(error.hint.includes(`move its backups in ${backupFolder(libraryPath)} away`), error.hint);
        return true;
      });
      const info = await next.libraryInfo({});
      assert.match(info.problem ?? '', /is not there, although backups of it are$/);
      assert.equal(statSync(libraryPath, { throwIfNoEntry: false })?.size ?? 0, 0);
      assert.equal((await next.restoreLibrary({ file: backup })).images, 2);
      await next.close();
    }
    rmSync(libraryPath);
    renameSync(backupFolder(libraryPath), join(dirname(libraryPath), 'away'));
    const { app: anew } = session(t, libraryPath);
    assert.deepEqual(await anew.listRuns({}), []);
  });

  test('is not replaced by a new one while its log is there', async (t) => {
    const { root, libraryPath } = await done(t, 2);
    copyWithLog(libraryPath, join(root, 'copy.db'));
    rmSync(join(root, 'copy.db'));
    const { app } = session(t, join(root, 'copy.db'));
    const before = readFileSync(join(root, 'copy.db-wal'));
    await assert.rejects(app.listRuns({}), { message: /is not there, although its log .*copy\.db-wal is$/ });
    assert.deepEqual(readFileSync(join(root, 'copy.db-wal')), before);
    assert.ok(!existsSync(join(root, 'copy.db')));
  });

  test('is told of when its log is missing, and with it what was saved last', async (t) => {
    const { root, libraryPath } = await done(t, 2);
    for (const ending of ['', '-shm']) copyFileSync(libraryPath + ending, join(root, `copy.db${ending}`));
    const { app } = session(t, join(root, 'copy.db'));
    await assert.rejects(app.listRuns({}), { message: /is without its log .*copy\.db-wal, and so without/ });
    truncateSync(join(root, 'copy.db-shm'));
    rmSync(join(root, 'copy.db-shm'));
    await app.listRuns({});
  });
});
