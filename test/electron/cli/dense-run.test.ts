import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { decodeRuns } from '../../../electron/shared/mask.ts';
import { segmentationCheckpoint } from '../core/checkpoint/tiny-model.ts';
import { saveZip } from '../core/checkpoint/torch-save.ts';
import { countResults, start, untilUnderWay, winnow } from '../support/command-line.ts';
import { draw, drawFolder } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const golden = fileURLToPath(new URL('../../golden/vim-det-plain-random/checkpoint.pth', import.meta.url));

/** A data folder with the detection model `finder` and the segmentation model `painter`, and some drawn pictures. */
async function place(t: TestContext, count: number) {
  const data = temporaryFolder(t);
  const folder = join(data, 'pictures');
  await drawFolder(folder, count);
  const file = join(data, 'painter.pth');
  writeFileSync(file, saveZip(segmentationCheckpoint()));
  const imports = [
    [golden, '--name', 'finder', '--directions', 'summed'],
    [file, '--name', 'painter', '--token-keep', '0.5', '--pruning-layers', '1'],
  ];
  for (const args of imports) {
    const { code, stderr } = await winnow(data, 'models', 'import', ...args);
    assert.equal(code, 0, stderr);
  }
  return { data, folder };
}

/** What lies in the library's table. */
function rowsOf<Row>(data: string, sql: string): Row[] {
  const database = new Database(join(data, 'library.db'), { readonly: true });
  try {
    return database.prepare<[], Row>(sql).all();
  } finally {
    database.close();
  }
}

suite('winnow run with a detection model', () => {
  test('finds objects with boxes and masks inside their pictures', async (t) => {
    const { data, folder } = await place(t, 3);
    writeFileSync(join(folder, 'line.png'), await draw(1, 300).png().toBuffer());
    const args = ['run', folder, '--model', 'finder', '--min-score', '0.02', '--max-detections', '9'];
    const { code, stdout, stderr } = await winnow(data, ...args);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /finds {3}scores from 0\.02, boxes of a class overlap by 0\.5 at most, 9 objects/);
    assert.match(
      stdout,
      /^Run 1 is done: 2 images labelled, 2 blank, 0 failed\.\nFound: \d+ objects? with a score of at least 0\.5\.\n/,
    );
    const boxes = rowsOf<{
      image_id: number;
      number: number;
      score: number;
      x: number;
      y: number;
      right: number;
      bottom: number;
      W: number;
      H: number;
      counts: string;
      area: number;
    }>(
      data,
      `SELECT image_id, number, score, x, y, x + d.width AS right, y + d.height AS bottom, images.width AS W, images.height AS H, counts, area
      FROM detections AS d JOIN masks USING (run_id, image_id, number) JOIN images ON images.id = image_id ORDER BY image_id, number`,
    );
    assert.ok(boxes.length > 0 && boxes.every(({ number }) => number < 9));
    for (const { score, x, y, right, bottom, W, H, counts, area } of boxes) {
      assert.ok(score >= 0.02 && score <= 1 && x >= 0 && y >= 0 && right <= W && bottom <= H);
      const runs = decodeRuns(counts);
      assert.equal(
        runs.reduce((sum, run) => sum + run, 0),
        W * H,
      );
      assert.equal(
        runs.reduce((sum, run, index) => sum + (index % 2) * run, 0),
        area,
      );
    }
    assert.match(
      (await winnow(data, 'show', '1')).stdout,
      /^images {4}4: 2 labelled, 2 blank, 0 failed, 0 pending$[^]*^4 objects with a score of at least 0\.5$/m,
    );
    const refused = await winnow(data, 'run', folder, '--model', 'finder', '--slide-stride', '8');
    assert.match(
      refused.stderr,
      /^winnow: The model finder detects objects, so it has no slide stride to set\./,
    );
  });

  test(
    'goes on after SIGKILL where it was, and finds what an uninterrupted run finds',
    { skip: process.platform === 'win32' && 'needs signals' },
    async (t) => {
      const { data, folder } = await place(t, 12);
      const args = [
        'run',
        folder,
        '--model',
        'finder',
        '--device',
        'cpu',
        '--min-score',
        '0.02',
        '--batch',
        '1',
      ];
      const { child, ended } = start(data, ...args);
      await untilUnderWay(data, child);
      child.kill('SIGKILL');
      await ended;
      const times = "SELECT image_id AS id, milliseconds FROM results WHERE status = 'ok'";
      const before = rowsOf<{ id: number; milliseconds: number }>(data, times);
      assert.ok(before.length > 0 && before.length < 12);
      const resumed = await winnow(data, 'resume');
      assert.equal(resumed.code, 0, resumed.stderr);
      assert.deepEqual(countResults(data), { ok: 12 });
      const after = new Map(
        rowsOf<{ id: number; milliseconds: number }>(data, times).map(({ id, milliseconds }) => [
          id,
          milliseconds,
        ]),
      );
      for (const { id, milliseconds } of before) assert.equal(after.get(id), milliseconds); // not computed again
      const found =
        'SELECT image_id, number, class, score, x, y, width, height FROM detections ORDER BY 1, 2';
      const pieces = rowsOf(data, found);
      const whole = await winnow(data, 'remove', '1');
      assert.equal(whole.code, 0);
      assert.deepEqual(rowsOf(data, found), []);
      assert.equal((await winnow(data, ...args)).code, 0);
      assert.deepEqual(rowsOf(data, found), pieces);
    },
  );
});

suite('winnow run with a segmentation model', () => {
  test('covers every picture, whatever its shape, with areas', async (t) => {
    const { data, folder } = await place(t, 2);
    writeFileSync(join(folder, 'line.png'), await draw(200, 1).png().toBuffer());
    writeFileSync(join(folder, 'tall.png'), await draw(20, 61).png().toBuffer());
    const { code, stdout, stderr } = await winnow(
      data,
      'run',
      folder,
      '--model',
      'painter',
      '--csv',
      join(data, 'out.csv'),
    );
    assert.equal(code, 0, stderr);
    assert.match(stderr, /finds {3}windows every \d+ pixels/);
    assert.match(stdout, /^Run 1 is done: 4 images labelled, 0 failed\.\nLargest areas: /);
    const areas = rowsOf<{ area: number; pixels: number }>(
      data,
      'SELECT sum(area) AS area, width * height AS pixels FROM masks JOIN images ON images.id = image_id GROUP BY image_id',
    );
    assert.equal(areas.length, 4);
    for (const { area, pixels } of areas) assert.equal(area, pixels);
    const work = rowsOf<{ blocks_run: number }>(data, 'SELECT blocks_run FROM results');
    assert.ok(work.every(({ blocks_run }) => blocks_run >= 0 && blocks_run <= 8)); // of 4 blocks, however many windows
    assert.match(readFileSync(join(data, 'out.csv'), 'utf8'), /tall\.png/);
    assert.match((await winnow(data, 'show', '1')).stdout, /\nClasses by area\n/);
  });
});
