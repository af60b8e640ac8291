import assert from 'node:assert/strict';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { Library } from '../../../electron/core/store/library.ts';
import { AppError } from '../../../electron/shared/errors.ts';
import type { ErrorCode } from '../../../electron/shared/errors.ts';
import { writeFiles } from '../support/files.ts';
import { testApp, session } from '../support/test-app.ts';
import { everyday10 } from '../support/models.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { appError } from './app-error.ts';

suite('a run', () => {
  test('predicts every image once, in batches, and tells what it uses and how far it is', async (t) => {
    const { app, engine, folder, events } = testApp(t, 10);
    const run = await app.run({ folders: [folder], batch: 4 });
    assert.equal(run.state, 'done');
    assert.deepEqual(run.counts, { total: 10, pending: 0, ok: 10, failed: 0 });
    assert.deepEqual(
      engine.batches.map((paths) => paths.length),
      [4, 4, 2],
    );
    assert.equal(new Set(engine.predicted).size, 10);
    const [started, ...others] = events;
    assert.ok(started?.type === 'started' && started.plan.batch === 4 && started.plan.bundledModel);
    assert.ok(started.plan.workShare > 0 && started.plan.workShare < 1);
    const last = others.at(-1);
    assert.ok(last?.type === 'progress' && last.progress.phase === 'done' && last.progress.ok === 10);
  });

  test('uses the bundled model, the balanced preset and the first usable device unless told otherwise', async (t) => {
    const { app, folder } = testApp(t, 1);
    const { spec } = await app.run({ folders: [folder] });
    assert.deepEqual([spec.modelName, spec.preset?.name, spec.device], ['everyday10', 'balanced', 'cpu']);
    const other = await app.run({ folders: [folder], tokenKeep: '0.5', device: 'reference' });
    assert.deepEqual([other.spec.preset?.tokenKeep, other.spec.device], [[0.5, 0.25, 0.125], 'reference']);
    assert.equal(other.id, 2);
  });

  test('has two batches under way, and saves each by itself', async (t) => {
    const { app, engine, folder, libraryPath } = testApp(t, 6);
    const saved: number[] = [];
    let underWay = 0;
    let most = 0;
    engine.beforeAnswer = async () => {
      most = Math.max(most, ++underWay);
      await new Promise((resolve) => setTimeout(resolve, 5));
      const reader = Library.open(libraryPath);
      saved.push(reader.results.counts(1).ok);
      reader.close();
      underWay--;
    };
    await app.run({ folders: [folder], batch: 2 });
    assert.equal(most, 2);
    assert.ok(saved.every((count) => count % 2 === 0) && saved.some((count) => count > 0));
  });

  test('again predicts only what is new or changed, and forgets what has vanished', async (t) => {
    const { app, engine, folder } = testApp(t, 5);
    await app.run({ folders: [folder] });
    engine.batches.length = 0;
    const same = await app.run({ folders: [folder] });
    assert.deepEqual([same.id, engine.predicted], [1, []]);

    writeFileSync(join(folder, '001.jpg'), 'other content');
    utimesSync(join(folder, '002.jpg'), 1000, 1000); // the same size, another time
    rmSync(join(folder, '003.jpg'));
    writeFiles(folder, { 'new/009.jpg': 'new' });
    const next = await app.run({ folders: [folder] });
    assert.deepEqual(engine.predicted.sort(), ['001.jpg', '002.jpg', '009.jpg']);
    assert.deepEqual([next.id, next.counts.total, next.counts.ok], [1, 5, 5]);
  });

  test('is the same one however its folders are written', async (t) => {
    const { app, folder } = testApp(t, 1);
    mkdirSync(join(folder, 'sub'));
    const one = await app.run({ folders: [folder] });
    const other = await app.run({ folders: [`${folder}/sub/`, `${folder}/./sub/..`, folder] });
    assert.deepEqual([other.id, other.spec.folders], [one.id, [folder]]);
  });

  test('keeps two folders apart that hold the same names', async (t) => {
    const { app, folder, libraryPath } = testApp(t);
    writeFiles(folder, { 'a/1.jpg': 'x', 'b/1.jpg': 'x' });
    await app.run({ folders: [join(folder, 'b'), join(folder, 'a')] });
    const out = join(dirname(libraryPath), 'out.json');
    await app.exportRun({ runId: 1, format: 'json', out });
    const { files } = JSON.parse(readFileSync(out, 'utf8')) as { files: { absolute_path: string }[] };
    assert.deepEqual(
      files.map((file) => file.absolute_path),
      [join(folder, 'a/1.jpg'), join(folder, 'b/1.jpg')],
    );
  });

  test('keeps failures until their files change, but tries again what could not be read', async (t) => {
    const { app, engine, folder } = testApp(t);
    writeFiles(folder, { 'bad.jpg': 'x', '1.jpg': 'x', '2.jpg': 'x' });
    engine.beforeAnswer = () => rmSync(join(folder, '2.jpg'));
    const first = await app.run({ folders: [folder] });
    assert.deepEqual(first.counts, { total: 3, pending: 0, ok: 1, failed: 2 });
    engine.batches.length = 0;
    engine.beforeAnswer = () => undefined;
    writeFiles(folder, { '2.jpg': 'x' });
    const second = await app.run({ folders: [folder] });
    assert.deepEqual(engine.predicted, ['2.jpg']);
    assert.deepEqual(second.counts, { total: 3, pending: 0, ok: 2, failed: 1 });
  });

  const asRoot = process.getuid?.() === 0 && 'permissions do not bind root';
  test('keeps what it knows of a sub-folder that cannot be read this time', { skip: asRoot }, async (t) => {
    const { app, engine, folder, events } = testApp(t);
    writeFiles(folder, { 'a/1.jpg': 'x', 'a/b/2.jpg': 'x', 'a0.jpg': 'x' });
    await app.run({ folders: [folder] });
    engine.batches.length = 0;
    chmodSync(join(folder, 'a'), 0);
    const run = await app.run({ folders: [folder] }).finally(() => chmodSync(join(folder, 'a'), 0o700));
    assert.deepEqual([run.counts.ok, engine.predicted], [3, []]);
    assert.ok(events.some((event) => event.type === 'notice' && event.message.includes('cannot be read')));
  });
});

suite('a run that is interrupted', () => {
  test('by cancel saves the batches under way, and resume does the rest', async (t) => {
    const { app, engine, folder } = testApp(t, 10);
    engine.beforeAnswer = async () => {
      if (engine.batches.length === 2) await app.cancel({ runId: 1 });
    };
    const paused = await app.run({ folders: [folder], batch: 2 });
    assert.deepEqual([paused.state, paused.counts.ok, paused.counts.pending], ['paused', 4, 6]);
    const done = await app.resume({ runId: 1, batch: 4 });
    assert.deepEqual([done.state, done.counts.ok], ['done', 10]);
    assert.equal(new Set(engine.predicted).size, engine.predicted.length);
  });

  test('while it scans scans again', async (t) => {
    const { app, engine, folder, events } = testApp(t, 3);
    const unsubscribe = app.subscribe((event) => {
      if (event.type === 'started') void app.cancel({ runId: event.plan.run.id });
    });
    const stopped = await app.run({ folders: [folder] });
    unsubscribe();
    assert.deepEqual([stopped.state, engine.predicted], ['paused', []]);
    writeFiles(folder, { 'late.jpg': 'x' });
    const done = await app.resume({ runId: 1 });
    assert.deepEqual([done.state, done.counts.ok], ['done', 4]);
    assert.ok(events.some((event) => event.type === 'progress' && event.progress.phase === 'scanning'));
  });

  test('by a failing engine keeps what was saved, and resume does the rest', async (t) => {
    const { app, engine, folder } = testApp(t, 8);
    engine.beforeAnswer = () => {
      if (engine.batches.length === 3) throw new AppError('ENGINE', 'The device went away');
    };
    await assert.rejects(app.run({ folders: [folder], batch: 2 }), appError('ENGINE', /went away/));
    const [failed] = await app.listRuns({});
    assert.equal(failed?.state, 'failed');
    assert.ok(failed.counts.ok >= 2 && failed.counts.pending >= 2 && failed.counts.failed === 0);
    engine.beforeAnswer = () => undefined;
    const done = await app.resume({ runId: 1 });
    assert.deepEqual([done.state, done.counts.ok], ['done', 8]);
  });

  test('by a folder that goes away fails no image of it and says so once', async (t) => {
    const { app, engine, folder, events } = testApp(t, 6);
    engine.beforeAnswer = () => {
      if (engine.batches.length === 2) renameSync(folder, `${folder}-unplugged`);
    };
    const paused = await app.run({ folders: [folder], batch: 1 });
    assert.deepEqual([paused.state, paused.counts.failed], ['paused', 0]);
    const notices = events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
    assert.deepEqual(notices, [
      `The folder ${folder} is not there any more, so run 1 is paused. ` +
        'Connect its drive again, then go on with the run.',
    ]);
    await assert.rejects(app.resume({ runId: 1 }), appError('NOT_FOUND', /There is no folder/));
    renameSync(`${folder}-unplugged`, folder);
    engine.beforeAnswer = () => undefined;
    const done = await app.resume({ runId: 1 });
    assert.deepEqual(done.counts, { total: 6, pending: 0, ok: 6, failed: 0 });
  });

  test('finds its model where it lies now, by content', async (t) => {
    const { app, engine, folder, libraryPath } = testApp(t, 2);
    const own = join(dirname(libraryPath), 'own.safetensors');
    copyFileSync(everyday10, own);
    engine.beforeAnswer = () => {
      throw new AppError('ENGINE', 'The device went away');
    };
    await assert.rejects(app.run({ folders: [folder], model: own }), appError('ENGINE', /went away/));
    rmSync(own);
    const gone = session(t, libraryPath, { bundledFolder: temporaryFolder(t) });
    await assert.rejects(
      gone.app.resume({ runId: 1 }),
      appError('NOT_FOUND', /^The model own .* is not there any more/),
    );
    const models = join(dirname(libraryPath), 'models');
    mkdirSync(models);
    copyFileSync(everyday10, join(models, 'own.safetensors'));
    const back = session(t, libraryPath);
    assert.equal((await back.app.resume({ runId: 1 })).state, 'done');
  });
});

suite('AppService', () => {
  test('lets one run write into a library at a time', async (t) => {
    const { app, engine, folder, libraryPath } = testApp(t, 2);
    const other = session(t, libraryPath);
    let refused: unknown;
    engine.beforeAnswer = async () => {
      refused = await other.app.run({ folders: [folder] }).catch((error: unknown) => error);
      assert.equal((await other.app.listRuns({})).length, 1);
    };
    await app.run({ folders: [folder] });
    assert.ok(
      refused instanceof AppError && refused.code === 'LIBRARY' && /^Another Winnow/.test(refused.message),
    );
    assert.equal((await other.app.run({ folders: [folder] })).state, 'done');
  });

  test('answers wrong arguments with one sentence', async (t) => {
    const { app, folder } = testApp(t, 1);
    const file = join(folder, '000.jpg');
    const cases: [() => Promise<unknown>, ErrorCode, RegExp][] = [
      [() => app.run({ folders: [] }), 'BAD_ARGUMENT', /^At least one folder must be named/],
      [() => app.run({ folders: ['/nowhere/at/all'] }), 'NOT_FOUND', /^There is no folder/],
      [() => app.run({ folders: [file] }), 'BAD_ARGUMENT', /^Expected a folder, but .* is a file/],
      [() => app.run({ folders: [folder], model: 'nope' }), 'NOT_FOUND', /no model named nope/],
      [() => app.run({ folders: [folder], tokenKeep: '0' }), 'BAD_ARGUMENT', /above 0 and at most 1/],
      [() => app.run({ folders: [folder], blockThreshold: 2 }), 'BAD_ARGUMENT', /from 0 to 1, but is 2$/],
      [() => app.run({ folders: [folder], batch: 0.5 }), 'BAD_ARGUMENT', /from 1 to 1024, but is 0.5$/],
      [() => app.run({ folders: [folder], device: 'warp' }), 'BAD_ARGUMENT', /no device warp/],
      [
        () => app.run({ folders: [folder], device: 'fast' }),
        'BAD_ARGUMENT',
        /fast cannot be used: no driver was found/,
      ],
      [() => app.showRun({ runId: 7 }), 'NOT_FOUND', /There is no run 7/],
      [() => app.resume({ runId: -1 }), 'BAD_ARGUMENT', /named by its number, but is -1/],
      [() => app.cancel({ runId: 1 }), 'NOT_FOUND', /is not under way/],
      [() => app.evaluate({ folder }), 'BAD_ARGUMENT', /No sub-folder of .* is named like a class/],
    ];
    for (const [call, code, message] of cases) await assert.rejects(call, appError(code, message));
    assert.deepEqual(await app.listRuns({}), []);
  });

  test('shows the labels and failures of a run', async (t) => {
    const { app, folder } = testApp(t);
    writeFiles(folder, { '1.jpg': 'x', '11.jpg': 'x', '3.jpg': 'x', 'bad.jpg': 'x' });
    await app.run({ folders: [folder] });
    const { labels, failures } = await app.showRun({ runId: 1 });
    assert.deepEqual(labels, [
      { label: 'automobile', count: 2 },
      { label: 'cat', count: 1 },
    ]);
    const problem = { code: 'damaged', details: 'a bad file' };
    const error = 'the picture is damaged and cannot be decoded';
    assert.deepEqual(failures, [{ path: join(folder, 'bad.jpg'), error, problem }]);
  });
});

test('thumbnails that cannot be kept are shown all the same, and that is told once', async (t) => {
  const { app, folder, events, libraryPath } = testApp(t, 2);
  await app.run({ folders: [folder] });
  const cache = join(dirname(libraryPath), 'thumbnails');
  writeFileSync(cache, 'a file where the folder would be');
  for (const id of [1, 2]) {
    const { size } = await (await app.pictures.thumbnail(id)).load();
    assert.equal(size, 7); // of the file, which the double shows as it is
  }
  const notices = events.flatMap((event) => (event.type === 'notice' ? [event.message] : []));
  assert.equal(notices.length, 1);
  assert.ok(notices[0]?.startsWith(`Thumbnails cannot be kept in ${cache}: `), notices[0]);
});
