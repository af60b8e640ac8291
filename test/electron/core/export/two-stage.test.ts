import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { parse } from 'csv-parse/sync';
import { twoStageHome } from '../../support/two-stage.ts';
import type { Find } from '../../support/two-stage.ts';

/** A run on four pictures, of which the first is blank, and what is written of it. */
async function exported(t: TestContext, find: Find = {}) {
  const home = await twoStageHome(t, 4);
  const kind = home.kinds[1] ?? '';
  const { id: runId } = await home.run({ pass: [kind], ...find });
  const text = async (format: string) => {
    const { path } = await home.app.exportRun({ runId, format, out: join(home.folder, '..', format) });
    return readFileSync(path, 'utf8');
  };
  const table = async (format: string, ...columns: string[]) => {
    const rows = parse<Record<string, string>>(await text(format), { columns: true });
    return rows.map((row) => columns.map((column) => row[column]));
  };
  return { ...home, runId, kind, text, table };
}

suite('exports of a run that finds first', () => {
  test('have counts by label in the table of files, and blank as a class of its own', async (t) => {
    const { table, kind, text } = await exported(t);
    assert.deepEqual(
      await table('csv', 'relative_path', 'label', 'boxes', 'label_counts', 'model', 'finder'),
      [
        ['000.jpg', 'blank', '0', '', 'everyday10', 'finder'],
        ['001.jpg', kind, '1', `${kind} 1`, 'everyday10', 'finder'],
        ['002.jpg', 'airplane', '2', 'airplane 1; horse 1', 'everyday10', 'finder'],
        ['003.jpg', 'airplane', '3', 'horse 2; airplane 1', 'everyday10', 'finder'],
      ],
    );
    const { run, files } = JSON.parse(await text('json')) as {
      run: { find: Record<string, unknown> };
      files: { label: string; label_counts: Record<string, number> }[];
    };
    assert.deepEqual(
      files.map(({ label, label_counts: counts }) => [label, counts]),
      [
        ['blank', {}],
        [kind, { [kind]: 1 }],
        ['airplane', { airplane: 1, horse: 1 }],
        ['airplane', { horse: 2, airplane: 1 }],
      ],
    );
    const { model_sha256: sha256, ...how } = run.find;
    assert.match(String(sha256), /^[0-9a-f]{64}$/);
    assert.deepEqual(how, { model: 'finder', min_score: 0.2, margin: 0.1, label_rule: 'best', pass: [kind] });
  });

  test('call an image by all of its labels where the rule says so, but as a person does', async (t) => {
    const { table, app, runId } = await exported(t, { rule: 'all' });
    const { imageIds } = await app.findImages({ runId, filter: {}, sort: 'path' });
    await app.review({ runId, imageIds: [imageIds[2] ?? 0], verdict: { kind: 'label', label: 'frog' } });
    assert.deepEqual((await table('csv', 'label')).flat(), [
      'blank',
      'class 1 1',
      'frog',
      'horse 2; airplane 1',
    ]);
  });

  test('have both labels and their scores in the table of detections', async (t) => {
    const { table, kind, kinds } = await exported(t);
    const columns = [
      'relative_path',
      'label',
      'confidence',
      'found_label',
      'found_confidence',
      'label_confidence',
    ];
    const rows = await table('detections', ...columns);
    assert.deepEqual(rows.slice(0, 3), [
      ['000.jpg', 'blank', '', '', '', ''],
      ['001.jpg', kind, '0.9', kinds[1], '0.9', ''],
      ['002.jpg', 'airplane', '0.72', kinds[2] ?? '', '0.9', '0.8'],
    ]);
    assert.equal(rows.length, 1 + 1 + 2 + 3);
  });

  test('have classifications in MegaDetector’s format', async (t) => {
    const { text, kind } = await exported(t);
    const written = JSON.parse(await text('megadetector')) as {
      info: Record<string, unknown>;
      images: { file: string; detections: { category: string; conf: number; classifications?: unknown }[] }[];
      detection_categories: Record<string, string>;
      classification_categories: Record<string, string>;
    };
    const { info, images, detection_categories: found, classification_categories: labels } = written;
    assert.deepEqual(
      [info['format_version'], info['detector'], info['classifier']],
      ['1.4', 'finder', 'everyday10'],
    );
    const [none, one, two] = images;
    assert.deepEqual(none?.detections, []);
    const passed = one?.detections[0];
    assert.deepEqual(
      [found[passed?.category ?? ''], passed?.conf, passed?.classifications],
      [kind, 0.9, undefined],
    );
    const named = (two?.detections ?? []).map(({ conf, classifications }) => [
      conf,
      (classifications as [string, number][]).map(([key, score]) => [labels[key], score]),
    ]);
    assert.deepEqual(named, [
      [0.9, [['airplane', 0.8]]],
      [0.6, [['horse', 0.8]]],
    ]);
  });

  test('have the label that holds as COCO’s category', async (t) => {
    const { text } = await exported(t);
    const { annotations, categories } = JSON.parse(await text('coco')) as {
      annotations: { category_id: number }[];
      categories: { id: number; name: string }[];
    };
    const names = new Map(categories.map(({ id, name }) => [id, name]));
    const labels = annotations.map(({ category_id: id }) => names.get(id));
    assert.deepEqual(labels, ['class 1', 'airplane', 'horse', 'airplane', 'horse', 'horse']);
  });
});

suite('filters and sorting of a run that finds first', () => {
  test('know blank images as a class of their own', async (t) => {
    const { app, runId, folder, kind } = await exported(t);
    const find = async (filter: Parameters<typeof app.findImages>[0]['filter']) =>
      (await app.findImages({ runId, filter, sort: 'path' })).imageIds.length;
    assert.deepEqual([await find({ labels: ['blank'] }), await find({ status: 'blank' })], [1, 1]);
    assert.deepEqual([await find({ labels: ['airplane'] }), await find({ contains: ['horse'] })], [2, 2]);
    const { labels, found } = await app.resultFacets({ runId, filter: {} });
    const counts = (all: { label: string; count: number }[]) =>
      Object.fromEntries(all.map(({ label, count }) => [label, count]));
    assert.deepEqual(counts(labels), { '': 1, [kind]: 1, airplane: 2 });
    assert.deepEqual(counts(found), { [kind]: 1, airplane: 2, horse: 2 });
    const to = join(folder, '..', 'sorted');
    await app.transferFiles({ runId, filter: {}, to, mode: 'copy' });
    for (const place of ['blank/000.jpg', `${kind}/001.jpg`, 'airplane/002.jpg', 'airplane/003.jpg'])
      assert.ok(existsSync(join(to, place)), place);
  });

  test('take every box that was kept as found, whatever its scores make together', async (t) => {
    const { app, runId } = await exported(t);
    const { run, found } = await app.showRun({ runId });
    assert.ok(found?.task === 'detection');
    assert.deepEqual([run.blank, found.objects, found.minScore], [1, 6, 0]); // one of them has 0.24
    const { imageIds } = await app.findImages({ runId, filter: {}, sort: 'path' });
    const { detections } = await app.showImage({ runId, imageId: imageIds[3] ?? 0 });
    assert.deepEqual(
      detections.map(({ label, finder }) => [
        label,
        finder && { ...finder, score: Math.round(finder.score * 10) },
      ]),
      [
        ['airplane', { label: '', score: 9, labelScore: 0.8 }],
        ['horse', { label: '', score: 6, labelScore: 0.8 }],
        ['horse', { label: '', score: 3, labelScore: 0.8 }],
      ],
    );
  });
});
