import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { COLUMN_PARTS } from '../../../../electron/core/columns/run-columns.ts';
import { ReadAhead } from '../../../../electron/core/reading/read-ahead.ts';
import type { RunRow } from '../../../../electron/core/store/tables/runs.ts';
import { testApp } from '../../support/test-app.ts';

const runOf = (id: number) => ({ id }) as RunRow;

suite('reading ahead', () => {
  test('reads all parts of a run one after the other, once', async () => {
    const read: string[] = [];
    let under = 0;
    const ahead = new ReadAhead(async (run, part) => {
      assert.equal(++under, 1);
      await Promise.resolve();
      under--;
      read.push(`${run.id} ${part}`);
    });
    await ahead.begin(runOf(3));
    await ahead.begin(runOf(3));
    assert.deepEqual(
      read,
      COLUMN_PARTS.map((part) => `3 ${part}`),
    );
  });

  test('leaves a run for another one, ends when it is stopped, and is silent of what cannot be read', async () => {
    const read: number[] = [];
    const ahead: ReadAhead = new ReadAhead(async ({ id }) => {
      read.push(id);
      await Promise.resolve();
      if (id === 1) void ahead.begin(runOf(2));
      if (id === 2) ahead.stop();
      if (id === 4) throw new Error('the library is gone');
    });
    await ahead.begin(runOf(1));
    await ahead.begin(runOf(4));
    assert.deepEqual(read, [1, 2, 4]);
  });

  test('of the last run makes no library, and lets one be closed at once', async (t) => {
    const { app, folder } = testApp(t, 3);
    await app.readAhead();
    const { id } = await app.run({ folders: [folder] });
    await app.readAhead();
    const { imageIds } = await app.findImages({ runId: id, filter: {}, sort: 'name' });
    assert.equal(imageIds.length, 3);
    await app.readAhead();
    await app.close();
  });
});
