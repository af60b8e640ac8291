import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { suite, test } from 'node:test';
import { testApp, session } from '../../support/test-app.ts';
import { appError } from '../app-error.ts';

/** Makes the library say of its runs what a process leaves that is killed at its work. */
function leave(libraryPath: string, state: 'scanning' | 'running'): void {
  const database = new Database(libraryPath);
  database.prepare('UPDATE runs SET state = ?').run(state);
  database.close();
}

suite('a run whose process is gone', () => {
  for (const state of ['scanning', 'running'] as const) {
    test(`that it was ${state} is paused whoever looks, and goes on`, async (t) => {
      const { app, libraryPath, folder } = testApp(t, 3);
      await app.run({ folders: [folder] });
      leave(libraryPath, state);
      const later = session(t, libraryPath).app;
      for (const { listRuns, showRun } of [later, app]) {
        assert.deepEqual(
          (await listRuns({})).map((run) => [run.state, run.elsewhere]),
          [['paused', false]],
        );
        assert.equal((await showRun({ runId: 1 })).run.state, 'paused');
      }
      await assert.rejects(later.cancel({ runId: 1 }), appError('NOT_FOUND', /not under way here/));
      assert.equal((await later.resume({ runId: 1 })).state, 'done');
    });
  }

  test('can be removed', async (t) => {
    const { app, libraryPath, folder } = testApp(t, 3);
    await app.run({ folders: [folder] });
    leave(libraryPath, 'running');
    await app.removeRun({ runId: 1 });
    assert.deepEqual(await app.listRuns({}), []);
  });

  test('stays apart from one that another Winnow works on', async (t) => {
    const { app, engine, libraryPath, folder } = testApp(t, 3);
    await app.run({ folders: [folder] });
    leave(libraryPath, 'running');
    const other = session(t, libraryPath).app;
    const { promise: seen, resolve } = Promise.withResolvers<unknown>();
    engine.beforeAnswer = async () => {
      engine.beforeAnswer = () => undefined;
      const listed = [...(await other.listRuns({})), ...(await app.listRuns({}))];
      resolve(listed.map((run) => [run.id, run.state, run.elsewhere]));
      const elsewhere = appError('BAD_ARGUMENT', /Run 2 is under way in another Winnow/);
      await assert.rejects(other.cancel({ runId: 2 }), elsewhere);
      await assert.rejects(other.queueResume({ runId: 2 }), elsewhere);
      await assert.rejects(other.removeRun({ runId: 2 }), elsewhere);
    };
    assert.equal((await app.run({ folders: [folder], preset: 'accurate' })).state, 'done');
    assert.deepEqual(await seen, [
      [1, 'paused', false],
      [2, 'running', true],
      [1, 'paused', false],
      [2, 'running', false],
    ]);
  });
});
