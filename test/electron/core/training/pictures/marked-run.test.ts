import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Library } from '../../../../../electron/core/store/library.ts';
import { markedPictures } from '../../../../../electron/core/training/pictures/marked-run.ts';
import type { MarkedSet } from '../../../../../electron/core/training/pictures/marked-run.ts';
import type { HumanBox } from '../../../../../electron/shared/api/review.ts';
import type { Box } from '../../../../../electron/shared/engine-api.ts';
import { toBitmap, decodeRuns } from '../../../../../electron/shared/mask.ts';
import type { Task } from '../../../../../electron/shared/model-package.ts';
import type { DenseTask } from '../../../../../electron/shared/tasks.ts';
import { writeFiles } from '../../../support/files.ts';
import { detectorManifest, maskOf, segmenterManifest } from '../../../support/found.ts';
import { saveImported } from '../../../support/imported-run.ts';
import type { Imported } from '../../../support/imported-run.ts';
import { manifestWith, saveRun } from '../../../support/saved-run.ts';
import type { Found } from '../../../support/saved-run.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { session } from '../../../support/test-app.ts';
import { appError } from '../../app-error.ts';

const SIZE = [10, 8] as const;
const LABELS = [{ name: 'cup' }, { name: 'table' }];

function filesOf(t: TestContext, names: readonly string[]) {
  const folder = temporaryFolder(t);
  writeFiles(folder, Object.fromEntries(names.map((name) => [name, name])));
  return { folder, library: join(temporaryFolder(t), 'library.db') };
}

function imported(
  { library, folder }: ReturnType<typeof filesOf>,
  task: Task,
  files: Record<string, Imported>,
): number {
  return saveImported(library, folder, { task, labels: LABELS, size: SIZE }, files);
}

async function marked(path: string, runId: number, task: DenseTask): Promise<MarkedSet> {
  const library = Library.open(path);
  try {
    const run = library.runs.get(runId);
    assert.ok(run);
    return await markedPictures(library, run, task);
  } finally {
    library.close();
  }
}

/** A run of a detector on the files, and the reviews of some of them. */
async function reviewedRun(
  t: TestContext,
  files: Record<string, Found>,
  review: (
    app: ReturnType<typeof session>['app'],
    run: { runId: number; ids: Record<string, number> },
  ) => Promise<void>,
  segmenter = false,
) {
  const made = filesOf(t, Object.keys(files));
  const manifest = segmenter ? await segmenterManifest(LABELS) : await detectorManifest(LABELS);
  const run = saveRun(made.library, made.folder, { name: 'model', manifest }, files);
  const { app } = session(t, made.library);
  await review(app, run);
  await app.close();
  return { ...made, ...run };
}

const counts = (box: Box) => maskOf(box, SIZE).counts;
const box = (x: number, y: number, width: number, height: number): Box => ({ x, y, width, height });
const none = {
  noArea: [],
  outside: [],
  repeated: [],
  noMask: [],
  unusedMask: [],
  unmarked: [],
  relabelled: [],
};

suite('what is marked in a run of another tool', () => {
  test('is learned from with all its images, of which those without a box are background', async (t) => {
    const made = filesOf(t, ['b.jpg', 'a.jpg', 'sub/c.jpg', 'd.jpg', 'e.jpg']);
    const runId = imported(made, 'detection', {
      'b.jpg': { detections: [[1, 1, 2, 3, 4, 5]] },
      'a.jpg': {},
      'sub/c.jpg': null,
      'd.jpg': 'failed',
    });
    const set = await marked(made.library, runId, 'detection');
    const size = { width: 10, height: 8 };
    assert.deepEqual(
      set.files.map(({ relativePath, size, objects }) => ({ relativePath, size, objects })),
      [
        { relativePath: join(made.folder, 'a.jpg'), size, objects: [] },
        {
          relativePath: join(made.folder, 'b.jpg'),
          size,
          objects: [{ className: 'table', box: box(2, 3, 4, 5), counts: counts(box(2, 3, 4, 5)) }],
        },
        { relativePath: join(made.folder, 'sub/c.jpg'), size: undefined, objects: [] },
      ],
    );
    assert.deepEqual([set.source, set.unreadable, set.dropped], [`run ${runId}`, [], none]);
    assert.deepEqual([set.files[0]?.path, set.files[0]?.fileSize], [join(made.folder, 'a.jpg'), 5]);
    assert.ok((set.files[0]?.modifiedMs ?? 0) > 1e12);
  });

  test('is cut at the sides of the picture, told of once, and left out where nothing of it is left', async (t) => {
    const made = filesOf(t, ['a.jpg']);
    const runId = imported(made, 'detection', {
      'a.jpg': {
        isBoxed: true,
        detections: [
          [0, 1, 8, 6, 5, 5],
          [0, 1, -2, -1, 4, 3],
          [0, 1, 10, 0, 4, 4],
          [0, 1, 0, -4, 4, 4],
          [0, 1, 3, 3, 0, 2],
          [0, 1, 3, 3, 2, 0],
          [1, 1, 3, 3, 2, 2],
          [0, 1, 3, 3, 2, 2],
          [1, 1, 3, 3, 2, 2],
        ],
      },
    });
    const { files, dropped } = await marked(made.library, runId, 'detection');
    assert.deepEqual(files[0]?.objects, [
      { className: 'cup', box: box(8, 6, 2, 2) },
      { className: 'cup', box: box(0, 0, 2, 2) },
      { className: 'table', box: box(3, 3, 2, 2) },
      { className: 'cup', box: box(3, 3, 2, 2) },
    ]);
    const path = join(made.folder, 'a.jpg');
    assert.deepEqual(dropped, { ...none, outside: [path, path], noArea: [path, path], repeated: [path] });
  });

  test('has masks for a detector only where every object has one', async (t) => {
    const made = filesOf(t, ['a.jpg', 'b.jpg']);
    const runId = imported(made, 'detection', {
      'a.jpg': { detections: [[0, 1, 0, 0, 2, 2]] },
      'b.jpg': { isBoxed: true, detections: [[0, 1, 0, 0, 2, 2]] },
    });
    const { files, dropped } = await marked(made.library, runId, 'detection');
    assert.deepEqual(
      files.flatMap(({ objects }) => objects.map((object) => Object.keys(object))),
      [
        ['className', 'box'],
        ['className', 'box'],
      ],
    );
    assert.deepEqual(dropped, { ...none, unusedMask: [join(made.folder, 'a.jpg')] });
  });

  test('makes maps of masks: the smallest on top, the rest background, and boxes without a mask neither', async (t) => {
    const made = filesOf(t, ['a.jpg', 'b.jpg', 'c.jpg', 'd.jpg']);
    const runId = imported(made, 'detection', {
      // The cup stands in front of the table, whatever comes first.
      'a.jpg': {
        detections: [
          [0, 1, 3, 2, 2, 2],
          [1, 1, 0, 1, 10, 6],
          [0, 1, 7, 0, 2, 2],
        ],
      },
      'b.jpg': { isBoxed: true, detections: [[0, 1, 2.5, 0, 3, 7.5]] },
      'c.jpg': {},
      'd.jpg': null,
    });
    const { files, dropped } = await marked(made.library, runId, 'segmentation');
    const maps = files.map(({ objects }) => drawn(objects));
    assert.deepEqual(maps, [
      [
        '.......cc.',
        'tttttttcct',
        'tttccttttt',
        'tttccttttt',
        'tttttttttt',
        'tttttttttt',
        'tttttttttt',
        '..........',
      ],
      Array.from({ length: 8 }, () => '..    ....'),
      Array.from({ length: 8 }, () => '..........'),
    ]);
    assert.deepEqual(
      files.map(({ objects }) => objects.find(({ className }) => className === 'background')?.box),
      [box(0, 0, 10, 8), box(0, 0, 10, 8), box(0, 0, 10, 8)],
    );
    assert.deepEqual(files[0]?.objects.find(({ className }) => className === 'cup')?.box, box(3, 0, 6, 4));
    assert.deepEqual(dropped, {
      ...none,
      noMask: [join(made.folder, 'b.jpg')],
      unmarked: [join(made.folder, 'd.jpg')],
    });
  });

  test('is the areas of a segmentation as they are, without pictures in which no pixel is marked', async (t) => {
    const made = filesOf(t, ['a.jpg', 'b.jpg']);
    const runId = imported(made, 'segmentation', {
      'a.jpg': {
        regions: [
          [1, 0, 0, 4, 4],
          [0, 5, 5, 2, 2],
        ],
      },
      'b.jpg': {},
    });
    const { files, dropped } = await marked(made.library, runId, 'segmentation');
    assert.deepEqual(
      files.map(({ objects }) => objects),
      [
        [
          { className: 'cup', box: box(5, 5, 2, 2), counts: counts(box(5, 5, 2, 2)) },
          { className: 'table', box: box(0, 0, 4, 4), counts: counts(box(0, 0, 4, 4)) },
        ],
      ],
    );
    assert.deepEqual(dropped, { ...none, unmarked: [join(made.folder, 'b.jpg')] });
  });

  test('is refused in a sentence where it is not what the task learns from', async (t) => {
    const made = filesOf(t, ['a.jpg']);
    const labels = imported(made, 'classification', { 'a.jpg': {} });
    const boxes = imported(made, 'detection', {
      'a.jpg': { isBoxed: true, detections: [[0, 1, 0, 0, 2, 2]] },
    });
    const areas = imported(made, 'segmentation', { 'a.jpg': { regions: [[1, 0, 0, 4, 4]] } });
    const empty = imported(made, 'detection', { 'a.jpg': {} });
    const beside = imported(made, 'detection', { 'a.jpg': { detections: [[0, 1, 20, 0, 2, 2]] } });
    const failed = imported(made, 'detection', { 'a.jpg': 'failed' });
    const cases: [number, DenseTask, RegExp][] = [
      [labels, 'detection', /^Training for detection needs boxes, but run 1 has one label for every image$/],
      [labels, 'segmentation', /^Training for segmentation needs masks, but run 1 has one label/],
      [boxes, 'segmentation', /^Training for segmentation needs masks, but run 2 has boxes without masks$/],
      [areas, 'detection', /^Training for detection needs boxes, but run 3 has areas of classes$/],
      [empty, 'detection', /^Training needs marked objects, but run 4 has none$/],
      [empty, 'segmentation', /^Training needs marked objects, but run 4 has none$/],
      [beside, 'detection', /^Training needs marked objects, but run 5 has none$/],
      [failed, 'detection', /^Training needs marked images, but run 6 has none$/],
    ];
    for (const [runId, task, sentence] of cases) {
      await assert.rejects(marked(made.library, runId, task), (error: Error & { hint?: string }) => {
        assert.match(error.message, sentence);
        return appError('BAD_ARGUMENT', sentence)(error) && error.hint !== undefined;
      });
    }
  });

  test('is told of where files are gone, and refused where all are', async (t) => {
    const made = filesOf(t, ['a.jpg', 'b.jpg']);
    const runId = imported(made, 'detection', {
      'a.jpg': { detections: [[0, 1, 0, 0, 2, 2]] },
      'b.jpg': { detections: [[0, 1, 0, 0, 2, 2]] },
    });
    rmSync(join(made.folder, 'b.jpg'));
    const { files, unreadable } = await marked(made.library, runId, 'detection');
    assert.deepEqual(
      [files.length, unreadable],
      [1, [{ relativePath: join(made.folder, 'b.jpg'), error: 'the file is not there any more' }]],
    );
    rmSync(join(made.folder, 'a.jpg'));
    await assert.rejects(
      marked(made.library, runId, 'detection'),
      appError(
        'BAD_ARGUMENT',
        /needs the files of run 1, but none of its 2 images is there any more, such as .*a\.jpg$/,
      ),
    );
  });
});

/** A map of classes by their first letters: `.` of background, a blank of nothing. */
function drawn(objects: readonly { className: string; counts?: string }[]): string[] {
  const bitmaps = objects.map(({ className, counts: own = '' }) => ({
    letter: className === 'background' ? '.' : (className[0] ?? ''),
    bitmap: toBitmap(decodeRuns(own), ...SIZE),
  }));
  return Array.from({ length: SIZE[1] }, (_, y) =>
    Array.from({ length: SIZE[0] }, (__, x) => {
      const there = bitmaps.filter(({ bitmap }) => bitmap[y * SIZE[0] + x] === 1);
      return there.length > 1 ? '!' : (there[0]?.letter ?? ' ');
    }).join(''),
  );
}

suite("what a person left in a model's run", () => {
  const found: Found = {
    size: [...SIZE],
    detections: [
      [0, 0.9, 1, 1, 4, 4],
      [1, 0.4, 5, 5, 2, 2],
    ],
  };
  const files = { 'a.jpg': found, 'b.jpg': found, 'c.jpg': found, 'd.jpg': found, 'e.jpg': found };

  test('is learned from where the image is verified: accepted, drawn or empty', async (t) => {
    const drawnBox: HumanBox = { label: 'spoon', ...box(6, 1, 3, 3) };
    const { library, folder, runId } = await reviewedRun(t, files, async (app, { runId, ids }) => {
      const review = (name: string, verdict: Parameters<typeof app.review>[0]['verdict']) =>
        app.review({ runId, imageIds: [ids[name] ?? 0], verdict });
      await review('a.jpg', { kind: 'accept' });
      await review('b.jpg', { kind: 'boxes', boxes: [drawnBox] });
      await review('c.jpg', { kind: 'boxes', boxes: [] });
      await review('d.jpg', { kind: 'label', label: 'spoon' });
    });
    const set = await marked(library, runId, 'detection');
    assert.deepEqual(
      set.files.map(({ path, objects }) => [path.slice(folder.length + 1), objects]),
      [
        ['a.jpg', [{ className: 'cup', box: box(1, 1, 4, 4) }]],
        ['b.jpg', [{ className: 'spoon', box: box(6, 1, 3, 3) }]],
        ['c.jpg', []],
      ],
    );
    const [a, d] = ['a.jpg', 'd.jpg'].map((name) => join(folder, name));
    assert.deepEqual(set.dropped, { ...none, unusedMask: [a], relabelled: [d] });
  });

  test('has the mask of what was found where the box is unmoved', async (t) => {
    const { library, runId } = await reviewedRun(t, files, async (app, { runId, ids }) => {
      await app.review({ runId, imageIds: [ids['a.jpg'] ?? 0], verdict: { kind: 'accept' } });
    });
    const { files: learned } = await marked(library, runId, 'detection');
    const mask = counts(box(1, 1, 4, 4));
    assert.deepEqual(learned[0]?.objects, [{ className: 'cup', box: box(1, 1, 4, 4), counts: mask }]);
    const { files: maps } = await marked(library, runId, 'segmentation');
    assert.deepEqual(
      maps[0]?.objects.map(({ className }) => className),
      ['cup', 'background'],
    );
  });

  test('is the areas that were verified, unless their label was given anew', async (t) => {
    const area: Found = { size: [...SIZE], regions: [[1, 0, 0, 6, 6]] };
    const all = { 'a.jpg': area, 'b.jpg': area, 'c.jpg': area };
    const { library, folder, runId } = await reviewedRun(
      t,
      all,
      async (app, { runId, ids }) => {
        await app.review({ runId, imageIds: [ids['a.jpg'] ?? 0], verdict: { kind: 'accept' } });
        const verdict = { kind: 'label', label: 'cup' } as const;
        await app.review({ runId, imageIds: [ids['b.jpg'] ?? 0], verdict });
      },
      true,
    );
    const { files: learned, dropped } = await marked(library, runId, 'segmentation');
    assert.deepEqual(
      [learned.map(({ path }) => path), dropped.relabelled],
      [[join(folder, 'a.jpg')], [join(folder, 'b.jpg')]],
    );
  });

  test('is refused while nobody has reviewed any, or left anything', async (t) => {
    const { library, runId } = await reviewedRun(t, files, async () => {});
    await assert.rejects(
      marked(library, runId, 'detection'),
      appError('BAD_ARGUMENT', /needs reviewed images, but run 1 has none/),
    );
    const emptied = await reviewedRun(t, files, async (app, { runId: id, ids }) => {
      await app.review({ runId: id, imageIds: [ids['a.jpg'] ?? 0], verdict: { kind: 'boxes', boxes: [] } });
    });
    await assert.rejects(
      marked(emptied.library, emptied.runId, 'detection'),
      appError('BAD_ARGUMENT', /needs marked objects, but the reviewed images of run 1 have none/),
    );
    const made = filesOf(t, ['a.jpg']);
    const manifest = await manifestWith(LABELS);
    const labels = saveRun(
      made.library,
      made.folder,
      { name: 'pets', manifest },
      { 'a.jpg': { classes: [0] } },
    );
    await assert.rejects(
      marked(made.library, labels.runId, 'detection'),
      appError('BAD_ARGUMENT', /needs boxes, but run 1 has one label for every image/),
    );
  });
});
