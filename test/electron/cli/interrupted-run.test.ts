import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { countResults, start, untilUnderWay, winnow } from '../support/command-line.ts';
import { drawFolder } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readCsv } from '../support/csv.ts';

const IMAGES = 16; // a few seconds of work on the slow device

/** A run on the slow device, one image per batch, interrupted as soon as it has saved something. */
async function interrupt(t: TestContext, signal: NodeJS.Signals) {
  const data = temporaryFolder(t);
  const folder = join(data, 'pictures');
  await drawFolder(folder, IMAGES);
  const args = ['run', folder, '--device', 'reference', '--batch', '1'];
  const { child, ended } = start(data, ...args);
  await untilUnderWay(data, child);
  child.kill(signal);
  return { data, folder, args, child, ended: await ended };
}

/** Image ids of what is saved, each with the time that it took. */
function savedResults(data: string): [imageId: number, milliseconds: number][] {
  const database = new Database(join(data, 'library.db'), { readonly: true });
  const rows = database.prepare("SELECT image_id, milliseconds FROM results WHERE status = 'ok'").raw().all();
  database.close();
  return rows as [number, number][];
}

/** Names in the export of run 1, each with its label. */
async function exported(data: string): Promise<[string | undefined, string | undefined][]> {
  const out = join(data, 'out.csv');
  assert.equal((await winnow(data, 'export', '1', '--format', 'csv', '--out', out)).code, 0);
  const rows = readCsv(out);
  return rows.map((row) => [row['relative_path'], row['label']]);
}

const names = Array.from({ length: IMAGES }, (_, index) => `${String(index).padStart(3, '0')}.jpg`);

suite('a run that is interrupted', { skip: process.platform === 'win32' && 'needs signals' }, () => {
  test('by SIGKILL is completed by resume, with every file once', async (t) => {
    const { data, ended } = await interrupt(t, 'SIGKILL');
    assert.equal(ended.signal, 'SIGKILL');
    const before = savedResults(data);
    assert.ok(before.length > 0 && before.length < IMAGES);
    // From the first look on it is paused, whoever looks.
    assert.match((await winnow(data, 'runs')).stdout, new RegExp(`\\n1 +paused +${IMAGES}`));
    assert.match((await winnow(data, 'show', '1')).stdout, /\nstate +paused\n/);
    const resumed = await winnow(data, 'resume');
    assert.equal(resumed.code, 0, resumed.stderr);
    // What was saved is not computed again: it would not take the same time to the nanosecond.
    const after = new Map(savedResults(data));
    for (const [imageId, milliseconds] of before) assert.equal(after.get(imageId), milliseconds);
    assert.deepEqual(countResults(data), { ok: IMAGES });
    const rows = await exported(data);
    assert.deepEqual(
      rows.map(([name]) => name),
      names,
    );
    assert.ok(rows.every(([, label]) => label !== ''));
    assert.match((await winnow(data, 'resume')).stdout, /^Every run is complete/);
  });

  test('by SIGKILL while it scans is scanned again', async (t) => {
    const { data } = await interrupt(t, 'SIGKILL');
    const database = new Database(join(data, 'library.db'));
    // As a kill in the middle of the scan leaves it: the state, and only some of the files.
    database.exec(
      "UPDATE runs SET state = 'scanning', scan_due = 1; DELETE FROM results WHERE image_id > 10",
    );
    database.close();
    assert.equal((await winnow(data, 'resume', '1')).code, 0);
    assert.deepEqual(countResults(data), { ok: IMAGES });
  });

  test('by SIGKILL is completed by the same command too', async (t) => {
    const { data, args } = await interrupt(t, 'SIGKILL');
    const again = await winnow(data, ...args);
    assert.deepEqual([again.code, countResults(data)], [0, { ok: IMAGES }]);
    assert.match(again.stdout, new RegExp(`^Run 1 is done: ${IMAGES} images`));
  });

  test('by SIGINT saves what is under way and says how to go on', async (t) => {
    const { data, ended } = await interrupt(t, 'SIGINT');
    assert.equal(ended.code, 1);
    assert.match(ended.stderr, /Finishing the images under way; press Ctrl-C again to quit at once/);
    const counts = countResults(data);
    assert.ok(counts?.['ok'] !== undefined && counts['pending'] !== undefined);
    assert.match(
      ended.stdout,
      /^Run 1 is paused: \d+ of 16 images are done and saved\.\nGo on with `winnow resume 1`\.\n/,
    );
    assert.match((await winnow(data, 'runs')).stdout, new RegExp(`\\n1 +paused +${IMAGES}`));
    assert.equal((await winnow(data, 'resume', '1')).code, 0);
    assert.deepEqual(countResults(data), { ok: IMAGES });
  });

  test('by a second SIGINT ends at once and loses nothing that was saved', async (t) => {
    const data = temporaryFolder(t);
    const folder = join(data, 'pictures');
    await drawFolder(folder, IMAGES);
    const { child, ended } = start(data, 'run', folder, '--device', 'reference', '--batch', '8');
    child.stderr?.on('data', (text: string) => {
      if (text.includes('Finishing')) child.kill('SIGINT');
    });
    await untilUnderWay(data, child);
    child.kill('SIGINT'); // two batches of 8 are under way, which take a while
    const { code, stdout } = await ended;
    assert.deepEqual([code, stdout], [1, '']);
    assert.deepEqual(countResults(data), { ok: 8, pending: IMAGES - 8 });
    assert.equal((await winnow(data, 'resume')).code, 0);
    assert.deepEqual(countResults(data), { ok: IMAGES });
  });

  test('keeps another run out of its library while it lasts', async (t) => {
    const data = temporaryFolder(t);
    const folder = join(data, 'pictures');
    await drawFolder(folder, IMAGES);
    const { child, ended } = start(data, 'run', folder, '--device', 'reference', '--batch', '1');
    await untilUnderWay(data, child);
    const other = await winnow(data, 'run', folder);
    assert.equal(other.code, 1);
    assert.match(
      other.stderr,
      /^winnow: Another Winnow is writing to the library .*\.\nWait until it has finished/,
    );
    assert.match((await winnow(data, 'runs')).stdout, /\n1 +running/);
    assert.equal((await ended).code, 0);
  });
});
