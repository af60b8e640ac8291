import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { describeDamage } from '../../../../electron/core/library/check-library.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import { AppError } from '../../../../electron/shared/errors.ts';
import { curve, point } from '../../support/calibrations.ts';
import { winnow } from '../../support/command-line.ts';
import { foundRun } from '../../support/found-run.ts';
import { seededRandom } from '../random.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const FLIPS = 400;

/** What exports are made from, and what else people and runs make, as text. */
const EXPORTED = [
  'SELECT id, path FROM folders ORDER BY id',
  'SELECT id, folder_id, relative_path, file_size, modified_ms, width, height, captured_at FROM images ORDER BY id',
  'SELECT sha256, name, manifest FROM models ORDER BY sha256',
  'SELECT id, spec, model_sha256, created_at FROM runs ORDER BY id',
  'SELECT * FROM detections ORDER BY run_id, image_id, number',
  'SELECT * FROM masks ORDER BY run_id, image_id, number',
  'SELECT * FROM results ORDER BY run_id, image_id',
  'SELECT * FROM reviews ORDER BY class_set, image_id',
  ...[
    'directories',
    'class_sets',
    'calibrations',
    'queue',
    'transfers',
    'transfer_files',
    'written_files',
  ].map((table) => `SELECT * FROM ${table} ORDER BY 1, 2`),
];

/** The exported values of a library file; undefined where SQLite cannot read it. */
function exported(path: string): string | undefined {
  const database = new Database(path, { readonly: true });
  try {
    const rows = EXPORTED.map((sql) => database.prepare(sql).raw().all());
    return JSON.stringify(rows, (_, value: unknown) =>
      Buffer.isBuffer(value) ? value.toString('hex') : value,
    );
  } catch (error) {
    if (error instanceof Database.SqliteError) return undefined;
    throw error;
  } finally {
    database.close();
  }
}

/** Whether anything is found: by opening the library, or by the check. */
function isFound(path: string): boolean {
  try {
    const library = Library.open(path);
    try {
      const { problems, found } = library.findDamage();
      return problems.length + found.length > 0;
    } finally {
      library.close();
    }
  } catch (error) {
    if (error instanceof AppError || error instanceof Database.SqliteError) return true;
    throw error;
  }
}

/** A library with detections, masks, reviews and boxes; nothing of it in a log beside it. */
async function makeLibrary(t: TestContext): Promise<{ path: string; runId: number }> {
  const found = Object.fromEntries(
    Array.from({ length: 40 }, (_, index) => [
      `shore/${index}.png`,
      { detections: [[index % 3, 0.9, 1, 2, 20, 10], [1, 0.4, 8, 8, 12, 9]] }, // prettier-ignore
    ]),
  );
  const labels = [{ name: 'gull' }, { name: 'boat' }, { name: 'seal' }];
  const { app, runId, ids, libraryPath } = await foundRun(t, 'detection', labels, found as never);
  const images = Object.values(ids);
  await app.review({ runId, imageIds: images.slice(0, 12), verdict: { kind: 'accept' }, minScore: 0.3 });
  await app.review({ runId, imageIds: images.slice(5, 9), verdict: { kind: 'label', label: 'sea lion' } });
  const to = join(libraryPath, '../sorted');
  await app.transferFiles({ runId, to, mode: 'copy' });
  await app.exportRun({ runId, format: 'csv', out: join(libraryPath, '../table.csv') });
  await app.close();
  const library = Library.open(libraryPath);
  const { sha256 } = library.models.get(library.runs.get(runId)?.spec.modelSha256 ?? '');
  for (const threads of [1, 2])
    library.calibrations.put({ ...curve([point(10, {})]), modelSha256: sha256, threads });
  library.queue.add({ runId, threads: 2, batch: 8 }, 'last');
  library.close();
  const database = new Database(libraryPath);
  database.pragma('wal_checkpoint(TRUNCATE)');
  database.pragma('journal_mode = DELETE');
  database.close();
  return { path: libraryPath, runId };
}

suite('checksums of rows', () => {
  test(`every one of ${FLIPS} flipped bits that changes an exported value is found by the check`, async (t) => {
    const { path } = await makeLibrary(t);
    assert.equal(isFound(path), false);
    const whole = readFileSync(path);
    const before = exported(path);
    const random = seededRandom(6);
    const copy = join(temporaryFolder(t), 'library.db');
    const missed: string[] = [];
    let changed = 0;
    for (let flip = 0; flip < FLIPS; flip++) {
      const [offset, bit] = [random(whole.length), random(8)];
      const damaged = Buffer.from(whole);
      damaged[offset] = (damaged[offset] ?? 0) ^ (1 << bit);
      writeFileSync(copy, damaged);
      const after = exported(copy);
      if (after === before) continue;
      changed++;
      if (!isFound(copy)) missed.push(`bit ${bit} of byte ${offset}`);
    }
    assert.ok(changed > FLIPS / 20, `only ${changed} flips changed anything`);
    assert.deepEqual(missed, []);
  });

  test('every statement writes them: a library that was used is sound, and one of an older Winnow gets them', async (t) => {
    const { path } = await makeLibrary(t);
    const old = new Database(path);
    old.exec(`UPDATE images SET sum = NULL; UPDATE results SET sum = NULL;
      DROP TABLE run_counts; DROP TRIGGER results_added; DROP TRIGGER results_changed; DROP TRIGGER results_removed;
      DROP INDEX transfers_run; ALTER TABLE transfers DROP COLUMN state; ALTER TABLE transfers DROP COLUMN run_id;
      ALTER TABLE transfers DROP COLUMN filter;
      ALTER TABLE runs DROP COLUMN importing; ALTER TABLE reviews DROP COLUMN source;
      ALTER TABLE detections DROP COLUMN found_class; ALTER TABLE detections DROP COLUMN found_score;
      ALTER TABLE detections DROP COLUMN label_score`);
    old.pragma('user_version = 15'); // as before there were any
    old.close();
    assert.equal(isFound(path), false);
  });

  test('what is damaged of classes, calibrations, sortings and the queue is called by its name', async (t) => {
    const { path, runId } = await makeLibrary(t);
    const database = new Database(path);
    database.exec(`
      UPDATE class_sets SET names = replace(names, 'gull', 'gulk');
      UPDATE calibrations SET points = replace(points, '10', '11') WHERE threads = 2;
      UPDATE queue SET batch = 9;
      UPDATE transfers SET mode = 'move';
      UPDATE transfer_files SET place = place || 'x' WHERE source LIKE '%/shore/0.png';
      UPDATE written_files SET file_size = file_size + 1;`);
    database.close();
    const library = Library.open(path);
    t.after(() => library.close());
    const { others, results, reviews } = describeDamage(library.findDamage());
    assert.deepEqual([results, reviews.images], [[], 0]);
    assert.deepEqual(
      others.map((name) => name.replaceAll(join(path, '..'), '')),
      [
        'classes ["boat","gulk","seal"]',
        'calibration of finder on cpu',
        `run ${runId} in the queue`,
        'sorting 1 into /sorted',
        '/shore/0.png in sorting 1',
        'that /table.csv was written by Winnow',
      ],
    );
  });

  test('the command names run and images, mends results, and says that a review needs a backup', async (t) => {
    const { path, runId } = await makeLibrary(t);
    const check = (...options: string[]) => winnow(join(path, '..'), 'library', 'check', ...options);
    assert.match((await check()).stdout, /^The library is sound: [\d,]+ rows are what was written\.\n$/);
    const database = new Database(path);
    database.exec(`
      UPDATE detections SET score = 0.91 WHERE image_id = 3 AND number = 0;
      UPDATE results SET class_1 = 2 WHERE image_id = 7;
      UPDATE reviews SET label = 'seal' WHERE image_id = 9;
      DELETE FROM queue`);
    database.close();
    const found = await check();
    assert.equal(found.code, 1);
    assert.match(
      found.stdout,
      new RegExp(`^Run ${runId}: the results of 2 images are damaged\\.\n.*shore/2\\.png\n.*shore/6\\.png\n`),
    );
    assert.match(found.stdout, /`winnow library check --mend` makes them pending/);
    assert.match(
      found.stdout,
      /What people said of 1 image is damaged\.\n.*shore\/8\.png\nReview them again, or: .*restore/,
    );
    const mended = await check('--mend');
    assert.match(mended.stdout, new RegExp(`They are pending again: \`winnow resume ${runId}\``));
    const library = Library.open(path);
    t.after(() => library.close());
    assert.equal(library.results.counts(runId).pending, 2);
    assert.equal(library.runs.get(runId)?.state, 'paused');
    assert.equal(library.found.detections(runId, [3, 7]).size, 0);
    const { results, reviews } = describeDamage(library.findDamage());
    assert.deepEqual([results, reviews.images], [[], 1]);
  });
});
