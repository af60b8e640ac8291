import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { parse } from 'csv-parse/sync';
import Database from 'better-sqlite3';
import { twoStageHome } from '../../support/two-stage.ts';
import { AS_RUN, labelWorld, skipped } from './support.ts';

const SIZE = { width: 64, height: 48 };
/** What another tool found in four pictures, of which the first is blank, and nobody says its size. */
const BOXES = JSON.stringify({
  images: [
    { file: '000.jpg', detections: [] },
    { file: '001.jpg', ...SIZE, detections: [{ category: '2', conf: 0.9, bbox: [0.1, 0.2, 0.5, 0.5] }] },
    {
      file: '002.jpg',
      ...SIZE,
      detections: [
        { category: '1', conf: 0.9, bbox: [0.1, 0.1, 0.3, 0.4] },
        { category: '1', conf: 0.6, bbox: [0.5, 0.5, 0.25, 0.25] },
      ],
    },
    {
      file: '003.jpg',
      ...SIZE,
      detections: [
        { category: '3', conf: 0.8, bbox: [0, 0, 0.5, 0.25] },
        { category: '1', conf: 0.7, bbox: [0.25, 0.5, 0.5, 0.5] },
        { category: '2', conf: 0.65, bbox: [0.75, 0, 0.25, 0.5] },
      ],
    },
  ],
  detection_categories: { 1: 'animal', 2: 'person', 3: 'vehicle' },
  info: { format_version: '1.4', detector: 'md_v5a' },
});

/** A run of ours that labels those boxes but those of persons, and the way to its exports. */
async function found(t: TestContext) {
  const home = await twoStageHome(t, 4);
  const path = join(home.folder, '..', 'found.json');
  writeFileSync(path, BOXES);
  const purpose = { kind: 'run', tool: 'md_v5a' } as const;
  const boxes = await home.app.importLabels({ path, folder: home.folder, purpose });
  assert.deepEqual([boxes.report.skipped, boxes.report.boxes], [[], 6]);
  const kind = 'person';
  const { id: runId } = await home.app.run({
    folders: [home.folder],
    find: { runId: boxes.runId, pass: [kind] },
  });
  const write = async (run: number, format: string, name: string) => {
    const out = join(home.folder, '..', name);
    await home.app.exportRun({ runId: run, format, out });
    return out;
  };
  const takeIn = async (path: string) => {
    const imported = await home.app.importLabels({ path, folder: home.folder, purpose: AS_RUN });
    assert.deepEqual(imported.report.skipped, []);
    return imported.runId;
  };
  return { ...home, kind, runId, write, takeIn };
}

/** The boxes of a run by what both of its models say, names in place of indices. */
function bothLabels(libraryPath: string, runId: number): unknown[] {
  const database = new Database(libraryPath, { readonly: true });
  try {
    const name = (sha256: string, index: string) =>
      `(SELECT manifest ->> ('$.labels[' || ${index} || '].name') FROM models WHERE sha256 = ${sha256})`;
    return database
      .prepare<[number]>(
        `SELECT relative_path, number, ${name('model_sha256', 'class')} AS label, round(score, 4) AS score,
          ${name("runs.spec ->> '$.find.modelSha256'", 'found_class')} AS found, round(found_score, 4) AS found_score,
          round(label_score, 4) AS label_score
        FROM detections JOIN images ON images.id = image_id JOIN runs ON runs.id = run_id
        WHERE run_id = ? ORDER BY relative_path, number`,
      )
      .all(runId);
  } finally {
    database.close();
  }
}

const read = (path: string) => JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;

suite('a run of two models comes in again with both labels of each box', () => {
  test('from MegaDetector JSON, whose classifications are the same when it is written again', async (t) => {
    const { runId, write, takeIn, libraryPath, app, kind } = await found(t);
    const first = await write(runId, 'megadetector', 'first.json');
    const imported = await takeIn(first);
    const second = await write(imported, 'megadetector', 'second.json');
    const { info, ...written } = read(second);
    const { info: firstInfo, ...expected } = read(first);
    assert.deepEqual(written, expected);
    assert.match(readFileSync(second, 'utf8'), /"classifications":\[\[/);
    const { detector, classifier } = info as Record<string, unknown>;
    assert.deepEqual([detector, classifier], [(firstInfo as Record<string, unknown>)['detector'], 'other']);
    const labels = bothLabels(libraryPath, imported);
    assert.equal(labels.length, 6);
    assert.deepEqual(labels, bothLabels(libraryPath, runId));
    const { run } = await app.showRun({ runId: imported });
    const { spec, blank } = run;
    assert.deepEqual([spec.find?.modelName, spec.find?.pass, blank], ['md_v5a', [kind], 1]);
  });

  test('from detections.csv', async (t) => {
    const { runId, write, takeIn, libraryPath } = await found(t);
    const first = await write(runId, 'detections', 'first.csv');
    const imported = await takeIn(first);
    assert.deepEqual(bothLabels(libraryPath, imported), bothLabels(libraryPath, runId));
    const columns = (path: string) =>
      parse<Record<string, string>>(readFileSync(path), { columns: true }).map((row) =>
        [
          'relative_path',
          'label',
          'confidence',
          'found_label',
          'found_confidence',
          'label_confidence',
          'finder',
        ].map((name) => row[name]),
      );
    assert.deepEqual(columns(await write(imported, 'detections', 'second.csv')), columns(first));
  });

  test('from JSON, which has the final labels of images', async (t) => {
    const { runId, write, takeIn } = await found(t);
    const imported = await takeIn(await write(runId, 'json', 'first.json'));
    const labels = (path: string) =>
      (read(path)['files'] as { predictions: { label: string; confidence: number }[] }[]).map(
        ({ predictions }) => predictions.map(({ label, confidence }) => [label, confidence]),
      );
    const [again, once] = [await write(imported, 'json', 'second.json'), join('first.json')];
    assert.deepEqual(labels(again), labels(again.replace('second.json', once)));
  });
});

suite('boxes that another tool found and labelled', () => {
  /** A run over the run of such a file, by what both of its models say; the double calls crops by their left edges. */
  test('are labelled anew by the finder’s classes and scores: threshold, kinds that are passed through, blank images', async (t) => {
    const { app, folder, libraryPath } = await twoStageHome(t, 4);
    const path = join(folder, '..', 'labelled.json');
    const categories = { 1: 'animal', 2: 'person', 3: 'vehicle' };
    const fox = [['7', 0.25]];
    const images = [
      { file: '000.jpg', ...SIZE, detections: [{ category: '1', conf: 0.4, bbox: [0, 0, 0.5, 0.5] }] },
      // By the product of both scores this box would be none.
      {
        file: '001.jpg',
        ...SIZE,
        detections: [{ category: '1', conf: 0.9, bbox: [0.125, 0, 0.5, 0.5], classifications: fox }],
      },
      // What a person is called by the second model does not make it one to be labelled.
      {
        file: '002.jpg',
        ...SIZE,
        detections: [{ category: '2', conf: 0.8, bbox: [0, 0, 0.5, 0.5], classifications: [['8', 0.9]] }],
      },
      // Nor does the second model's person make an animal one that is not.
      {
        file: '003.jpg',
        ...SIZE,
        detections: [
          { category: '3', conf: 0.6, bbox: [0, 0, 0.5, 0.5] },
          { category: '1', conf: 0.7, bbox: [0, 0.5, 0.5, 0.5], classifications: [['9', 1]] },
        ],
      },
    ];
    const classification_categories = { 7: 'fox', 8: 'ghost', 9: 'person' };
    writeFileSync(
      path,
      JSON.stringify({
        images,
        detection_categories: categories,
        classification_categories,
        info: { detector: 'md_v5a' },
      }),
    );
    const purpose = { kind: 'run', tool: 'two' } as const;
    const { runId } = await app.importLabels({ path, folder, purpose });
    const run = await app.run({ folders: [folder], find: { runId, above: 0.5 } });
    assert.deepEqual([run.spec.find?.modelName, run.spec.find?.pass], ['md_v5a', ['person', 'vehicle']]);
    assert.deepEqual([run.counts.ok, run.blank], [4, 1]);
    const row = (file: string, number: number, label: string, found: [string, number], score?: number) => ({
      relative_path: file,
      number,
      label,
      score: Math.round(found[1] * (score ?? 1) * 1e4) / 1e4,
      found: found[0],
      found_score: found[1],
      label_score: score ?? null,
    });
    assert.deepEqual(bothLabels(libraryPath, run.id), [
      row('001.jpg', 0, 'dog', ['animal', 0.9], 0.8),
      row('002.jpg', 0, 'person', ['person', 0.8]),
      row('003.jpg', 0, 'vehicle', ['vehicle', 0.6]),
      row('003.jpg', 1, 'airplane', ['animal', 0.7], 0.8),
    ]);
    const { labels } = await app.showRun({ runId: run.id });
    assert.deepEqual(
      labels.map(({ label, count }) => [label, count]),
      [
        ['', 1],
        ['dog', 1],
        ['person', 1],
        ['vehicle', 1],
      ],
    );
  });
});

suite('labels of a classifier behind a detector', () => {
  const file = (classifications: unknown) =>
    JSON.stringify({
      images: [
        {
          file: '1.png',
          detections: [{ category: '1', conf: 0.75, bbox: [0, 0, 0.5, 0.5], classifications }],
        },
      ],
      detection_categories: { 1: 'animal' },
      classification_categories: { 1: 'fox', 2: 'badger' },
    });

  test('are taken in as reviews by the final label', async (t) => {
    const { app, folder, put, run } = await labelWorld(t, ['1.png']);
    const path = put('md.json', file([['2', 0.5]]));
    const { runId } = await run(path);
    const purpose = { kind: 'reviews', by: 'Ada', runId } as const;
    const { report } = await app.importLabels({ path, folder, purpose });
    assert.deepEqual([skipped(report), report.boxes], [{}, 1]);
    const { imageIds } = await app.findImages({ runId, filter: {}, sort: 'path' });
    const { humanLabel } = await app.showImage({ runId, imageId: imageIds[0] ?? 0 });
    assert.equal(humanLabel, 'badger');
  });

  test('of a category that the detector’s list does not have are named as such', async (t) => {
    const { put, inspect } = await labelWorld(t, ['1.png']);
    const path = put('md.json', file([['2', 0.5]]).replace('"category":"1"', '"category":"9"'));
    assert.deepEqual(skipped(await inspect(path)), { badClass: 1 });
  });
});
