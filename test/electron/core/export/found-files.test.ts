import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { AppArguments } from '../../../../electron/shared/app-api.ts';
import type { HumanBox } from '../../../../electron/shared/api/review.ts';
import { decodeRuns, runsArea } from '../../../../electron/shared/mask.ts';
import { maskOf } from '../../support/found.ts';
import { foundRun, WOODS_AND_FIELDS } from '../../support/found-run.ts';
import type { FoundPicture, FoundRun } from '../../support/found-run.ts';
import { csvRows } from '../../support/csv.ts';

/** The last class has the name of the first, as some of ImageNet have. */
const LABELS = [
  { name: 'fox', id: 17 },
  { name: 'owl, "barn"', id: 18 },
  { name: 'newt', id: 90 },
];

const finder = (t: TestContext) => foundRun(t, 'detection', LABELS, WOODS_AND_FIELDS);

async function exported(run: FoundRun, request: Omit<AppArguments<'exportRun'>, 'runId' | 'out'>) {
  const out = join(run.root, `out.${request.format}`);
  const summary = await run.app.exportRun({ runId: run.runId, out, ...request });
  return { summary, text: readFileSync(out, 'utf8') };
}

async function records(run: FoundRun, filter: AppArguments<'exportRun'>['filter'] = {}) {
  const { summary, text } = await exported(run, { format: 'detections', filter });
  return { summary, text, rows: csvRows(text) };
}

async function keepBoxes({ app, runId, ids }: FoundRun, path: string, boxes: HumanBox[]) {
  await app.review({ runId, imageIds: [ids[path] ?? 0], verdict: { kind: 'boxes', boxes } });
}

suite('detections.csv', () => {
  test('has a row for every detection, and one for every file without any', async (t) => {
    const run = await finder(t);
    const { summary, text, rows } = await records(run);
    const header =
      'relative_path,detection_id,label,label_source,predicted_label,confidence,bbox_left,bbox_top,bbox_width,' +
      'bbox_height,width,height,mask_area,verified,model,preset,min_score,folder_1\r\n';
    assert.ok(text.startsWith(header));
    assert.deepEqual([summary.rows, summary.found], [5, 3]);
    const same = { verified: 'false', model: 'finder', preset: 'accurate', min_score: '0.5' };
    const inFolder = { ...same, folder_1: 'a' };
    const called = (label: string) => ({ label, label_source: 'model', predicted_label: label });
    const box = (left: number, top: number, width: number, height: number) => ({
      bbox_left: `${left}`,
      bbox_top: `${top}`,
      bbox_width: `${width}`,
      bbox_height: `${height}`,
    });
    const noBox = { bbox_left: '', bbox_top: '', bbox_width: '', bbox_height: '', mask_area: '' };
    const none = { detection_id: '', label: '', predicted_label: '', confidence: '', ...noBox };
    const id = (path: string, number: number) => ({ detection_id: `${run.ids[path]}-${number}` });
    assert.deepEqual(rows, [
      {
        relative_path: 'a/1.jpg',
        ...id('fields/a/1.jpg', 0),
        ...called('newt'),
        confidence: '0.5',
        ...box(0.175, 0.165, 0.333333, 0.32),
        width: '60',
        height: '50',
        mask_area: '320',
        ...inFolder,
      },
      {
        relative_path: 'a/1.jpg',
        ...id('woods/a/1.jpg', 0),
        ...called('fox'),
        confidence: '0.9',
        ...box(0.125, 0.1, 0.5, 0.5),
        width: '48',
        height: '40',
        mask_area: '480',
        ...inFolder,
      },
      {
        relative_path: 'a/1.jpg',
        ...id('woods/a/1.jpg', 1),
        ...called('owl, "barn"'),
        confidence: '0.6',
        ...box(0, 0, 0.25, 0.25),
        width: '48',
        height: '40',
        mask_area: '120',
        ...inFolder,
      },
      { relative_path: 'a/1.png', ...none, label_source: 'model', width: '48', height: '40', ...inFolder },
      { relative_path: 'bad.jpg', ...none, label_source: '', width: '', height: '', ...same, folder_1: '' },
      { relative_path: 'late.jpg', ...none, label_source: '', width: '', height: '', ...same, folder_1: '' },
    ]);
    assert.ok(
      (await exported(run, { format: 'detections', bom: true })).text.startsWith('\ufeffrelative_path'),
    );
  });

  test('has what a filter lets through, of the score that it says', async (t) => {
    const run = await finder(t);
    const low = await records(run, { minScore: 0.05, status: 'ok' });
    assert.deepEqual(
      low.rows.map(({ confidence }) => confidence),
      ['0.5', '0.9', '0.6', '0.3', ''],
    );
    const high = await records(run, { minScore: 0.7, contains: ['fox'] });
    assert.deepEqual(
      high.rows.map(({ label }) => label),
      ['fox'],
    );
    assert.equal((await records(run, { contains: ['newt'], minScore: 0.51 })).rows.length, 0);
  });

  test('has the boxes that a person left in the place of the detections', async (t) => {
    const run = await finder(t);
    const { runId } = run;
    await keepBoxes(run, 'woods/a/1.jpg', [
      { label: 'fox', x: 6, y: 4, width: 24, height: 20, detection: { runId, number: 0 } },
      { label: 'newt', x: 1, y: 0, width: 12, height: 10, detection: { runId, number: 1 } },
      { label: 'toad', x: 24, y: 20, width: 12, height: 10 },
    ]);
    await keepBoxes(run, 'fields/a/1.jpg', []);
    const { rows } = await records(run, { status: 'verified' });
    const names = ['label', 'label_source', 'predicted_label', 'confidence', 'verified'];
    assert.deepEqual(
      rows.map((row) => names.map((name) => row[name])),
      [
        ['', 'person', '', '', 'true'],
        ['fox', 'verified', 'fox', '0.9', 'true'],
        ['newt', 'person', 'owl, "barn"', '0.6', 'true'],
        ['toad', 'person', '', '', 'true'],
      ],
    );
    const classic = await exported(run, {
      format: 'detections',
      columns: 'classic',
      filter: { status: 'verified' },
      force: true,
    });
    const shown = csvRows(classic.text).map((row) =>
      ['label', 'confidence', 'human_label', 'verified', 'mask_area', 'bbox_left'].map((name) => row[name]),
    );
    assert.deepEqual(shown, [
      ['', '', '', 'true', '', ''],
      ['fox', '0.9', 'fox', 'true', '480', '0.125'],
      ['owl, "barn"', '0.6', 'newt', 'true', '', '0.020833'],
      ['', '', 'toad', 'true', '', '0.5'],
    ]);
    assert.equal(new Set(rows.map((row) => row['detection_id'])).size, 4);
  });
});

interface Coco {
  images: { id: number; file_name: string; width: number; height: number }[];
  annotations: Annotation[];
  categories: { id: number; name: string }[];
}

interface Annotation {
  id: number;
  image_id: number;
  category_id: number;
  bbox: number[];
  area: number;
  iscrowd: number;
  score?: number;
  segmentation?: { size: [number, number]; counts: string };
}

suite('COCO JSON', () => {
  test('has images, boxes, masks and categories by the numbers of their data set', async (t) => {
    const run = await finder(t);
    const { summary, text } = await exported(run, { format: 'coco' });
    const { images, annotations, categories } = JSON.parse(text) as Coco;
    assert.deepEqual([summary.rows, summary.found], [3, 3]);
    const image = (path: string, width: number, height: number) => ({
      id: run.ids[path],
      file_name: path,
      width,
      height,
    });
    assert.deepEqual(images, [
      image('fields/a/1.jpg', 60, 50),
      image('woods/a/1.jpg', 48, 40),
      image('woods/a/1.png', 48, 40),
    ]);
    assert.deepEqual(
      categories,
      LABELS.map(({ id, name }) => ({ id, name })),
    );
    const mask = {
      segmentation: {
        size: [40, 48],
        counts: maskOf({ x: 6, y: 4, width: 24, height: 20 }, [48, 40]).counts,
      },
    };
    const fox = { id: 2, image_id: run.ids['woods/a/1.jpg'], category_id: 17, iscrowd: 0, ...mask };
    assert.deepEqual(annotations[1], { ...fox, bbox: [6, 4, 24, 20], area: 480, score: 0.9 });
    assert.deepEqual(
      annotations.map(({ category_id, score, bbox }) => [category_id, score, bbox]),
      [
        [90, 0.5, [10.5, 8.25, 20, 16]],
        [17, 0.9, [6, 4, 24, 20]],
        [18, 0.6, [0, 0, 12, 10]],
      ],
    );
  });

  test("has a person's boxes, their masks while they are unmoved, and labels of their own as categories", async (t) => {
    const run = await finder(t);
    const detection = { runId: run.runId, number: 0 };
    await keepBoxes(run, 'woods/a/1.jpg', [
      { label: 'newt', x: 6, y: 4, width: 24, height: 20, detection },
      { label: 'fox', x: 7, y: 4, width: 24, height: 20, detection },
      { label: 'toad', x: 24, y: 20, width: 12, height: 10 },
    ]);
    const { text } = await exported(run, { format: 'coco', filter: { status: 'verified' } });
    const { annotations, categories } = JSON.parse(text) as Coco;
    assert.deepEqual(
      annotations.map((one) => [one.category_id, one.area, one.segmentation !== undefined]),
      [
        [90, 480, true],
        [17, 480, false],
        [91, 120, false],
      ],
    );
    assert.deepEqual(categories.at(-1), { id: 91, name: 'toad' });
  });

  test('of a segmented picture has a mask for every class in it', async (t) => {
    const regions: [number, number, number, number, number][] = [
      [2, 0, 0, 30, 40],
      [0, 30, 0, 18, 40],
    ];
    const run = await foundRun(t, 'segmentation', [{ name: 'a' }, { name: 'b' }, { name: 'c' }], {
      'in/1.jpg': { regions },
    });
    const { annotations, images, categories } = JSON.parse(
      (await exported(run, { format: 'coco' })).text,
    ) as Coco;
    assert.equal(images[0]?.file_name, '1.jpg');
    assert.deepEqual(
      categories.map(({ id }) => id),
      [1, 2, 3],
    );
    assert.deepEqual(
      annotations.map((one) => [one.category_id, one.bbox, one.area, one.iscrowd, one.score]),
      [
        [1, [30, 0, 18, 40], 720, 0, undefined],
        [3, [0, 0, 30, 40], 1200, 0, undefined],
      ],
    );
    const covered = annotations.map(({ segmentation }) => runsArea(decodeRuns(segmentation?.counts ?? '')));
    assert.deepEqual(covered, [720, 1200]);
  });
});

suite('MegaDetector JSON', () => {
  test('has every image: its detections, none, or why it failed', async (t) => {
    const run = await finder(t);
    const { summary, text } = await exported(run, { format: 'megadetector' });
    assert.deepEqual([summary.rows, summary.found], [5, 3]);
    assert.deepEqual(JSON.parse(text), {
      info: {
        format_version: '1.4',
        detector: 'finder',
        detection_completion_time: '2026-01-02 04:04:05',
        detector_metadata: { typical_detection_threshold: 0.5 },
      },
      detection_categories: { 1: 'fox', 2: 'owl, "barn"', 3: 'newt' },
      images: [
        {
          file: 'fields/a/1.jpg',
          detections: [{ category: '3', conf: 0.5, bbox: [0.175, 0.165, 0.33333, 0.32] }],
        },
        {
          file: 'woods/a/1.jpg',
          detections: [
            { category: '1', conf: 0.9, bbox: [0.125, 0.1, 0.5, 0.5] },
            { category: '2', conf: 0.6, bbox: [0, 0, 0.25, 0.25] },
          ],
        },
        { file: 'woods/a/1.png', detections: [] },
        { file: 'woods/bad.jpg', failure: 'Failure image access', detections: null },
        { file: 'woods/late.jpg', failure: 'Failure inference', detections: null },
      ],
    });
  });

  test('is certain of what a person left', async (t) => {
    const run = await finder(t);
    await keepBoxes(run, 'woods/a/1.png', [{ label: 'toad', x: 24, y: 20, width: 12, height: 10 }]);
    const { text } = await exported(run, { format: 'megadetector', filter: { status: 'verified' } });
    const json = JSON.parse(text) as { images: object[]; detection_categories: object };
    assert.deepEqual(json.images, [
      { file: 'woods/a/1.png', detections: [{ category: '4', conf: 1, bbox: [0.5, 0.5, 0.25, 0.25] }] },
    ]);
    assert.deepEqual(json.detection_categories, { 1: 'fox', 2: 'owl, "barn"', 3: 'newt', 4: 'toad' });
  });
});

suite('an export of what was found', () => {
  test('is refused where the model finds nothing of the kind', async (t) => {
    const detection = await finder(t);
    const segmentation = await foundRun(t, 'segmentation', LABELS, {
      'in/1.jpg': { regions: [[0, 0, 0, 48, 40]] },
    });
    await assert.rejects(exported(detection, { format: 'maps' }), {
      code: 'BAD_ARGUMENT',
      message:
        'Expected a run of a segmentation model for the format maps, but run 1 is of a detection model',
      hint: 'It can be written as csv, json, xlsx, detections, coco, megadetector, yolo, voc, crops, overlays.',
    });
    for (const format of ['detections', 'megadetector', 'yolo', 'voc', 'crops'] as const)
      await assert.rejects(exported(segmentation, { format }), {
        code: 'BAD_ARGUMENT',
        message: /is of a segmentation/,
      });
    assert.deepEqual(
      readdirSync(detection.root).filter((name) => name.startsWith('out')),
      [],
    );
  });

  test('tells how far it is, and leaves nothing when it is cancelled', async (t) => {
    const files = Array.from({ length: 120 }, (_, index): [string, FoundPicture] => [
      `in/${index}.jpg`,
      { detections: [[0, 0.9, 1, 1, 9, 9]] },
    ]);
    const run = await foundRun(t, 'detection', LABELS, Object.fromEntries(files));
    const heard: unknown[] = [];
    run.app.subscribe((event) => heard.push(event));
    await exported(run, { format: 'coco' });
    assert.deepEqual(heard.at(-1), { type: 'exporting', done: 120, total: 120 });
    for (const format of [
      'detections',
      'coco',
      'megadetector',
      'yolo',
      'voc',
      'crops',
      'overlays',
    ] as const) {
      const out = join(run.root, `cancelled-${format}`);
      const unsubscribe = run.app.subscribe(({ type }) => {
        if (type === 'exporting') void run.app.cancelExport({}).catch(() => undefined); // the last event comes at the end
      });
      await assert.rejects(run.app.exportRun({ runId: run.runId, format, out }), {
        code: 'CANCELLED',
        message: `The export was cancelled; ${out} was not written`,
      });
      unsubscribe();
      assert.ok(!existsSync(out));
    }
    assert.deepEqual(
      readdirSync(run.root).filter((name) => name.includes('partial')),
      [],
    );
  });
});
