import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { AppError } from '../../../electron/shared/errors.ts';
import { takeExclusiveLock } from '../../../electron/core/store/exclusive-lock.ts';
import { folderNameOf } from '../../../electron/core/files/folder-name.ts';
import { writeFiles } from '../support/files.ts';
import { foundRun } from '../support/found-run.ts';
import { testApp } from '../support/test-app.ts';
import type { Session } from '../support/test-app.ts';

/** A run, done, on these files, and a place to sort them to. */
async function sorted(
  t: TestContext,
  files: Record<string, string>,
): Promise<Session & { folder: string; to: string }> {
  const place = testApp(t);
  writeFiles(place.folder, files);
  await place.app.run({ folders: [place.folder] });
  return { ...place, to: join(dirname(place.folder), 'sorted') };
}

/** Relative paths of all files below a folder with their content, in order. */
function contents(folder: string): Record<string, string> {
  if (!existsSync(folder)) return {};
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();
  const files = names.filter((name) => statSync(join(folder, name)).isFile());
  return Object.fromEntries(files.map((name) => [name, readFileSync(join(folder, name), 'utf8')]));
}

const files = { '1.jpg': 'one', 'a/1.jpg': 'other', 'a/11.jpg': 'eleven', '2.jpg': 'two', 'bad.jpg': 'bad' };

suite('sorting images into folders', () => {
  test('is planned without touching anything', async (t) => {
    const { app, folder, to } = await sorted(t, files);
    rmSync(join(folder, '2.jpg'));
    const { freeBytes, ...plan } = await app.planTransfer({ runId: 1, to, mode: 'move' });
    assert.deepEqual(plan, {
      files: 3,
      bytes: 14,
      renamed: 1,
      withoutLabel: 1,
      inPlace: 0,
      missing: 1,
      labels: [{ label: 'automobile', folder: 'automobile', files: 3 }],
    });
    assert.ok(freeBytes !== undefined && freeBytes > 0);
    assert.equal(existsSync(to), false);
    assert.deepEqual(await app.listTransfers({}), []);
  });

  test('by copying keeps the images, renames where a name is taken, and is undone', async (t) => {
    const { app, folder, to, events } = await sorted(t, files);
    writeFiles(to, { 'automobile/1.JPG': 'was there before', 'bird/keep.txt': 'mine' });
    const before = contents(folder);
    utimesSync(join(folder, '2.jpg'), 1000, 1000);
    const summary = await app.transferFiles({ runId: 1, to, mode: 'copy' });
    assert.deepEqual([summary.files, summary.failures, summary.undone], [4, [], false]);
    assert.deepEqual(contents(folder), before);
    assert.deepEqual(contents(to), {
      'automobile/1 (2).jpg': 'one',
      'automobile/1 (3).jpg': 'other',
      'automobile/1.JPG': 'was there before',
      'automobile/11.jpg': 'eleven',
      'bird/2.jpg': 'two',
      'bird/keep.txt': 'mine',
    });
    assert.equal(statSync(join(to, 'bird/2.jpg')).mtimeMs, 1_000_000);
    assert.deepEqual(events.at(-1), { type: 'exporting', done: 5, total: 5 });
    const [listed] = await app.listTransfers({});
    assert.deepEqual(listed, summary);
    writeFileSync(join(to, 'automobile/11.jpg'), 'changed by a person');
    rmSync(join(to, 'bird/2.jpg'));
    const undone = await app.undoTransfer({ transferId: summary.transferId });
    assert.deepEqual(
      [undone.files, undone.undone, undone.failures],
      [2, false, [{ path: join(to, 'automobile/11.jpg'), error: 'the copy was changed, so it stays' }]],
    );
    assert.deepEqual(Object.keys(contents(to)), ['automobile/1.JPG', 'automobile/11.jpg', 'bird/keep.txt']);
    assert.equal((await app.listTransfers({}))[0]?.files, 1);
  });

  test('by moving takes the images away, and undoing brings them and their reviews back', async (t) => {
    const { app, folder, to } = await sorted(t, files);
    const before = contents(folder);
    const { imageIds } = await app.findImages({ runId: 1, filter: { text: '2.jpg' }, sort: 'path' });
    await app.review({ runId: 1, imageIds: [...imageIds], verdict: { kind: 'label', label: 'Fox: red?' } });
    const { transferId, files: moved } = await app.transferFiles({ runId: 1, to, mode: 'move' });
    assert.equal(moved, 4);
    assert.deepEqual(contents(folder), { 'bad.jpg': 'bad' });
    assert.deepEqual(contents(to), {
      'Fox_ red_/2.jpg': 'two',
      'automobile/1 (2).jpg': 'other',
      'automobile/1.jpg': 'one',
      'automobile/11.jpg': 'eleven',
    });
    assert.equal((await app.run({ folders: [folder] })).counts.total, 1); // the others have vanished
    const undone = await app.undoTransfer({ transferId });
    assert.deepEqual([undone.files, undone.failures, undone.undone], [4, [], true]);
    assert.deepEqual([contents(folder), existsSync(to)], [before, false]);
    assert.deepEqual(await app.listTransfers({}), []);
    await assert.rejects(app.undoTransfer({ transferId }), { code: 'NOT_FOUND' });
    await app.run({ folders: [folder] });
    const [item] = await app.resultItems({ runId: 1, imageIds: [...imageIds] });
    assert.deepEqual([item?.label, item?.verified], ['Fox: red?', true]);
  });

  test('undone never overwrites a file that has taken the old place', async (t) => {
    const { app, folder, to } = await sorted(t, { '1.jpg': 'one', '2.jpg': 'two' });
    const { transferId } = await app.transferFiles({ runId: 1, to, mode: 'move' });
    writeFiles(folder, { '1.jpg': 'a new one' });
    const undone = await app.undoTransfer({ transferId });
    const error = `another file is at ${join(folder, '1.jpg')}`;
    assert.deepEqual(
      [undone.files, undone.undone, undone.failures],
      [1, false, [{ path: join(to, 'automobile/1.jpg'), error }]],
    );
    assert.deepEqual(contents(folder), { '1.jpg': 'a new one', '2.jpg': 'two' });
    rmSync(join(folder, '1.jpg'));
    assert.equal((await app.undoTransfer({ transferId })).undone, true);
    assert.deepEqual(contents(folder), { '1.jpg': 'one', '2.jpg': 'two' });
  });

  test('takes the images that a filter lets through, and leaves those that lie there already', async (t) => {
    const { app, folder } = await sorted(t, { '1.jpg': 'one', '2.jpg': 'two', 'bird/12.jpg': 'in place' });
    const request = { runId: 1, to: folder, mode: 'move' as const, filter: { labels: ['bird'] } };
    const plan = await app.planTransfer(request);
    assert.deepEqual([plan.files, plan.inPlace], [1, 1]);
    await app.transferFiles(request);
    assert.deepEqual(Object.keys(contents(folder)), ['1.jpg', 'bird/12.jpg', 'bird/2.jpg']);
  });

  test('goes on after files that fail, and keeps their reasons', async (t) => {
    const { app, folder, to } = await sorted(t, { '1.jpg': 'one', '2.jpg': 'two', 'link.jpg': 'three' });
    rmSync(join(folder, '1.jpg'));
    rmSync(join(folder, 'link.jpg'));
    symlinkSync(join(folder, '2.jpg'), join(folder, 'link.jpg'));
    const { files: moved, failures } = await app.transferFiles({ runId: 1, to, mode: 'move' });
    assert.deepEqual([moved, failures.length], [1, 2]);
    assert.deepEqual(failures, [
      { path: join(folder, '1.jpg'), error: 'the file is not there' },
      { path: join(folder, 'link.jpg'), error: 'it is a link to another file; it can be copied' },
    ]);
  });

  test('that is cancelled can be undone', async (t) => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`${index}.jpg`, `${index}`]));
    const { app, folder, to } = await sorted(t, many);
    app.subscribe(({ type }) => {
      if (type === 'exporting') void app.cancelExport({}).catch(() => undefined);
    });
    let moved = 0;
    await assert.rejects(app.transferFiles({ runId: 1, to, mode: 'move' }), (error) => {
      assert.ok(error instanceof AppError && error.code === 'CANCELLED');
      const [, told] =
        /^The transfer was cancelled; (\d+) files were moved before$/.exec(error.message) ?? [];
      moved = Number(told);
      assert.equal(error.hint, '`winnow sort --resume 1` goes on, `winnow unsort 1` takes that back.');
      return true;
    });
    assert.ok(moved >= 64 && moved < 200, String(moved)); // progress is told every 64 files
    assert.equal(Object.keys(contents(to)).length, moved);
    const [first] = await app.listTransfers({});
    assert.equal(first?.files, moved);
    await app.undoTransfer({ transferId: 1 });
    assert.deepEqual([contents(folder), contents(to)], [many, {}]);
  });

  test('whose undoing is cancelled says how many files are back, and is undone by another go', async (t) => {
    const many = Object.fromEntries(Array.from({ length: 300 }, (_, index) => [`${index}.jpg`, `${index}`]));
    const { app, folder, to } = await sorted(t, many);
    await app.transferFiles({ runId: 1, to, mode: 'move' });
    const unsubscribe = app.subscribe(({ type }) => {
      if (type === 'exporting') void app.cancelExport({}).catch(() => undefined);
    });
    let back = 0;
    await assert.rejects(app.undoTransfer({ transferId: 1 }), (error) => {
      assert.ok(error instanceof AppError && error.code === 'CANCELLED');
      const [, told] = /^The undoing was cancelled; (\d+) files are back$/.exec(error.message) ?? [];
      back = Number(told);
      assert.equal(error.hint, 'Undo it again for the rest.');
      return true;
    });
    unsubscribe();
    assert.ok(back >= 64 && back < 300, String(back)); // progress is told every 64 files
    assert.equal(Object.keys(contents(folder)).length, back);
    assert.equal(Object.keys(contents(to)).length, 300 - back);
    await app.undoTransfer({ transferId: 1 });
    assert.deepEqual([contents(folder), contents(to)], [many, {}]);
  });

  test('that was cut off is interrupted, and goes on as the same transfer', async (t) => {
    const many = Object.fromEntries(Array.from({ length: 200 }, (_, index) => [`${index}.jpg`, `${index}`]));
    const { app, folder, to, libraryPath } = await sorted(t, many);
    const end = app.subscribe(({ type }) => {
      if (type === 'exporting') void app.cancelExport({}).catch(() => undefined);
    });
    const request = { runId: 1, to, mode: 'move', filter: { minConfidence: 0.1 } } as const;
    await assert.rejects(app.transferFiles(request), { code: 'CANCELLED' });
    end();
    const states = async () =>
      (await app.listTransfers({})).map(({ transferId, files, interrupted, resumable }) => {
        return [transferId, files, interrupted, resumable];
      });
    const moved = Object.keys(contents(to)).length;
    assert.ok(moved >= 64 && moved < 200, String(moved)); // progress is told every 64 files
    assert.deepEqual(await states(), [[1, moved, 'transferring', true]]);
    // While somebody is at it, it is not interrupted.
    const lock = takeExclusiveLock(`${libraryPath}-transfer`);
    assert.deepEqual(await states(), [[1, moved, undefined, true]]);
    lock?.release();

    const resumed = await app.resumeTransfer({ transferId: 1 });
    assert.deepEqual([resumed.files, resumed.failures, resumed.interrupted], [200, [], undefined]);
    assert.deepEqual(await states(), [[1, 200, undefined, false]]);
    assert.equal(Object.keys(contents(to)).length, 200);
    await assert.rejects(app.resumeTransfer({ transferId: 1 }), {
      code: 'BAD_ARGUMENT',
      message: 'Transfer 1 has come to its end',
    });

    const endAgain = app.subscribe(({ type }) => {
      if (type === 'exporting') void app.cancelExport({}).catch(() => undefined);
    });
    await assert.rejects(app.undoTransfer({ transferId: 1 }), { code: 'CANCELLED' });
    endAgain();
    const [[, left = 0, interrupted, resumable] = []] = await states();
    assert.ok(Number(left) > 0 && Number(left) < 200, String(left));
    assert.deepEqual([interrupted, resumable], ['undoing', false]);
    await assert.rejects(app.resumeTransfer({ transferId: 1 }), { message: 'Transfer 1 was being undone' });
    await app.undoTransfer({ transferId: 1 });
    assert.deepEqual([contents(folder), await states()], [many, []]);
  });

  test('that was cut off cannot go on without its run, but be undone', async (t) => {
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`${index}.jpg`, `${index}`]));
    const { app, folder, to } = await sorted(t, many);
    app.subscribe(({ type }) => {
      if (type === 'exporting') void app.cancelExport({}).catch(() => undefined);
    });
    await assert.rejects(app.transferFiles({ runId: 1, to, mode: 'copy' }), { code: 'CANCELLED' });
    await app.removeRun({ runId: 1 });
    const [listed] = await app.listTransfers({});
    assert.deepEqual([listed?.interrupted, listed?.resumable], ['transferring', false]);
    await assert.rejects(app.resumeTransfer({ transferId: 1 }), {
      code: 'BAD_ARGUMENT',
      message: 'Transfer 1 belongs to a run that is gone, so it cannot go on',
    });
    await app.undoTransfer({ transferId: 1 });
    assert.deepEqual([contents(folder), contents(to)], [many, {}]);
  });

  test('to a place that cannot be is refused with one sentence', async (t) => {
    const { app, folder } = await sorted(t, { '1.jpg': 'one' });
    const to = join(folder, '1.jpg');
    await assert.rejects(app.transferFiles({ runId: 1, to, mode: 'copy' }), {
      code: 'BAD_ARGUMENT',
      message: `Expected a folder, but ${to} is a file`,
    });
    await assert.rejects(app.planTransfer({ runId: 1, to, mode: 'copy' }), { code: 'BAD_ARGUMENT' });
    await assert.rejects(app.transferFiles({ runId: 1, to: join(to, 'below'), mode: 'copy' }), {
      code: 'FILE_SYSTEM',
      message: /; 0 files were copied before$/,
    });
    assert.deepEqual(await app.listTransfers({}), []);
  });

  test('gives labels that a file system takes for one folders of their own', async (t) => {
    const { app, to } = await sorted(t, { '1.jpg': 'one', '2.jpg': 'two', '3.jpg': 'three' });
    const { imageIds } = await app.findImages({ runId: 1, filter: {}, sort: 'path' });
    for (const [index, label] of ['Fox', 'fox', 'a/b'].entries()) {
      const verdict = { kind: 'label', label } as const;
      await app.review({ runId: 1, imageIds: [imageIds[index] ?? 0], verdict });
    }
    mkdirSync(to);
    await app.transferFiles({ runId: 1, to, mode: 'copy' });
    assert.deepEqual(Object.keys(contents(to)), ['Fox/1.jpg', 'a_b/3.jpg', 'fox (2)/2.jpg']);
  });
});

test('names of folders are safe on every file system', () => {
  const cases = [
    ['cat', 'cat'],
    ['a/b\\c:d*e?f"g<h>i|j', 'a_b_c_d_e_f_g_h_i_j'],
    [' .hidden. ', '.hidden'],
    ['..', '_'],
    ['con', 'con_'],
    ['LPT1.txt', 'LPT1_.txt'], // a device as LPT1.txt_, too
    ['tab\there', 'tab_here'],
    ['🌾 é', '🌾 é'],
    ['x'.repeat(400), 'x'.repeat(120)],
  ];
  for (const [label = '', name] of cases) assert.equal(folderNameOf(label), name);
});

suite('sorting what a detection model found', () => {
  test('goes by the best detection of the score asked for, or by what a person left', async (t) => {
    const { app, root, runId, ids } = await foundRun(t, 'detection', [{ name: 'fox' }, { name: 'owl' }], {
      'in/1.jpg': {
        detections: [
          [1, 0.6, 0, 0, 9, 9],
          [0, 0.55, 20, 20, 9, 9],
        ],
      },
      'in/2.jpg': { detections: [[0, 0.3, 0, 0, 9, 9]] },
      'in/3.jpg': { detections: [] },
      'in/4.jpg': { detections: [[0, 0.9, 0, 0, 9, 9]] },
      'in/bad.jpg': 'failed',
    });
    const boxes = (name: string, label?: string) =>
      app.review({
        runId,
        imageIds: [ids[name] ?? 0],
        verdict: {
          kind: 'boxes',
          boxes: label === undefined ? [] : [{ label, x: 1, y: 1, width: 5, height: 5 }],
        },
      });
    const plan = async (filter: object = {}) => {
      const { files, withoutLabel, labels } = await app.planTransfer({
        runId,
        filter,
        to: join(root, 'to'),
        mode: 'copy',
      });
      return [files, withoutLabel, ...labels.map(({ label, files: count }) => `${label} ${count}`).sort()];
    };
    assert.deepEqual(await plan(), [2, 3, 'fox 1', 'owl 1']);
    assert.deepEqual(await plan({ minScore: 0.2 }), [3, 2, 'fox 2', 'owl 1']);
    assert.deepEqual(await plan({ minScore: 0.7 }), [1, 4, 'fox 1']);
    assert.deepEqual(await plan({ contains: ['fox'] }), [2, 0, 'fox 1', 'owl 1']);
    await boxes('in/3.jpg', 'toad');
    await boxes('in/4.jpg');
    assert.deepEqual(await plan(), [2, 3, 'owl 1', 'toad 1']);
    await app.transferFiles({ runId, to: join(root, 'to'), mode: 'copy' });
    assert.deepEqual(readdirSync(join(root, 'to'), { recursive: true }).sort(), [
      'owl',
      join('owl', '1.jpg'),
      'toad',
      join('toad', '3.jpg'),
    ]);
  });
});
