import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { cpSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { start, winnow } from '../support/command-line.ts';
import { sharedData } from '../support/files.ts';
import { drawFolder } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const golden = fileURLToPath(new URL('../../golden/vim-det-plain-random/checkpoint.pth', import.meta.url));

/** A data folder with the detection model `finder`, and some drawn pictures. */
async function place(t: TestContext, count: number) {
  const data = temporaryFolder(t);
  const folder = join(data, 'pictures');
  await drawFolder(folder, count);
  const { code, stderr } = await winnow(
    data,
    ...['models', 'import', golden, '--name', 'finder', '--directions', 'summed'],
  );
  assert.equal(code, 0, stderr);
  return { data, folder };
}

const FIND = [
  '--find',
  'finder',
  '--find-above',
  '0.1',
  '--max-detections',
  '5',
  '--input-size',
  '64',
  '--batch',
  '4',
  '--pass',
  'none',
];

const PHOTOS = [
  '--find',
  'finder',
  '--find-above',
  '0.1',
  '--max-detections',
  '2',
  '--input-size',
  '128',
  '--batch',
  '2',
  '--pass',
  'none',
  '--model',
  'tiny',
];

/** What a run holds, but times: equal for runs that came to the same. */
function contents(data: string, runId: number) {
  const database = new Database(join(data, 'library.db'), { readonly: true });
  const all = (sql: string) => database.prepare<[number], Record<string, unknown>>(sql).all(runId);
  try {
    return {
      results: all(`SELECT relative_path, status, class_1, confidence_1, class_2, confidence_2
        FROM results JOIN images ON images.id = image_id WHERE run_id = ? ORDER BY relative_path`),
      boxes:
        all(`SELECT relative_path, number, class, score, found_class, found_score, label_score, x, y, detections.width AS w,
        detections.height AS h
        FROM detections JOIN images ON images.id = image_id WHERE run_id = ? ORDER BY relative_path, number`),
      masks: all(`SELECT relative_path, number, class, counts
        FROM masks JOIN images ON images.id = image_id WHERE run_id = ? ORDER BY relative_path, number`),
    };
  } finally {
    database.close();
  }
}

/** Images that are predicted in a run so far. */
function savedIn(data: string, runId: number): number {
  const path = join(data, 'library.db');
  if (!existsSync(path)) return 0;
  const database = new Database(path, { readonly: true });
  try {
    const sql = `SELECT count(*) FROM results WHERE run_id = ? AND status = 'ok'`;
    return database.prepare<[number], number>(sql).pluck().get(runId) ?? 0;
  } catch (error) {
    if (error instanceof Database.SqliteError) return 0; // its tables are being made
    throw error;
  } finally {
    database.close();
  }
}

suite('winnow run --find', () => {
  test('labels the boxes of a detection model with a classifier, and says so', async (t) => {
    const { data, folder } = await place(t, 3);
    const { code, stdout, stderr } = await winnow(data, 'run', folder, ...FIND);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /first {3}finder; boxes from 0\.1, margin 0\.1; an image's label: its best box's/);
    const { boxes, masks } = contents(data, 2);
    assert.ok(boxes.length > 0);
    assert.ok(stderr.includes(`found in 3/3 images  ${boxes.length}/${boxes.length} boxes labelled`), stderr);
    assert.match(stdout, /^Run 2 is done: \d images? labelled, .*0 failed\.\nFound: \d+ objects?\.\n/);
    assert.equal(masks.length, boxes.length);
    for (const { score, found_score: found, label_score: label } of boxes) {
      assert.ok(Number(found) >= 0.1 && Number(label) > 0 && Number(label) <= 1);
      assert.ok(Math.abs(Number(score) - Number(found) * Number(label)) < 1e-12);
    }
    const shown = await winnow(data, 'show', '2');
    assert.match(shown.stdout, /first +finder; boxes from 0\.1/);
    const refused = await winnow(data, 'run', folder, '--margin', '0.2');
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /Expected --find or --find-run beside options of what is found first/);
  });

  test('killed in either stage goes on to the same rows, each once', async (t) => {
    await assertGoesOn(t, await place(t, 48), FIND, 48);
  });

  const photos = sharedData('photos');
  const models = sharedData('golden');
  const skip = photos.skip || models.skip;
  test('killed in either stage goes on to the same rows over photographs too', { skip }, async (t) => {
    const count = 12;
    const data = temporaryFolder(t);
    const folder = join(data, 'photos');
    mkdirSync(folder);
    for (const name of readdirSync(photos.path).sort().slice(0, count))
      cpSync(join(photos.path, name), join(folder, name));
    const from = (name: string) => join(models.path, name, 'checkpoint.pth');
    for (const args of [
      [from('vim-det-plain-random'), '--name', 'finder', '--directions', 'summed'],
      [from('dyvm-vim-tiny-random'), '--name', 'tiny', '--architecture', 'vim'],
    ]) {
      const { code, stderr } = await winnow(data, 'models', 'import', ...args);
      assert.equal(code, 0, stderr);
    }
    const boxes = await assertGoesOn(t, { data, folder }, PHOTOS, count);
    assert.ok(boxes >= count, `${boxes} boxes in ${count} photographs`);
  });
});

/**
 * Asserts that a run that is killed in its first stage, and one in its second, have in the end what one has that nobody kills;
 * over a folder with `count` pictures, with the models of a data folder. Returns how many boxes they have.
 */
async function assertGoesOn(
  t: TestContext,
  { data: whole, folder }: { data: string; folder: string },
  how: readonly string[],
  count: number,
): Promise<number> {
  const uninterrupted = await winnow(whole, 'run', folder, ...how);
  assert.equal(uninterrupted.code, 0, uninterrupted.stderr);
  const expected = contents(whole, 2);
  assert.equal(expected.results.length, count);
  for (const runId of [1, 2]) {
    const data = temporaryFolder(t);
    cpSync(join(whole, 'models'), join(data, 'models'), { recursive: true });
    const { child, ended } = start(data, 'run', folder, ...how);
    while (savedIn(data, runId) === 0 && child.exitCode === null) await wait(5);
    child.kill('SIGKILL');
    await ended;
    const saved = savedIn(data, runId);
    assert.ok(saved > 0 && saved < count, `${saved} of ${count} were saved in run ${runId}`);
    const resumed = await winnow(data, 'resume', '2');
    assert.equal(resumed.code, 0, resumed.stderr);
    assert.deepEqual(contents(data, 2), expected);
  }
  return expected.boxes.length;
}
