import assert from 'node:assert/strict';
import Database from 'better-sqlite3';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { readManifest, verifyPackage } from '../../../electron/core/packages/read-package.ts';
import { readExactly, readHeader, withFile } from '../../../electron/core/packages/read-safetensors.ts';
import { writeSafetensors } from '../../../electron/core/packages/write-safetensors.ts';
import { MANIFEST_KEY } from '../../../electron/shared/model-package.ts';
import { winnow } from '../support/command-line.ts';
import { drawFolder } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';

const golden = fileURLToPath(new URL('../../golden/one-stage-random/package.safetensors', import.meta.url));

/** A data folder with the golden detector, or without what it draws masks with, as `finder`, and drawn pictures. */
async function place(t: TestContext, draws: 'boxes and masks' | 'boxes', count = 3) {
  const data = temporaryFolder(t);
  const folder = join(data, 'pictures');
  await drawFolder(folder, count);
  const path = join(data, 'models', 'finder.safetensors');
  const manifest = await readManifest(golden);
  assert.ok(manifest.task === 'detection' && manifest.head.kind === 'one-stage');
  const { prototypes, ...boxesAlone } = manifest.head;
  assert.equal(prototypes, 6);
  const head = draws === 'boxes' ? boxesAlone : manifest.head;
  await withFile(golden, async (handle) => {
    const { tensors } = await readHeader(handle);
    const kept = [...tensors].filter(([name]) => draws !== 'boxes' || !/^prototypes|coefficients/.test(name));
    const sources = kept.map(([name, { type, shape, start, bytes }]) => {
      return { name, type, shape, read: () => readExactly(handle, start, bytes) };
    });
    await writeSafetensors(path, sources, (dataSha256) => ({
      [MANIFEST_KEY]: JSON.stringify({ ...manifest, head, dataSha256 }),
    }));
  });
  await verifyPackage(path);
  return { data, folder };
}

interface Row {
  score: number;
  x: number;
  y: number;
  right: number;
  bottom: number;
  W: number;
  H: number;
  area: number | null;
}

function boxesOf(data: string): Row[] {
  const database = new Database(join(data, 'library.db'), { readonly: true });
  try {
    return database
      .prepare<[], Row>(
        `SELECT score, x, y, x + d.width AS right, y + d.height AS bottom, images.width AS W, images.height AS H, area
        FROM detections AS d JOIN images ON images.id = image_id LEFT JOIN masks USING (run_id, image_id, number)`,
      )
      .all();
  } finally {
    database.close();
  }
}

const RUN = ['--model', 'finder', '--device', 'cpu', '--min-score', '0.3'];

suite('winnow run with a detector in one stage', () => {
  for (const draws of ['boxes and masks', 'boxes'] as const) {
    test(`saves ${draws}, and a table of them comes out`, async (t) => {
      const { data, folder } = await place(t, draws);
      const { code, stdout, stderr } = await winnow(data, 'run', folder, ...RUN);
      assert.equal(code, 0, stderr);
      assert.match(stdout, /^Run 1 is done: 3 images labelled, 0 failed\.\nFound: \d+ objects/);
      const boxes = boxesOf(data);
      assert.ok(boxes.length > 3);
      for (const { score, x, y, right, bottom, W, H, area } of boxes) {
        assert.ok(score >= 0.3 && score <= 1 && x >= 0 && y >= 0 && right <= W && bottom <= H);
        if (draws === 'boxes') assert.equal(area, null);
        else assert.ok(area !== null && area <= (right - x + 1) * (bottom - y + 1));
      }
      const out = join(data, 'out.csv');
      const exported = await winnow(data, 'export', '1', '--format', 'detections', '--out', out);
      assert.equal(exported.code, 0, exported.stderr);
      const [head = '', ...rows] = readFileSync(out, 'utf8').trim().split(/\r?\n/);
      const column = head.split(',').indexOf('mask_area');
      const shown = boxes.filter(({ score }) => score >= 0.5).length;
      assert.ok(column > 0, head);
      assert.equal(rows.length, shown);
      const areas = rows.map((row) => row.split(',')[column]).filter((area) => area !== '');
      assert.equal(areas.length, draws === 'boxes' ? 0 : shown);
    });
  }

  test('leaves patches out as the dial says, and cards tell the head', async (t) => {
    const { data, folder } = await place(t, 'boxes and masks', 1);
    const card = await winnow(data, 'models', 'show', 'finder');
    assert.match(card.stdout, /detection: one-stage detector on DyVM Vim/);
    assert.match(card.stdout, /16 channels, towers of 2 convolutions; masks of 6 prototypes/);
    const kept = async (ratio: string) => {
      const { code, stderr } = await winnow(data, 'run', folder, ...RUN, '--token-keep', ratio);
      assert.equal(code, 0, stderr);
      return boxesOf(data);
    };
    const all = await kept('1');
    const database = new Database(join(data, 'library.db'), { readonly: true });
    t.after(() => database.close());
    await kept('0.25');
    const survived = database
      .prepare<[], { survived: Buffer }>('SELECT survived FROM results ORDER BY run_id')
      .all()
      .map((row) => row.survived.reduce((sum, stages) => sum + stages, 0));
    assert.deepEqual(survived, [64, 16]);
    assert.ok(all.length > 0);
  });
});
