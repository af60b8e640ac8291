import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Library } from '../../../electron/core/store/library.ts';
import { abandonedPath } from '../support/abandoned-path.ts';
import { writeFiles } from '../support/files.ts';
import { testApp, session } from '../support/test-app.ts';
import { bundledModels } from '../support/models.ts';

const DAY = 24 * 3600_000;

/** The app on a library, at a time that the test sets. */
function atTime(t: TestContext, libraryPath: string) {
  const clock = { now: Date.parse('2026-03-04T05:06:07.000Z') };
  const notices: string[] = [];
  const start = () => {
    const { app } = session(t, libraryPath, { clock: () => clock.now });
    app.subscribe((event) => {
      if (event.type === 'notice') notices.push(event.message);
    });
    return app;
  };
  return { clock, start, notices };
}

/** Overwrites pages of a library that is closed: early ones keep it from being opened, the last ones do not. */
function damage(libraryPath: string, first = 8): void {
  const bytes = readFileSync(libraryPath);
  const start = 4096 * first + (first < 0 ? bytes.length : 0);
  bytes.fill(0xa5, start, start + 4096 * 4);
  writeFileSync(libraryPath, bytes);
}

function files(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`a picture ${index}.jpg`, '']));
}

suite('the library', () => {
  test('tells what it is', async (t) => {
    const { app, folder, libraryPath } = testApp(t, 3);
    await app.run({ folders: [folder] });
    const info = await app.libraryInfo({});
    assert.deepEqual([info.path, info.folders, info.images, info.runs], [libraryPath, 1, 3, 1]);
    assert.ok(info.bytes > 4096 && info.thumbnails.bytes === 0 && /^\d+\.\d+\.\d+/.test(info.version));
    assert.deepEqual(info.backups, []);
    for (const { folder } of info.samples) assert.ok(readdirSync(folder).length > 0, folder);
    for (const { model } of info.samples) assert.ok(existsSync(join(bundledModels, `${model}.safetensors`)));
    await app.clearThumbnails({});
  });

  test('is backed up while a run is under way, and restored with what it replaced kept', async (t) => {
    const { app, engine, folder, libraryPath } = testApp(t, 4);
    let out = '';
    engine.beforeAnswer = async () => {
      if (out === '') out = (await app.backUpLibrary({})).path;
      await assert.rejects(app.restoreLibrary({ file: out }), {
        code: 'BAD_ARGUMENT',
        message: 'A run is under way',
      });
    };
    await app.run({ folders: [folder], batch: 4 });
    await app.review({ runId: 1, imageIds: [1], verdict: { kind: 'label', label: 'fox' } });
    const { backups } = await app.libraryInfo({});
    assert.ok(backups.some(({ path }) => path === out));
    assert.equal(dirname(out), join(dirname(libraryPath), 'backups'));

    const info = await app.restoreLibrary({ file: out });
    const then = await app.showRun({ runId: 1 });
    assert.deepEqual([then.run.counts.pending, then.run.counts.ok], [4, 0]);
    engine.beforeAnswer = () => undefined;
    assert.equal((await app.resume({ runId: 1 })).state, 'done');

    const replaced = info.backups.find(({ path }) => path.includes('.replaced.'))?.path ?? '';
    await app.restoreLibrary({ file: replaced });
    const [item] = await app.resultItems({ runId: 1, imageIds: [1] });
    assert.deepEqual([item?.label, item?.verified], ['fox', true]);
  });

  test('that is damaged tells so with its backups, and is restored from one', async (t) => {
    const { app, folder, libraryPath } = testApp(t, 2);
    await app.run({ folders: [folder] });
    await app.backUpLibrary({});
    await app.close();
    for (const ending of ['', '-wal', '-shm']) rmSync(libraryPath + ending, { force: true });
    writeFileSync(libraryPath, 'no library '.repeat(100));
    const { app: next } = session(t, libraryPath);
    const info = await next.libraryInfo({});
    assert.match(info.problem ?? '', /is damaged/);
    assert.equal(info.images, 0);
    const restored = await next.restoreLibrary({ file: info.backups[0]?.path ?? '' });
    assert.deepEqual([restored.problem, restored.images], [undefined, 2]);
  });

  test('is backed up to a file that a person names', async (t) => {
    const { app, folder, libraryPath } = testApp(t, 1);
    await app.run({ folders: [folder] });
    const out = join(dirname(libraryPath), 'copy.db');
    assert.equal((await app.backUpLibrary({ out })).path, out);
    await assert.rejects(app.backUpLibrary({ out: libraryPath }), { code: 'BAD_ARGUMENT' });
    await assert.rejects(app.backUpLibrary({ out: join(folder, 'no/such/copy.db') }), {
      code: 'FILE_SYSTEM',
      message: /copy\.db cannot be written: its folder does not exist$/,
    });
    const names = readdirSync(dirname(libraryPath));
    assert.deepEqual(
      names.filter((name) => name.includes('partial')),
      [],
    );
    const copy = Library.open(out);
    assert.equal(copy.runs.all().length, 1);
    copy.close();
  });

  test('is not replaced by what is no sound backup', async (t) => {
    const { app, folder, libraryPath } = testApp(t);
    writeFiles(folder, files(800));
    await app.run({ folders: [folder] });
    const root = dirname(libraryPath);
    const { path } = await app.backUpLibrary({});
    const place = (name: string) => join(root, name);
    writeFileSync(place('text.db'), 'no database '.repeat(1000));
    copyFileSync(path, place('damaged.db'));
    damage(place('damaged.db'));
    copyFileSync(path, place('newer.db'));
    const newer = new Database(place('newer.db'));
    newer.pragma('user_version = 99');
    newer.close();
    const other = new Database(place('other.db'));
    other.exec('CREATE TABLE theirs (x)');
    other.close();
    const cases: [string, string, RegExp][] = [
      ['nowhere.db', 'NOT_FOUND', /^There is no backup/],
      ['text.db', 'LIBRARY', /is not a Winnow library or is damaged/],
      ['damaged.db', 'LIBRARY', /is damaged/],
      ['newer.db', 'LIBRARY', /has version 99/],
      ['other.db', 'LIBRARY', /of another program/],
    ];
    for (const [name, code, message] of cases)
      await assert.rejects(app.restoreLibrary({ file: place(name) }), { code, message });
    assert.equal((await app.listRuns({})).length, 1);
    assert.equal((await app.libraryInfo({})).backups.length, 1);
  });

  test('that another Winnow has open is not replaced', async (t) => {
    const { app, folder, libraryPath } = testApp(t, 1);
    await app.run({ folders: [folder] });
    const { path } = await app.backUpLibrary({});
    const other = Library.open(libraryPath);
    other.runs.all();
    await assert.rejects(app.restoreLibrary({ file: path }), {
      code: 'LIBRARY',
      message: `The library ${libraryPath} is in use elsewhere`,
    });
    other.close();
    assert.equal((await app.restoreLibrary({ file: path })).runs, 1);
  });

  test('that is damaged names its last backup, which can be restored', async (t) => {
    const { app, folder, libraryPath } = testApp(t);
    writeFiles(folder, files(800));
    await app.run({ folders: [folder] });
    const { path } = await app.backUpLibrary({});
    await app.close();
    damage(libraryPath);
    writeFileSync(`${libraryPath}-wal`, 'left by an unclean end'); // so it is checked at the start
    const next = session(t, libraryPath);
    await assert.rejects(next.app.listRuns({}), (error: { code: string; message: string; hint: string }) => {
      assert.equal(error.code, 'LIBRARY');
      assert.match(error.message, /^The library .* is damaged/);
      assert.ok(error.hint.includes(`winnow library restore "${path}"`), error.hint);
      return true;
    });
    const restored = await next.app.restoreLibrary({ file: path });
    assert.equal(restored.images, 800);
    assert.ok(restored.backups.some((backup) => backup.path.includes('.replaced.')));
  });

  test('that is damaged and has no backup says so', async (t) => {
    const { app, libraryPath } = testApp(t);
    writeFileSync(libraryPath, 'no database '.repeat(1000));
    await assert.rejects(app.listRuns({}), {
      message: /is not a Winnow library or is damaged/,
      hint: 'There is no backup of it; name another file with --library.',
    });
  });
});

suite('the daily backup', () => {
  test('is made before the first change of a day, and the last three are kept', async (t) => {
    const { folder, libraryPath } = testApp(t, 2);
    const { clock, start, notices } = atTime(t, libraryPath);
    const days: string[] = [];
    const abandoned = abandonedPath(join(dirname(libraryPath), 'backups'));
    writeFiles(dirname(abandoned), { [basename(abandoned)]: 'half of one' });
    for (let day = 0; day < 6; day++, clock.now += DAY) {
      const app = start();
      await app.listRuns({}); // changes nothing
      await app.run({ folders: [folder] });
      await app.run({ folders: [folder] });
      await app.close();
      days.push(new Date(clock.now).toISOString());
    }
    const app = start();
    const { backups } = await app.libraryInfo({});
    assert.deepEqual(
      backups.map(({ createdAt }) => createdAt),
      days.slice(-3).reverse(),
    );
    assert.deepEqual([notices, existsSync(abandoned)], [[], false]);
  });

  test('that was cut off when it had its name leaves no second one, though none is due any more', async (t) => {
    const { folder, libraryPath } = testApp(t, 2);
    const { start } = atTime(t, libraryPath);
    const before = start();
    await before.run({ folders: [folder] });
    await before.run({ folders: [folder] });
    await before.close();
    const second = abandonedPath(join(dirname(libraryPath), 'backups'));
    writeFiles(dirname(second), { [basename(second)]: 'linked to the backup' });
    const beside = abandonedPath(dirname(libraryPath)); // such as what labels are read into
    writeFiles(join(beside, 'labels.db'), { page: 'much' });
    const app = start();
    await app.run({ folders: [folder] });
    await app.close();
    assert.equal(readdirSync(dirname(second)).filter((name) => name.endsWith('.partial')).length, 0);
    assert.equal(readdirSync(dirname(second)).length, 1);
    assert.equal(existsSync(beside), false);
  });

  test('holds what was there before, and a person can go back to it', async (t) => {
    const { folder, libraryPath } = testApp(t, 2);
    const { clock, start } = atTime(t, libraryPath);
    const app = start();
    await app.run({ folders: [folder] });
    clock.now += DAY;
    await app.review({ runId: 1, imageIds: [1], verdict: { kind: 'label', label: 'fox' } });
    await app.close();
    const next = start();
    const [backup] = (await next.libraryInfo({})).backups;
    await next.restoreLibrary({ file: backup?.path ?? '' });
    assert.equal((await next.showRun({ runId: 1 })).run.counts.ok, 2);
  });

  test('that cannot be made is told once a day and stops nothing', async (t) => {
    const { folder, libraryPath } = testApp(t, 2);
    const { clock, start, notices } = atTime(t, libraryPath);
    const app = start();
    await app.run({ folders: [folder] });
    writeFileSync(join(dirname(libraryPath), 'backups'), 'in the way');
    clock.now += DAY;
    await app.run({ folders: [folder] });
    await app.run({ folders: [folder] });
    await app.close();
    assert.equal(notices.length, 1);
    assert.match(notices[0] ?? '', /^The library was not backed up today\. The file .* cannot be written/);
  });

  test('of a damaged library takes no good one away', async (t) => {
    const { folder, libraryPath } = testApp(t);
    writeFiles(folder, files(800));
    const { clock, start, notices } = atTime(t, libraryPath);
    for (let day = 0; day < 5; day++, clock.now += DAY) {
      const app = start();
      await app.run({ folders: [folder] });
      await app.close();
    }
    const folderOfBackups = join(dirname(libraryPath), 'backups');
    const before = readdirSync(folderOfBackups);
    damage(libraryPath, -8);
    const app = start();
    await app.undoReview({}); // needs none of the damaged pages
    await app.close();
    assert.deepEqual(readdirSync(folderOfBackups), before);
    assert.match(
      notices[0] ?? '',
      /^The library was not backed up today\. The library .* is damaged .* Its last backup is of/,
    );
  });
});
