import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { writeFiles } from '../../support/files.ts';
import { testApp } from '../../support/test-app.ts';
import { appError } from '../app-error.ts';

suite('addFolder', () => {
  test('scans a folder into the library without a run, and tells how far it is', async (t) => {
    const { app, engine, events, folder } = testApp(t, 3);
    const scan = await app.addFolder({ path: `${folder}/` });
    const listing = { id: 1, path: folder, name: basename(folder) };
    const counts = { images: 3, labelled: 0, blank: 0, verified: 0, missing: false };
    assert.deepEqual(scan, {
      folder: { ...listing, ...counts },
      added: 3,
      changed: 0,
      vanished: 0,
      notices: [],
    });
    assert.deepEqual(await app.listFolders({}), [scan.folder]);
    assert.deepEqual(events.at(-1), { type: 'scanning', path: folder, files: 3 });
    assert.deepEqual([engine.batches, await app.listRuns({})], [[], []]);
  });

  test('again is a rescan: it counts what is new, changed and gone, and what came back', async (t) => {
    const { app, folder } = testApp(t, 5);
    await app.addFolder({ path: folder });
    writeFileSync(join(folder, '001.jpg'), 'other content');
    rmSync(join(folder, '002.jpg'));
    renameSync(join(folder, '003.jpg'), join(folder, 'new.jpg'));
    const { folder: listing, ...news } = await app.addFolder({ path: folder });
    assert.deepEqual([listing.images, news], [4, { added: 1, changed: 1, vanished: 2, notices: [] }]);
    writeFileSync(join(folder, '002.jpg'), 'again');
    const { folder: after, ...nextNews } = await app.rescanFolder({ folderId: 1 });
    assert.deepEqual([after.images, nextNews], [5, { added: 1, changed: 0, vanished: 0, notices: [] }]);
  });

  test('refuses a part of a folder that is there, and says what a whole has twice', async (t) => {
    const { app, folder } = testApp(t);
    writeFiles(folder, { 'a/1.jpg': 'x', 'a/b/2.jpg': 'x' });
    const [inner, innermost] = [join(folder, 'a'), join(folder, 'a/b')];
    await app.addFolder({ path: inner });
    await assert.rejects(
      app.addFolder({ path: innermost }),
      appError('BAD_ARGUMENT', /is in the library already, as a part of .*pictures\/a$/),
    );
    const { notices } = await app.addFolder({ path: folder });
    assert.equal(notices.length, 1);
    assert.match(notices[0] ?? '', /pictures\/a is in the library by itself too/);
    assert.deepEqual((await app.addFolder({ path: folder })).notices, []);
    assert.equal((await app.listFolders({})).length, 2);
  });

  test('refuses what is no folder', async (t) => {
    const { app, folder } = testApp(t, 1);
    await assert.rejects(
      app.addFolder({ path: join(folder, 'no') }),
      appError('NOT_FOUND', /^There is no folder/),
    );
    await assert.rejects(
      app.addFolder({ path: join(folder, '000.jpg') }),
      appError('BAD_ARGUMENT', /^Expected a folder/),
    );
    await assert.rejects(app.addFolder({ path: '' }), appError('BAD_ARGUMENT', /^A path must not be empty/));
    assert.deepEqual(await app.listFolders({}), []);
  });
});

suite('listFolders', () => {
  test('counts what was labelled and verified, and marks what is missing', async (t) => {
    const { app, folder } = testApp(t, 3);
    writeFiles(folder, { 'bad.jpg': 'x' });
    const other = join(dirname(folder), 'other');
    mkdirSync(other);
    await app.addFolder({ path: other });
    const run = await app.run({ folders: [folder] });
    const { imageIds } = await app.findImages({ runId: run.id, filter: {}, sort: 'path' });
    await app.review({ runId: run.id, imageIds: [...imageIds.slice(0, 2)], verdict: { kind: 'accept' } });
    rmSync(other, { recursive: true });
    const counts = (await app.listFolders({})).map((listing) => [
      listing.name,
      listing.images,
      listing.labelled,
      listing.verified,
      listing.missing,
    ]);
    assert.deepEqual(counts, [
      ['other', 0, 0, 0, true],
      ['pictures', 4, 3, 2, false],
    ]);
    await assert.rejects(app.rescanFolder({ folderId: 1 }), appError('NOT_FOUND', /other is not there now$/));
    await assert.rejects(app.rescanFolder({ folderId: 9 }), appError('NOT_FOUND', /^There is no folder 9/));
  });

  test('leaves out files that are gone, labelled or not', async (t) => {
    const { app, folder } = testApp(t, 3);
    await app.run({ folders: [folder] });
    rmSync(join(folder, '000.jpg'));
    await app.rescanFolder({ folderId: 1 });
    const [listing] = await app.listFolders({});
    assert.deepEqual([listing?.images, listing?.labelled], [2, 2]);
  });
});

suite('removeFolder', () => {
  test('forgets images, results, reviews and runs, and no file', async (t) => {
    const { app, folder } = testApp(t, 2);
    const other = join(dirname(folder), 'other');
    writeFiles(other, { '5.jpg': 'x' });
    const alone = await app.run({ folders: [folder] });
    const both = await app.run({ folders: [folder, other] });
    const { imageIds } = await app.findImages({ runId: both.id, filter: {}, sort: 'path' });
    await app.review({ runId: both.id, imageIds: [...imageIds], verdict: { kind: 'label', label: 'cat' } });
    const { id } = (await app.listFolders({})).find(({ path }) => path === folder) ?? { id: 0 };
    await app.removeFolder({ folderId: id });
    assert.deepEqual(readdirSync(folder).length, 2);
    assert.deepEqual(
      (await app.listFolders({})).map(({ path }) => path),
      [other],
    );
    assert.deepEqual(
      (await app.listRuns({})).map((run) => run.id),
      [both.id],
    );
    await assert.rejects(app.showRun({ runId: alone.id }), { code: 'NOT_FOUND' });
    assert.equal((await app.findImages({ runId: both.id, filter: {}, sort: 'path' })).imageIds.length, 1);

    await app.addFolder({ path: folder }); // its images may get the numbers of those that are gone
    const undone = await app.undoReview({});
    assert.equal(undone?.imageIds.length, 1);
    const folders = await app.listFolders({});
    assert.deepEqual(
      folders.map(({ verified }) => verified),
      [0, 0],
    );
    await app.redoReview({});
    assert.deepEqual(
      (await app.listFolders({})).map(({ verified }) => verified),
      [1, 0],
    );
  });

  test('is refused while a run is at work on it or elsewhere, and for what is not there', async (t) => {
    const { app, engine, folder, libraryPath } = testApp(t, 2);
    const refused: unknown[] = [];
    engine.beforeAnswer = async () => {
      for (const onlyCheck of [true, false])
        await app
          .removeFolder({ folderId: 1, onlyCheck })
          .catch((error: unknown) => void refused.push(error));
    };
    await app.run({ folders: [folder] });
    assert.equal(refused.length, 2);
    for (const error of refused)
      assert.match(String(error), /pictures cannot be removed while run 1 is at work on it/);
    assert.equal((await app.listFolders({})).length, 1);
    const other = Library.open(libraryPath);
    const lock = other.acquireWriter();
    await assert.rejects(app.removeFolder({ folderId: 1 }), appError('LIBRARY', /cannot be removed while/));
    lock.release();
    other.close();
    await app.removeFolder({ folderId: 1, onlyCheck: true });
    assert.equal((await app.listFolders({})).length, 1);
    await app.removeFolder({ folderId: 1 });
    await assert.rejects(app.removeFolder({ folderId: 1 }), appError('NOT_FOUND', /^There is no folder 1/));
  });

  test('goes on beside a run on other folders, which loses nothing', async (t) => {
    const { app, engine, folder } = testApp(t, 5);
    const other = join(dirname(folder), 'other');
    writeFiles(other, { '5.jpg': 'x' });
    await app.run({ folders: [other] });
    const otherId = (await app.listFolders({})).find(({ path }) => path === other)?.id ?? 0;
    engine.beforeAnswer = async () => {
      engine.beforeAnswer = () => undefined;
      await app.removeFolder({ folderId: otherId });
    };
    const run = await app.run({ folders: [folder], batch: 1 });
    assert.deepEqual([run.state, run.counts], ['done', { total: 5, pending: 0, ok: 5, failed: 0 }]);
    assert.deepEqual(
      (await app.listFolders({})).map(({ path, labelled }) => [path, labelled]),
      [[folder, 5]],
    );
    assert.deepEqual(
      (await app.listRuns({})).map(({ id }) => id),
      [run.id],
    );
  });
});

suite('browse', () => {
  test('shows sub-folders in order, without hidden ones, and counts images', async (t) => {
    const { app, folder } = testApp(t, 2);
    const files = { 'b10/x.jpg': 'x', 'b9/x.jpg': 'x', '.hidden/x.jpg': 'x', '__MACOSX/x.jpg': 'x' };
    writeFiles(folder, { ...files, 'note.txt': 'x', '.x.jpg': 'x' });
    symlinkSync(join(folder, 'b9'), join(folder, 'link'));
    symlinkSync(join(folder, 'nowhere'), join(folder, 'lost.jpg'));
    const contents = await app.browse({ path: folder });
    const folders = ['b9', 'b10', 'link'].map((name) => ({ name, path: join(folder, name) }));
    assert.deepEqual(contents, { path: folder, parent: dirname(folder), folders, images: 2 });
    assert.deepEqual(await app.listFolders({}), []);
  });

  test('starts in the home folder and ends at the root', async (t) => {
    const { app } = testApp(t);
    assert.equal((await app.browse({})).path, homedir());
    assert.equal((await app.browse({ path: '/' })).parent, undefined);
  });

  test('refuses what is no folder', async (t) => {
    const { app, folder } = testApp(t, 1);
    await assert.rejects(
      app.browse({ path: join(folder, 'no') }),
      appError('NOT_FOUND', /^There is no folder/),
    );
    await assert.rejects(
      app.browse({ path: join(folder, '000.jpg') }),
      appError('BAD_ARGUMENT', /^Expected a folder/),
    );
  });
});
