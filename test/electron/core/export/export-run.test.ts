import assert from 'node:assert/strict';
import { parse } from 'csv-parse/sync';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { ResultFilter } from '../../../../electron/shared/api/results.ts';
import { exportedCsv } from '../../support/exported-csv.ts';
import { writeFiles } from '../../support/files.ts';
import { testApp } from '../../support/test-app.ts';

suite('CSV export', () => {
  test('has a row for every file and the columns that docs/exports.md lists', async (t) => {
    const { app, folder } = testApp(t);
    writeFiles(folder, { 'a/1.jpg': 'x', 'b/1.jpg': 'x', 'bad.jpg': 'x' });
    const { spec } = await app.run({ folders: [folder] });
    const { records, summary, text } = await exportedCsv(app, folder);
    assert.equal(summary.rows, 3);
    const header = text.slice(0, text.indexOf('\r\n')).split(',');
    const documented = readFileSync(new URL('../../../../docs/exports.md', import.meta.url), 'utf8');
    const section = documented.slice(documented.indexOf('## CSV'));
    const named = [...section.matchAll(/^\| `(\w+)`/gm)].map(([, column]) => column);
    assert.deepEqual(named.slice(0, header.length), header);
    const same = { verified: 'false', model: 'everyday10', model_sha256: spec.modelSha256 };
    const rest = { ...same, preset: 'balanced', device: 'cpu' };
    const fine = {
      width: '48',
      height: '40',
      captured_at: '',
      status: 'ok',
      label: 'automobile',
      label_source: 'model',
      predicted_label: 'automobile',
      confidence: '0.5',
      predicted_label_2: 'bird',
      confidence_2: '0.2',
      predicted_label_3: 'cat',
      confidence_3: '0.1',
      predicted_label_4: 'deer',
      confidence_4: '0.05',
      predicted_label_5: 'dog',
      confidence_5: '0.03',
      ...rest,
      blocks_run: '12',
      tokens_kept: '16',
      milliseconds: '2',
      error: '',
      warning: '',
      problem_details: '',
      captured_fraction: '',
      captured_offset: '',
      min_score: '',
    };
    const place = (path: string) => ({ relative_path: path, absolute_path: join(folder, path) });
    assert.deepEqual(records.slice(0, 2), [
      { ...place('a/1.jpg'), ...fine, folder_1: 'a' },
      { ...place('b/1.jpg'), ...fine, folder_1: 'b' },
    ]);
    assert.deepEqual(
      [records[2]?.['status'], records[2]?.['label'], records[2]?.['error'], records[2]?.['model']],
      ['failed', '', 'the picture is damaged and cannot be decoded', 'everyday10'],
    );
  });

  const onWindows = process.platform === 'win32' && 'needs file names that Windows does not have';
  test('keeps odd names as they are', { skip: onWindows }, async (t) => {
    const { app, folder } = testApp(t);
    const names = [
      'a b.jpg',
      'a\nb.jpg',
      'a\rb.jpg',
      'a,b;c.jpg',
      '"q".jpg',
      "it's.jpg",
      '=1+1.jpg',
      '-x.jpg',
    ];
    const more = ['+1.jpg', '@a.jpg', '🌾.jpg', ' .jpg', 'tab\t.jpg', 'e\u0301.jpg', 'é.jpg', '\ufeff.jpg'];
    writeFiles(folder, Object.fromEntries([...names, ...more].map((name) => [`in ${name}/${name}`, 'x'])));
    await app.run({ folders: [folder] });
    const { paths } = await exportedCsv(app, folder);
    assert.deepEqual([...paths].sort(), [...names, ...more].map((name) => `in ${name}/${name}`).sort());
  });

  test('goes on over many pages, in order of paths', async (t) => {
    const { app, folder } = testApp(t, 0);
    writeFiles(folder, Object.fromEntries(Array.from({ length: 2345 }, (_, index) => [`${index}.jpg`, ''])));
    await app.run({ folders: [folder], batch: 500 });
    const { paths, summary } = await exportedCsv(app, folder);
    assert.equal(summary.rows, 2345);
    assert.deepEqual(paths, Array.from({ length: 2345 }, (_, index) => `${index}.jpg`).sort());
  });

  test('passes only what the filters let through', async (t) => {
    const { app, folder } = testApp(t);
    writeFiles(folder, { '1.jpg': 'x', '2.jpg': 'x', 'bad.jpg': 'x' });
    await app.run({ folders: [folder] });
    const paths = async (filter: ResultFilter) => (await exportedCsv(app, folder, { filter })).paths;
    assert.deepEqual(await paths({ status: 'ok' }), ['1.jpg', '2.jpg']);
    assert.deepEqual(await paths({ status: 'failed' }), ['bad.jpg']);
    assert.deepEqual(await paths({ labels: ['bird'] }), ['2.jpg']);
    assert.deepEqual(await paths({ minConfidence: 0.5 }), ['1.jpg', '2.jpg']);
    assert.deepEqual(await paths({ minConfidence: 0.51 }), []);
    assert.deepEqual(await paths({ labels: ['unicorn'] }), []);
  });

  test('has as its label what holds, where it is from, and beside it what the model says', async (t) => {
    const { app, folder } = testApp(t);
    writeFiles(folder, { '1.jpg': 'x', '2.jpg': 'x', '3.jpg': 'x', 'bad.jpg': 'x' });
    await app.run({ folders: [folder] });
    const { imageIds } = await app.findImages({ runId: 1, filter: {}, sort: 'path' });
    const [one = 0, two = 0, , bad = 0] = imageIds;
    await app.review({ runId: 1, imageIds: [one], verdict: { kind: 'accept' } });
    await app.review({ runId: 1, imageIds: [two, bad], verdict: { kind: 'label', label: 'a, "fox"' } });
    const { records } = await exportedCsv(app, folder);
    const names = ['label', 'label_source', 'predicted_label', 'confidence', 'verified'];
    assert.deepEqual(
      records.map((record) => names.map((name) => record[name])),
      [
        ['automobile', 'verified', 'automobile', '0.5', 'true'],
        ['a, "fox"', 'person', 'bird', '0.5', 'true'],
        ['cat', 'model', 'cat', '0.5', 'false'],
        ['a, "fox"', 'person', '', '', 'true'],
      ],
    );
    const classic = await exportedCsv(app, folder, { columns: 'classic' });
    assert.deepEqual(
      classic.records.map((record) => [record['label'], record['human_label'], record['verified']]),
      [
        ['automobile', 'automobile', 'true'],
        ['bird', 'a, "fox"', 'true'],
        ['cat', '', 'false'],
        ['', 'a, "fox"', 'true'],
      ],
    );
    const paths = async (filter: ResultFilter) => (await exportedCsv(app, folder, { filter })).paths;
    assert.deepEqual(await paths({ status: 'verified' }), ['1.jpg', '2.jpg', 'bad.jpg']);
    assert.deepEqual(await paths({ status: 'corrected' }), ['2.jpg', 'bad.jpg']);
    assert.deepEqual(await paths({ labels: ['a, "fox"', 'cat'] }), ['2.jpg', '3.jpg', 'bad.jpg']);
  });

  test('keeps the old names of columns when asked to, all others too', async (t) => {
    const { app, folder } = testApp(t, 1);
    await app.run({ folders: [folder] });
    const header = async (columns: 'classic' | 'standard') =>
      (await exportedCsv(app, folder, { columns })).text.split('\r\n')[0]?.split(',') ?? [];
    const [standard, classic] = [await header('standard'), await header('classic')];
    assert.deepEqual(classic.slice(6, 18), [
      'label',
      'confidence',
      'label_2',
      'confidence_2',
      'label_3',
      'confidence_3',
      'label_4',
      'confidence_4',
      'label_5',
      'confidence_5',
      'human_label',
      'verified',
    ]);
    assert.deepEqual([classic.slice(0, 6), classic.slice(18)], [standard.slice(0, 6), standard.slice(19)]);
    assert.deepEqual((await app.previewExport({ runId: 1, columns: 'classic' })).columns, classic);
  });

  test('has a column for every folder down to the image that lies deepest in it', async (t) => {
    const { app, folder } = testApp(t);
    writeFiles(folder, { '1.jpg': 'x', 'station 1/2.jpg': 'x', 'station 1/day, 2/am/3.jpg': 'x' });
    writeFiles(folder, { 'station 10/day 1/4.jpg': 'x' });
    await app.run({ folders: [folder] });
    const folders = async (filter: ResultFilter) => {
      const { text } = await exportedCsv(app, folder, { filter });
      const [header = [], ...rows] = parse(text);
      const from = header.indexOf('min_score') + 1;
      return [header.slice(from), ...rows.map((row) => [row[0], ...row.slice(from)])];
    };
    assert.deepEqual(await folders({}), [
      ['folder_1', 'folder_2', 'folder_3'],
      ['1.jpg', '', '', ''],
      ['station 1/2.jpg', 'station 1', '', ''],
      ['station 1/day, 2/am/3.jpg', 'station 1', 'day, 2', 'am'],
      ['station 10/day 1/4.jpg', 'station 10', 'day 1', ''],
    ]);
    assert.deepEqual(await folders({ folder: 'station 10' }), [
      ['folder_1', 'folder_2'],
      ['station 10/day 1/4.jpg', 'station 10', 'day 1'],
    ]);
    assert.deepEqual(await folders({ text: '1.jpg' }), [[], ['1.jpg']]);
    const out = join(dirname(folder), 'out.json');
    await app.exportRun({ runId: 1, format: 'json', out });
    const { files } = JSON.parse(readFileSync(out, 'utf8')) as { files: { folders: string[] }[] };
    assert.deepEqual(
      files.map((file) => file.folders),
      [[], ['station 1'], ['station 1', 'day, 2', 'am'], ['station 10', 'day 1']],
    );
  });

  test('starts with a byte order mark when asked to', async (t) => {
    const { app, folder } = testApp(t, 1);
    await app.run({ folders: [folder] });
    assert.ok((await exportedCsv(app, folder, { bom: true })).text.startsWith('\ufeffrelative_path,'));
    assert.ok((await exportedCsv(app, folder)).text.startsWith('relative_path,'));
  });

  test('leaves out files that vanished before the run was run again', async (t) => {
    const { app, folder } = testApp(t, 2);
    await app.run({ folders: [folder] });
    rmSync(join(folder, '000.jpg'));
    await app.run({ folders: [folder] });
    assert.deepEqual((await exportedCsv(app, folder)).paths, ['001.jpg']);
  });

  test('is written as a whole or not at all', async (t) => {
    const { app, folder } = testApp(t, 2);
    await app.run({ folders: [folder] });
    const place = join(dirname(folder), 'place');
    mkdirSync(place);
    const failure = { code: 'FILE_SYSTEM', message: /cannot be written/ };
    await assert.rejects(exportedCsv(app, folder, { out: join(place, 'no/such/folder.csv') }), failure);
    mkdirSync(join(place, 'folder.csv'));
    await assert.rejects(exportedCsv(app, folder, { out: join(place, 'folder.csv') }), {
      code: 'BAD_ARGUMENT',
      message: /^Expected a file to write, but .*folder\.csv is a folder$/,
    });
    assert.deepEqual(readdirSync(place), ['folder.csv']);
    writeFileSync(join(place, 'old.csv'), 'old');
    await app.exportRun({ runId: 1, format: 'csv', out: join(place, 'old.csv'), force: true });
    assert.match(readFileSync(join(place, 'old.csv'), 'utf8'), /^relative_path,/);
  });
});

suite('JSON export', () => {
  test('holds run, predictions and receipts', async (t) => {
    const { app, folder } = testApp(t);
    writeFiles(folder, { '3.jpg': 'x', 'bad "quoted".jpg': 'x' });
    const run = await app.run({ folders: [folder] });
    const out = join(dirname(folder), 'out.json');
    await app.exportRun({ runId: 1, format: 'json', out });
    const json = JSON.parse(readFileSync(out, 'utf8')) as { run: object; files: object[] };
    assert.deepEqual(json.run, {
      id: 1,
      created_at: run.createdAt,
      folders: [folder],
      model: 'everyday10',
      model_sha256: run.spec.modelSha256,
      preset: {
        name: 'balanced',
        token_keep: run.spec.preset?.tokenKeep,
        block_threshold: 0.5,
        precision: 'fp32',
      },
      device: 'cpu',
    });
    const [fine, bad] = json.files;
    const score = (label: string, class_index: number, confidence: number) => ({
      label,
      class_index,
      confidence,
    });
    assert.deepEqual(fine, {
      relative_path: '3.jpg',
      absolute_path: join(folder, '3.jpg'),
      width: 48,
      height: 40,
      captured_at: null,
      captured_fraction: null,
      captured_offset: null,
      status: 'ok',
      label: 'cat',
      label_source: 'model',
      predicted_label: 'cat',
      confidence: 0.5,
      predictions: [
        score('cat', 3, 0.5),
        score('deer', 4, 0.2),
        score('dog', 5, 0.1),
        score('frog', 6, 0.05),
        score('horse', 7, 0.03),
      ],
      human_label: null,
      verified: false,
      receipt: {
        directions: [3, 1, 2, 0, 3, 3, 3, 3],
        blocks_run: 12,
        patches_kept: [48, 32, 16],
        milliseconds: 2,
      },
      error: null,
      warning: null,
      problem_details: null,
      folders: [],
    });
    assert.ok(
      bad &&
        'error' in bad &&
        bad.error === 'the picture is damaged and cannot be decoded' &&
        'receipt' in bad &&
        bad.receipt === null,
    );
  });

  test('of no rows is valid', async (t) => {
    const { app, folder } = testApp(t);
    await app.run({ folders: [folder] });
    const out = join(dirname(folder), 'out.json');
    assert.equal((await app.exportRun({ runId: 1, format: 'json', out })).rows, 0);
    assert.deepEqual((JSON.parse(readFileSync(out, 'utf8')) as { files: object[] }).files, []);
  });
});

suite('an export', () => {
  test('is previewed as the table will have it', async (t) => {
    const { app, folder } = testApp(t, 25);
    await app.run({ folders: [folder] });
    const { columns, rows, total } = await app.previewExport({ runId: 1 });
    const { text } = await exportedCsv(app, folder);
    assert.deepEqual([total, rows.length, columns], [25, 10, text.split('\r\n')[0]?.split(',')]);
    assert.deepEqual([columns, ...rows], parse(text).slice(0, 11));
    const few = await app.previewExport({ runId: 1, filter: { labels: ['bird'] } });
    assert.deepEqual([few.total, few.rows.map(([path]) => path)], [3, ['002.jpg', '012.jpg', '022.jpg']]);
  });

  test('tells how far it is, and that it is done', async (t) => {
    const { app, folder, events } = testApp(t, 3);
    await app.run({ folders: [folder] });
    await exportedCsv(app, folder);
    assert.deepEqual(events.at(-1), { type: 'exporting', done: 3, total: 3 });
  });

  test('that is cancelled leaves nothing behind', async (t) => {
    const { app, folder } = testApp(t);
    writeFiles(folder, Object.fromEntries(Array.from({ length: 2100 }, (_, index) => [`${index}.jpg`, ''])));
    await app.run({ folders: [folder], batch: 1000 });
    const place = join(dirname(folder), 'place');
    mkdirSync(place);
    for (const format of ['csv', 'json', 'xlsx'] as const) {
      const unsubscribe = app.subscribe(({ type }) => {
        if (type === 'exporting') void app.cancelExport({}).catch(() => undefined); // the last event comes at the end
      });
      const out = join(place, `out.${format}`);
      await assert.rejects(app.exportRun({ runId: 1, format, out }), {
        code: 'CANCELLED',
        message: `The export was cancelled; ${out} was not written`,
      });
      unsubscribe();
    }
    assert.deepEqual(readdirSync(place), []);
    await assert.rejects(app.cancelExport({}), { code: 'NOT_FOUND' });
  });
});
