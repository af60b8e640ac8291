import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { AppError } from '../../../../electron/shared/errors.ts';
import { foundRun } from '../../support/found-run.ts';
import { AS_RUN, labelWorld, skipped } from './support.ts';

const csvOf = (rows: readonly string[]) => ['file,label', ...rows].join('\n');
const by = (name: string, more: object = {}) => ({ kind: 'reviews' as const, by: name, ...more });

const labels = [{ name: 'fox' }, { name: 'badger' }];

suite('an import', () => {
  test('that is a dry run tells what would come in and changes nothing, not even for a folder that nobody knows', async (t) => {
    const { put, inspect, app, root } = await labelWorld(t, ['a.png', 'sub/b.png', 'c.png']);
    const path = put('labels.csv', csvOf(['a.png,fox', 'x/sub/b.png,deer', 'gone.png,fox']));
    const report = await inspect(path);
    assert.deepEqual([report.entries, report.images, report.labels, report.uncovered], [3, 2, 2, 1]);
    assert.deepEqual(report.unmatched, { count: 1, names: ['gone.png'] });
    assert.deepEqual(
      report.classes.map(({ name, becomes, labels: times }) => [name, becomes, times]),
      [
        ['fox', 'fox', 1],
        ['deer', 'deer', 1],
      ],
    );
    assert.deepEqual(await app.listRuns({}), []);
    assert.deepEqual(await app.listFolders({}), []);
    assert.deepEqual(
      readdirSync(root).filter((name) => name.startsWith('.winnow')),
      [],
    );
  });

  test('that is a dry run tells of boxes in pixels what the import does, also where the file states no sizes', async (t) => {
    const { put, run, inspect } = await labelWorld(t, ['a.png', 'b.png']);
    const points = [
      [90, 70],
      [10, 20],
    ];
    const shapes = [{ label: 'fox', points, shape_type: 'rectangle' }];
    const annotations = [
      { image_id: 1, category_id: 1, bbox: [10, 20, 200, 50] },
      { image_id: 1, category_id: 1, bbox: [0, 0, 9, 9], segmentation: [[0, 0, 9, 0, 9, 9]] },
    ];
    const labelme = put('labelme/a.json', JSON.stringify({ shapes, imagePath: 'a.png', imageData: null }));
    const files: [string, number[]][] = [
      // images, boxes, masks, boxes that were cut
      [
        put('pixels.csv', 'file,label,xmin,ymin,xmax,ymax\na.png,fox,10,20,90,70\nb.png,fox,50,50,120,70\n'),
        [2, 2, 0, 1],
      ],
      [
        put(
          'coco.json',
          JSON.stringify({
            images: [{ id: 1, file_name: 'a.png' }],
            categories: [{ id: 1, name: 'fox' }],
            annotations,
          }),
        ),
        [1, 2, 1, 1],
      ],
      [dirname(labelme), [1, 1, 0, 0]],
    ];
    const told = [];
    for (const [path] of files) told.push(await inspect(path)); // before the library knows the pictures
    const done = [];
    for (const [path] of files) done.push((await run(path)).report);
    for (const reports of [told, done])
      assert.deepEqual(
        reports.map((report) => [report.images, report.boxes, report.masks, skipped(report).clipped ?? 0]),
        files.map(([, counts]) => counts),
      );
  });

  test('takes in a folder that is not in the library, and of one that is only the part that is named', async (t) => {
    const { put, run, folder, app } = await labelWorld(t, ['a/1.png', 'b/1.png']);
    const path = put('labels.csv', csvOf(['a/1.png,fox', 'b/1.png,deer']));
    assert.deepEqual(Object.keys((await run(path)).found), ['a/1.png', 'b/1.png']);
    assert.deepEqual(
      (await app.listFolders({})).map(({ images, labelled }) => [images, labelled]),
      [[2, 2]],
    );
    const part = await run(path, { folder: join(folder, 'b') });
    assert.deepEqual(part.found, { 'b/1.png': { label: 'deer', boxes: [] } });
    assert.deepEqual([part.report.unmatched.count, part.report.uncovered], [1, 0]);
  });

  test('of reviews stands beside the run that knows the classes, counts what others said, and is one step of undo', async (t) => {
    const { app, root, runId, ids } = await foundRun(t, 'detection', labels, {
      'shore/1.png': { detections: [[0, 0.9, 4, 5, 10, 8]] },
      'shore/2.png': { detections: [] },
      'shore/3.png': { detections: [] },
    });
    const one = ids['shore/1.png'] ?? 0;
    await app.review({ runId, imageIds: [one], verdict: { kind: 'label', label: 'badger' } });
    const path = join(root, 'coco.json');
    const image = (id: number) => ({ id, file_name: `${id}.png`, width: 48, height: 40 });
    writeFileSync(
      path,
      JSON.stringify({
        images: [1, 2, 3].map(image),
        annotations: [
          { id: 1, image_id: 1, category_id: 1, bbox: [1, 2, 3, 4] },
          { id: 2, image_id: 2, category_id: 2, bbox: [5, 6, 7, 8], score: 0.3 },
          {
            id: 3,
            image_id: 2,
            category_id: 1,
            bbox: [5, 6, 7, 8],
            segmentation: [[5, 6, 12, 6, 12, 14, 5, 14]],
          },
        ],
        categories: [
          { id: 1, name: 'FOX' },
          { id: 2, name: 'owl' },
        ],
      }),
    );
    const folder = join(root, 'shore');
    const dry = await app.inspectLabels({ path, folder, purpose: by('Ada') });
    assert.deepEqual(dry.reviews, { runId, model: 'finder', kept: 1 });
    assert.deepEqual(
      dry.classes.map(({ name, becomes, isKnown }) => [name, becomes, isKnown]),
      [
        ['FOX', 'fox', true],
        ['owl', 'owl', false],
      ],
    );
    assert.deepEqual(skipped(dry), { belowScore: 1, noMasks: 1 });
    const { changed, report } = await app.importLabels({ path, folder, purpose: by('Ada') });
    assert.deepEqual([changed, report.reviews?.kept, report.images, report.blank], [2, 1, 3, 1]);
    const two = await app.showImage({ runId, imageId: ids['shore/2.png'] ?? 0 });
    assert.deepEqual([two.humanLabel, two.reviewedBy], ['fox', 'Ada']);
    assert.deepEqual(two.humanBoxes, [{ label: 'fox', x: 5, y: 6, width: 7, height: 8 }]);
    assert.equal((await app.showImage({ runId, imageId: ids['shore/3.png'] ?? 0 })).humanLabel, '');
    assert.equal((await app.showImage({ runId, imageId: one })).humanLabel, 'badger');
    await app.exportRun({ runId, format: 'json', out: join(root, 'out.json') });
    const { files } = JSON.parse(readFileSync(join(root, 'out.json'), 'utf8')) as {
      files: { reviewed_by?: string }[];
    };
    assert.deepEqual(
      files.map((written) => written.reviewed_by),
      [undefined, 'Ada', 'Ada'],
    );
    assert.equal((await app.undoReview({}))?.description, 'Take in 2 reviews of Ada');
    assert.equal((await app.showImage({ runId, imageId: ids['shore/2.png'] ?? 0 })).humanLabel, undefined);
    const replaced = await app.importLabels({ path, folder, purpose: by('Ada', { replace: true }) });
    assert.equal(replaced.changed, 3);
    assert.equal((await app.showImage({ runId, imageId: one })).humanLabel, 'fox');
    const again = await app.importLabels({ path, folder, purpose: by('Ada') });
    assert.deepEqual([again.changed, again.report.reviews?.kept], [0, 0]);
  });

  test('of reviews needs a run on the folder, and says so', async (t) => {
    const { put, app, folder } = await labelWorld(t, ['a.png']);
    const path = put('labels.csv', csvOf(['a.png,fox']));
    await assert.rejects(app.importLabels({ path, folder, purpose: by('Ada') }), {
      code: 'BAD_ARGUMENT',
      message: /Reviews stand beside the labels of a run, but there is no run on/,
    });
    const { runId } = await app.importLabels({ path, folder, purpose: AS_RUN });
    const { changed } = await app.importLabels({ path, folder, purpose: by('Ada', { runId }) });
    assert.equal(changed, 1);
    await assert.rejects(app.importLabels({ path, folder, purpose: by('Ada', { runId: 99 }) }), {
      code: 'NOT_FOUND',
    });
  });

  test('that is cancelled leaves nothing, and neither does one that fails on the way', async (t) => {
    const { put, app, folder, root, libraryPath } = await labelWorld(t, ['a.png']);
    mkdirSync(join(folder, 'many'));
    const names = Array.from({ length: 1500 }, (_, index) => `many/${index}.png`);
    for (const name of names) writeFileSync(join(folder, name), '');
    const path = put('labels.csv', csvOf(names.map((name) => `${name},fox`)));
    const phases: string[] = [];
    const stop = app.subscribe((event) => {
      if (event.type !== 'importingLabels') return;
      phases.push(event.phase);
      if (event.phase === 'saving') void app.cancelLabels({}).catch(() => undefined);
    });
    await assert.rejects(
      app.importLabels({ path, folder, purpose: AS_RUN }),
      (error) => error instanceof AppError && error.code === 'CANCELLED',
    );
    stop();
    assert.ok(phases.includes('saving'));
    assert.deepEqual(await app.listRuns({}), []);
    assert.deepEqual(
      readdirSync(root).filter((name) => name.startsWith('.winnow')),
      [],
    );
    await assert.rejects(app.cancelLabels({}), { code: 'NOT_FOUND' });
    const { report } = await app.importLabels({ path, folder, purpose: AS_RUN });
    assert.equal(report.images, 1500);
    await app.close();
    const library = Library.open(libraryPath);
    t.after(() => library.close());
    assert.deepEqual(library.findDamage().found, []);
    assert.equal(library.runs.all().length, 1);
  });

  test('of reviews lets others write between two groups: what is said here then stays, and what is cancelled leaves no review', async (t) => {
    const { put, app, folder } = await labelWorld(t, ['a.png']);
    mkdirSync(join(folder, 'many'));
    const names = Array.from({ length: 500 }, (_, index) => `many/${index}.png`);
    for (const name of names) writeFileSync(join(folder, name), '');
    const path = put('labels.csv', csvOf(names.map((name) => `${name},fox`)));
    const { runId } = await app.importLabels({ path, folder, purpose: AS_RUN });
    const { imageIds } = await app.findImages({ runId, filter: {}, sort: 'path' });
    const reviews = () => app.findImages({ runId, filter: { status: 'verified' }, sort: 'path' });
    const ids = [...imageIds].sort((one, other) => one - other); // as they are put ready
    const [first = 0, last = 0] = [ids[0], ids.at(-1)];
    const whileSaved = async (work: () => unknown) => {
      let worked: unknown;
      const stop = app.subscribe((event) => {
        if (event.type === 'importingLabels' && event.phase === 'saving') worked ??= work();
      });
      try {
        return await app.importLabels({ path, folder, purpose: by('Ada', { runId, replace: true }) });
      } finally {
        stop();
        await worked;
      }
    };
    await assert.rejects(
      whileSaved(() => app.cancelLabels({})),
      { code: 'CANCELLED' },
    );
    assert.equal((await reviews()).total, 500);
    assert.deepEqual([...(await reviews()).imageIds], []);
    assert.equal((await app.reviewHistory({})).undo, undefined);
    const owl = { kind: 'label' as const, label: 'owl' };
    const imported = await whileSaved(() => app.review({ runId, imageIds: [first, last], verdict: owl }));
    assert.deepEqual([imported.changed, imported.report.reviews?.kept], [498, 2]);
    const labelOf = async (imageId: number) => (await app.showImage({ runId, imageId })).humanLabel;
    assert.deepEqual([await labelOf(first), await labelOf(last)], ['owl', 'owl']);
    assert.equal((await app.undoReview({}))?.description, 'Take in 498 reviews of Ada');
    assert.deepEqual(
      [...(await reviews()).imageIds].sort((one, other) => one - other),
      [first, last],
    );
    assert.equal((await app.undoReview({}))?.imageIds.length, 2);
  });

  test('that is cancelled while a table is read ends, and closes the file', async (t) => {
    const { put, app, folder } = await labelWorld(t, ['a.png']);
    const path = put('labels.csv', csvOf(Array.from({ length: 400_000 }, (_, row) => `many/${row}.png,fox`)));
    const stop = app.subscribe((event) => {
      if (event.type === 'importingLabels') void app.cancelLabels({}).catch(() => undefined);
    });
    await assert.rejects(app.inspectLabels({ path, folder, purpose: AS_RUN }), { code: 'CANCELLED' });
    stop();
  });

  test('of a classifier gives the image the label of its best box', async (t) => {
    const { put, app, folder } = await labelWorld(t, ['a.png']);
    const labels = put('labels.csv', csvOf(['a.png,deer']));
    const { runId } = await app.importLabels({ path: labels, folder, purpose: AS_RUN });
    const path = put(
      'md.json',
      JSON.stringify({
        images: [
          {
            file: 'a.png',
            detections: [
              { category: '1', conf: 0.6, bbox: [0, 0, 0.5, 0.5] },
              { category: '2', conf: 0.9, bbox: [0, 0, 0.5, 0.5] },
            ],
          },
        ],
        detection_categories: { 1: 'animal', 2: 'deer' },
      }),
    );
    const { report } = await app.importLabels({ path, folder, purpose: by('a tool', { runId }) });
    assert.deepEqual([report.task, report.labels, report.boxes], ['classification', 1, 0]);
    assert.deepEqual(skipped(report), { secondLabels: 1 });
    const [imageId = 0] = (await app.findImages({ runId, filter: {}, sort: 'path' })).imageIds;
    assert.equal((await app.showImage({ runId, imageId })).humanLabel, 'deer');
  });
});
