import assert from 'node:assert/strict';
import { mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { AppError } from '../../../../electron/shared/errors.ts';
import { nextEvent, noticesOf, queueRests, runsEnded } from '../../support/events.ts';
import { writeFiles } from '../../support/files.ts';
import { testApp, session } from '../../support/test-app.ts';
import type { Session } from '../../support/test-app.ts';

/** Folders `a`, `b`, ... with an image each. */
function folders(folder: string, ...names: string[]): string[] {
  return names.map((name) => {
    writeFiles(folder, { [`${name}/1.jpg`]: name });
    return join(folder, name);
  });
}

/** Holds every batch back until `go` is called. */
function gate({ engine }: Session): { go: () => void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  engine.beforeAnswer = () => promise.then(() => undefined);
  return { go: () => resolve(undefined) };
}

const waitingIds = async ({ app }: Session) => (await app.showQueue({})).waiting.map(({ id }) => id);

suite('the queue', () => {
  test('works on its runs one after the other and tells how each ended', async (t) => {
    const place = testApp(t);
    const { app, engine, events } = place;
    const [a = '', b = ''] = folders(place.folder, 'a', 'b');
    let underWay = 0;
    engine.beforeAnswer = async () => {
      assert.equal(++underWay, 1);
      await new Promise((resolve) => setImmediate(resolve));
      underWay--;
    };
    const ended = runsEnded(app, 2);
    const first = await app.queueRun({ folders: [a] });
    assert.equal(first.state, 'queued');
    const second = await app.queueRun({ folders: [b] });
    const told = await ended;
    assert.deepEqual(
      told.map(({ run, error }) => [run.id, run.state, run.counts.ok, error]),
      [
        [first.id, 'done', 1, undefined],
        [second.id, 'done', 1, undefined],
      ],
    );
    assert.ok(events.some((event) => event.type === 'queue' && event.queue.waiting.length === 1));
  });

  test('can be put into another order, and left', async (t) => {
    const place = testApp(t);
    const { app } = place;
    const { go } = gate(place);
    const names = ['a', 'b', 'c', 'd'];
    for (const path of folders(place.folder, ...names)) await app.queueRun({ folders: [path] });
    await new Promise((resolve) => setImmediate(resolve));
    const { current, waiting, halted } = await app.showQueue({});
    assert.deepEqual(
      [current?.runId, waiting.map(({ state }) => state)],
      [1, ['queued', 'queued', 'queued']],
    );
    assert.equal(halted, undefined);
    await app.moveInQueue({ runId: 4, position: 0 });
    assert.deepEqual(await waitingIds(place), [4, 2, 3]);
    await app.moveInQueue({ runId: 4, position: 9 });
    assert.deepEqual(await waitingIds(place), [2, 3, 4]);
    await app.leaveQueue({ runId: 3 });
    assert.deepEqual(await waitingIds(place), [2, 4]);
    assert.equal((await app.showRun({ runId: 3 })).run.state, 'paused');
    await assert.rejects(app.leaveQueue({ runId: 3 }), { code: 'NOT_FOUND' });
    await assert.rejects(app.moveInQueue({ runId: 1, position: 0 }), { code: 'NOT_FOUND' });
    await app.removeRun({ runId: 4 });
    await assert.rejects(app.removeRun({ runId: 1 }), {
      code: 'BAD_ARGUMENT',
      message: 'Run 1 is under way',
    });
    assert.deepEqual(await waitingIds(place), [2]);
    const rests = queueRests(app);
    go();
    await rests;
    const states = (await app.listRuns({})).map(({ id, state }) => [id, state]);
    assert.deepEqual(states, [
      [1, 'done'],
      [2, 'done'],
      [3, 'paused'],
    ]);
    assert.equal((await app.resume({ runId: 3 })).counts.ok, 1); // it was never scanned before
  });

  test('goes on after a run that fails, and says why', async (t) => {
    const place = testApp(t);
    const { app, engine } = place;
    const [a = '', b = '', gone = ''] = folders(place.folder, 'a', 'b', 'gone');
    engine.beforeAnswer = ([path = '']) => {
      if (!path.startsWith(a)) return;
      renameSync(gone, `${gone}-away`);
      throw new AppError('ENGINE', 'The device went away', 'Try another.');
    };
    const ended = runsEnded(app, 3);
    await app.queueRun({ folders: [a] });
    await app.queueRun({ folders: [gone] });
    await app.queueRun({ folders: [b] });
    const told = await ended;
    assert.deepEqual(
      told.map(({ run, error }) => [run.state, error]),
      [
        ['failed', 'The device went away. Try another.'],
        ['failed', `There is no folder ${gone}. Check its name.`],
        ['done', undefined],
      ],
    );
    renameSync(`${gone}-away`, gone);
    assert.equal((await app.resume({ runId: 2 })).counts.ok, 1);
  });

  test('goes on when a folder went away under a run, which is paused with one notice', async (t) => {
    const place = testApp(t);
    const { app, engine, events } = place;
    const [a = '', b = ''] = folders(place.folder, 'a', 'b');
    writeFiles(a, { '2.jpg': '', '3.jpg': '', '4.jpg': '' });
    engine.beforeAnswer = () => {
      if (engine.batches.length === 2) renameSync(a, `${a}-unplugged`);
    };
    const ended = runsEnded(app, 2);
    await app.queueRun({ folders: [a], batch: 1 });
    await app.queueRun({ folders: [b] });
    const [first, second] = await ended;
    assert.deepEqual([first?.run.state, first?.run.counts.failed], ['paused', 0]);
    assert.match(first?.error ?? '', /^The folder .*a is not there any more, so run 1 is paused\./);
    assert.deepEqual([second?.run.state, noticesOf(events)], ['done', [first?.error]]);
    renameSync(`${a}-unplugged`, a);
    engine.beforeAnswer = () => undefined;
    assert.deepEqual((await app.resume({ runId: 1 })).counts, { total: 4, pending: 0, ok: 4, failed: 0 });
  });

  test('halts when a person pauses its run, and goes on with that run when told to', async (t) => {
    const place = testApp(t);
    const { app, engine } = place;
    const [a = '', b = ''] = folders(place.folder, 'a', 'b');
    writeFiles(a, Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`${index}0.jpg`, ''])));
    const { go } = gate(place);
    await app.queueRun({ folders: [a], batch: 1 });
    await app.queueRun({ folders: [b] });
    const rests = queueRests(app);
    engine.beforeAnswer = async () => {
      if (engine.batches.length === 3) await app.cancel({ runId: 1 }); // two wait at the gate
    };
    go();
    await rests;
    const halted = await app.showQueue({});
    assert.deepEqual([halted.waiting.map(({ id }) => id), halted.halted], [[2], 'Run 1 was paused.']);
    assert.equal((await app.showRun({ runId: 1 })).run.state, 'paused');
    const ended = runsEnded(app, 2);
    assert.equal((await app.queueResume({ runId: 1 })).state, 'queued');
    assert.deepEqual(
      (await ended).map(({ run }) => [run.id, run.state, run.counts.ok]),
      [
        [1, 'done', 10],
        [2, 'done', 1],
      ],
    );
  });

  test('waits after a restart until it is told to go on', async (t) => {
    const place = testApp(t);
    const { app, engine, libraryPath } = place;
    const [a = '', b = ''] = folders(place.folder, 'a', 'b');
    writeFiles(a, { '2.jpg': '', '3.jpg': '', '4.jpg': '' });
    const closed = new Promise<void>((resolve) => {
      engine.beforeAnswer = () => {
        engine.beforeAnswer = () => undefined;
        void app.close().then(resolve);
      };
    });
    await app.queueRun({ folders: [a], batch: 1 });
    await app.queueRun({ folders: [b] });
    await closed;
    const next = session(t, libraryPath);
    const queue = await next.app.showQueue({});
    assert.deepEqual([queue.current, queue.waiting.map(({ id }) => id)], [undefined, [2]]);
    assert.match(queue.halted ?? '', /^The queue was not told to go on since Winnow was started/);
    assert.equal((await next.app.showRun({ runId: 1 })).run.state, 'paused');
    assert.deepEqual(next.engine.batches, []);
    const ended = runsEnded(next.app, 2);
    await next.app.queueResume({ runId: 1 });
    assert.deepEqual(
      (await ended).map(({ run }) => [run.id, run.counts.ok, run.counts.pending]),
      [
        [1, 4, 0],
        [2, 1, 0],
      ],
    );
  });

  test('can be filled without starting anything', async (t) => {
    const place = testApp(t);
    const { app, engine } = place;
    const [a = '', b = ''] = folders(place.folder, 'a', 'b');
    await app.queueRun({ folders: [a], start: false });
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual([await waitingIds(place), engine.batches], [[1], []]);
    const ended = runsEnded(app, 2);
    await app.queueRun({ folders: [b] });
    assert.deepEqual(
      (await ended).map(({ run }) => [run.id, run.state]),
      [
        [1, 'done'],
        [2, 'done'],
      ],
    );
  });

  test('says once that the library is held by another Winnow, and keeps the run', async (t) => {
    const place = testApp(t);
    const { app, events, libraryPath } = place;
    const [a = ''] = folders(place.folder, 'a');
    await app.listRuns({});
    const other = Library.open(libraryPath);
    const lock = other.acquireWriter();
    const rests = queueRests(app);
    await app.queueRun({ folders: [a] });
    await rests;
    const { halted, waiting } = await app.showQueue({});
    assert.match(halted ?? '', /^Another Winnow is writing to the library/);
    assert.deepEqual([waiting.length, noticesOf(events).length], [1, 1]);
    lock.release();
    other.close();
    const ended = runsEnded(app, 1);
    await app.queueResume({ runId: 1 });
    assert.equal((await ended)[0]?.run.state, 'done');
  });

  test('goes on by itself when the work that held the library here is done', async (t) => {
    const place = testApp(t);
    const { app, events } = place;
    const [a = '', b = ''] = folders(place.folder, 'a', 'b');
    const { go } = gate(place);
    const started = nextEvent(app, ({ type }) => type === 'started');
    const run = app.run({ folders: [a] });
    await started;
    const halted = nextEvent(app, (event) => event.type === 'queue' && event.queue.halted !== undefined);
    await app.queueRun({ folders: [b] });
    await halted;
    const ended = runsEnded(app, 1);
    go();
    await run;
    assert.deepEqual([(await ended)[0]?.run.counts.ok, noticesOf(events)], [1, []]);
  });
});

suite('what a run tells while it works', () => {
  test('are some of the images of every batch, with their labels', async (t) => {
    const { app, folder, events } = testApp(t, 30);
    writeFiles(folder, { 'bad.jpg': '' });
    await app.run({ folders: [folder], batch: 16 });
    const labelled = events.flatMap((event) => (event.type === 'labelled' ? [event] : []));
    assert.deepEqual(
      labelled.map(({ runId, images }) => [runId, images.length]),
      [
        [1, 8],
        [1, 8],
      ],
    );
    const [told] = labelled[0]?.images ?? [];
    const [item] = await app.resultItems({ runId: 1, imageIds: [told?.imageId ?? 0] });
    assert.deepEqual([told?.label, told?.confidence], [item?.label, 0.5]);
  });

  test('includes how far it is in each folder', async (t) => {
    const { app, folder } = testApp(t);
    const [a, b, empty] = [join(folder, 'a'), join(folder, 'b'), join(folder, 'empty')];
    mkdirSync(empty);
    writeFiles(folder, { 'a/1.jpg': '', 'a/2.jpg': '', 'b/3.jpg': '' });
    await app.run({ folders: [a, b, empty] });
    assert.deepEqual((await app.showRun({ runId: 1 })).folders, [
      { path: a, total: 2, done: 2 },
      { path: b, total: 1, done: 1 },
      { path: empty, total: 0, done: 0 },
    ]);
  });

  test('is forgotten with the run; reviews stay', async (t) => {
    const { app, folder } = testApp(t, 2);
    await app.run({ folders: [folder] });
    await app.review({ runId: 1, imageIds: [1], verdict: { kind: 'label', label: 'fox' } });
    await app.removeRun({ runId: 1 });
    assert.deepEqual(await app.listRuns({}), []);
    await assert.rejects(app.showRun({ runId: 1 }), { code: 'NOT_FOUND' });
    const { id } = await app.run({ folders: [folder] });
    const [item] = await app.resultItems({ runId: id, imageIds: [1] });
    assert.deepEqual([item?.label, item?.verified], ['fox', true]);
  });
});
