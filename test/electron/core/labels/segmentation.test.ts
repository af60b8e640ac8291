import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { decodeRuns, encodeRuns, fromBitmap, toBitmap } from '../../../../electron/shared/mask.ts';
import { mergeRegions } from '../../../../electron/core/labels/merge-regions.ts';
import { foundRun } from '../../support/found-run.ts';
import { appError } from '../app-error.ts';
import { seededRandom } from '../random.ts';
import { AS_RUN, labelWorld, skipped } from './support.ts';

const labels = [{ name: 'sky' }, { name: 'Gras, grün' }, { name: 'water' }];

/** Corners of a rectangle, as COCO's polygons have them. */
const ring = (x: number, y: number, width: number, height: number) => [
  x,
  y,
  x + width,
  y,
  x + width,
  y + height,
  x,
  y + height,
];

suite('areas of classes', () => {
  test('come back from our own COCO as a segmentation run, which is exported as before', async (t) => {
    const { app, root, runId } = await foundRun(t, 'segmentation', labels, {
      'shore/a/1.png': {
        regions: [
          [0, 0, 0, 20, 40],
          [2, 20, 0, 28, 40],
        ],
      },
      'shore/a/2.png': { regions: [[1, 0, 0, 48, 40]] },
      'shore/b/3.png': { regions: [] },
    });
    const [first, second] = [join(root, 'first.json'), join(root, 'second.json')];
    await app.exportRun({ runId, format: 'coco', out: first });
    const folder = join(root, 'shore');
    const imported = await app.importLabels({ path: first, folder, purpose: AS_RUN });
    assert.deepEqual(
      [imported.report.task, imported.report.masks, imported.report.blank],
      ['segmentation', 3, 1],
    );
    assert.deepEqual(imported.report.skipped, []);
    await app.exportRun({ runId: imported.runId, format: 'coco', out: second });
    const read = (path: string) => {
      const { info, ...content } = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
      assert.ok(info !== undefined);
      return content;
    };
    assert.deepEqual(read(second), read(first));
    assert.deepEqual(read(first)['categories'], [
      { id: 1, name: 'sky', isthing: 0 },
      { id: 2, name: 'Gras, grün', isthing: 0 },
      { id: 3, name: 'water', isthing: 0 },
    ]);
    assert.equal((await app.showRun({ runId: imported.runId })).run.blank, 1);
    // Areas are nothing that a review could hold, and that is said.
    const purpose = { kind: 'reviews', by: 'Ada' } as const;
    await assert.rejects(
      app.importLabels({ path: first, folder, purpose }),
      appError('BAD_ARGUMENT', /nothing of it can come in/),
    );
    assert.deepEqual(skipped(await app.inspectLabels({ path: first, folder, purpose })), { onlyAreas: 3 });
  });

  test('of other tools are told by a person: masks are objects without that', async (t) => {
    const { put, run, app } = await labelWorld(t, ['a.png', 'b.png']);
    const annotation = (
      id: number,
      category: number,
      segmentation: number[][] | undefined,
      more: object = {},
    ) => ({
      id,
      image_id: 1,
      category_id: category,
      segmentation,
      iscrowd: 0,
      ...more,
    });
    const file = {
      images: [
        { id: 1, file_name: 'a.png', width: 100, height: 80 },
        { id: 2, file_name: 'b.png', width: 100, height: 80 },
      ],
      categories: [
        { id: 5, name: 'grass' },
        { id: 9, name: 'path' },
      ],
      annotations: [
        annotation(1, 5, [ring(0, 0, 50, 80)]),
        annotation(2, 5, [ring(80, 0, 20, 80)]),
        annotation(3, 9, [ring(40, 0, 20, 40), ring(40, 60, 20, 20)]), // in front of the first
        annotation(4, 9, undefined, { bbox: [0, 0, 5, 5] }),
      ],
    };
    const path = put('stuff.json', JSON.stringify(file));
    const objects = await run(path);
    assert.deepEqual([objects.report.task, objects.report.boxes, objects.report.masks], ['detection', 4, 3]);
    const areas = await run(path, { task: 'segmentation' });
    assert.deepEqual([areas.report.task, areas.report.masks, areas.report.boxes], ['segmentation', 3, 0]);
    assert.deepEqual([skipped(areas.report), areas.report.blank], [{ noMask: 1 }, 1]);
    const { imageIds } = await app.findImages({ runId: areas.runId, filter: {}, sort: 'path' });
    const { regions } = await app.showImage({ runId: areas.runId, imageId: imageIds[0] ?? 0 });
    const area = { grass: 40 * 80 + 10 * 20 + 20 * 80, path: 20 * 40 + 20 * 20 };
    assert.deepEqual(
      regions.map(({ label, share }) => [label, Math.round(share * 8000)]),
      [
        ['grass', area.grass],
        ['path', area.path],
      ],
    );
    // Categories without instances say the same; with one of instances among them, masks are objects.
    const stuff = file.categories.map((one) => ({ ...one, isthing: 0 }));
    const told = await run(put('told.json', JSON.stringify({ ...file, categories: stuff })));
    assert.equal(told.report.task, 'segmentation');
    const mixed = [
      { id: 5, name: 'grass', isthing: 0 },
      { id: 9, name: 'path', isthing: 1 },
    ];
    const things = await run(put('mixed.json', JSON.stringify({ ...file, categories: mixed })));
    assert.equal(things.report.task, 'detection');
    const chosen = await run(put('told.json', JSON.stringify({ ...file, categories: stuff })), {
      task: 'detection',
    });
    assert.deepEqual([chosen.report.task, chosen.report.boxes], ['detection', 4]);
    const plain = put('boxes.json', JSON.stringify({ ...file, annotations: file.annotations.slice(3) }));
    await assert.rejects(
      run(plain, { task: 'segmentation' }),
      appError(
        'BAD_ARGUMENT',
        /Expected masks in .*boxes\.json, which a segmentation consists of, but it has none/,
      ),
    );
  });

  test('that lie over each other are painted one after the other, as pixel by pixel', () => {
    const random = seededRandom(7);
    const [width, height] = [13, 9];
    for (let round = 0; round < 200; round++) {
      const masks = Array.from({ length: 1 + random(4) }, () => {
        const share = random(7);
        const bitmap = Uint8Array.from({ length: width * height }, () => Number(random(10) < share));
        return { classIndex: random(3), bitmap };
      });
      const values = new Map<number, Uint8Array>();
      for (const { classIndex, bitmap } of masks)
        for (const [pixel, isSet] of bitmap.entries()) {
          if (isSet === 0) continue;
          for (const other of values.values()) other[pixel] = 0;
          const own = values.get(classIndex) ?? new Uint8Array(width * height);
          own[pixel] = 1;
          values.set(classIndex, own);
        }
      const merged = mergeRegions(
        masks.map(({ classIndex, bitmap }) => {
          const area = bitmap.reduce((sum, one) => sum + one, 0);
          return { classIndex, mask: { counts: encodeRuns(fromBitmap(bitmap, width, height)), area } };
        }),
        width * height,
      );
      for (const { classIndex, mask } of merged) {
        const wanted = values.get(classIndex) ?? new Uint8Array(width * height);
        assert.deepEqual(toBitmap(decodeRuns(mask.counts), width, height), wanted);
        assert.equal(
          mask.area,
          wanted.reduce((sum, one) => sum + one, 0),
        );
      }
      const shown = [...values].filter(([, bitmap]) => bitmap.includes(1)).map(([classIndex]) => classIndex);
      const kept = merged.filter(({ mask }) => mask.area > 0).map(({ classIndex }) => classIndex);
      assert.deepEqual(kept.sort(), shown.sort());
    }
  });
});
