import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { example, labelWorld, skipped } from './support.ts';

const shown = (classes: readonly { name: string; stated: number; labels: number; boxes: number }[]) =>
  classes.map(({ name, stated, labels, boxes }) => [name, stated, labels, boxes]);

suite('what an import says of itself', () => {
  test('counts by class what is in the file, and of that what comes in', async (t) => {
    const { put, run, inspect, app, folder } = await labelWorld(t, ['a.png', 'b.png']);
    const image = (id: number, name: string) => ({ id, file_name: name, width: 100, height: 80 });
    const box = (id: number, imageId: number, category: number, bbox: number[], score = 1) => ({
      id,
      image_id: imageId,
      category_id: category,
      bbox,
      score,
    });
    const path = put(
      'coco.json',
      JSON.stringify({
        images: [image(1, 'a.png'), image(2, 'not here.png')],
        categories: [
          { id: 1, name: 'cat' },
          { id: 2, name: 'dog' },
          { id: 3, name: 'bird' },
          { id: 4, name: 'none' },
        ],
        annotations: [
          box(1, 1, 1, [10, 10, 20, 20]),
          box(2, 1, 1, [200, 200, 20, 20]), // outside
          box(3, 1, 1, [10, 10, 20, 20]), // there twice
          box(4, 2, 1, [10, 10, 20, 20]), // of an image that is not here
          box(5, 1, 2, [10, 10, 20, 20], 0.1), // of a small score
          box(6, 1, 3, [30, 10, 20, 20]), // left out
        ],
      }),
    );
    const more = { minScore: 0.5, classes: { bird: null } };
    const expected = [
      ['cat', 4, 0, 1],
      ['dog', 1, 0, 0],
      ['bird', 1, 0, 0],
    ];
    assert.deepEqual(shown((await inspect(path, more)).classes), expected);
    const { report, runId } = await run(path, more);
    assert.deepEqual(shown(report.classes), expected);
    assert.equal(report.boxes, 1);
    const purpose = { kind: 'reviews', by: 'Ada', runId } as const;
    const reviews = await app.importLabels({ path, folder, purpose, ...more, classes: {} });
    assert.deepEqual(shown(reviews.report.classes), [
      ['cat', 4, 0, 1],
      ['dog', 1, 0, 0],
      ['bird', 1, 0, 1],
    ]);
    assert.equal(reviews.report.boxes, 2);
  });

  test('likewise of labels, of which a review holds one', async (t) => {
    const { put, run, app, folder } = await labelWorld(t, ['a.png', 'b.png', 'c.png']);
    const path = put(
      'labels.csv',
      'file,label,score\na.png,fox,0.9\na.png,hare,0.8\nb.png,fox,1\nx.png,fox,1\nc.png,,\n',
    );
    const { report, runId } = await run(path);
    assert.deepEqual(shown(report.classes), [
      ['fox', 3, 2, 0],
      ['hare', 1, 1, 0],
      ['', 1, 1, 0],
    ]);
    const purpose = { kind: 'reviews', by: 'Ada', runId } as const;
    const reviews = await app.importLabels({ path, folder, purpose });
    assert.deepEqual(shown(reviews.report.classes).slice(0, 2), [
      ['fox', 3, 2, 0],
      ['hare', 1, 0, 0],
    ]);
    assert.deepEqual([reviews.report.labels, skipped(reviews.report).secondLabels], [2, 1]);
  });

  test('tells of classes of a second model beside the best, in the dry run and in the import', async (t) => {
    const { put, run, inspect } = await labelWorld(t, ['a.png']);
    const classifications = [
      ['1', 0.3],
      ['2', 0.6],
      ['3', 0.1],
    ];
    const path = put(
      'md.json',
      JSON.stringify({
        images: [
          {
            file: 'a.png',
            detections: [{ category: '1', conf: 0.9, bbox: [0, 0, 0.5, 0.5], classifications }],
          },
        ],
        detection_categories: { 1: 'animal' },
        classification_categories: { 1: 'fox', 2: 'hare', 3: 'deer' },
      }),
    );
    for (const report of [await inspect(path), (await run(path)).report]) {
      assert.deepEqual(skipped(report), { secondClass: 1 });
      assert.equal(example(report, 'secondClass'), 'a.png, detection 1');
      assert.deepEqual(shown(report.classes), [['hare', 1, 0, 1]]);
    }
  });
});

suite('an image that a tool failed on', () => {
  const detections = [{ category: '1', conf: 0.9, bbox: [0.25, 0.25, 0.5, 0.5] }];
  const file = (images: object[]) => JSON.stringify({ images, detection_categories: { 1: 'animal' } });
  const found = { label: 'animal', boxes: ['animal 0.9 25 20 50 40'] };

  test('and that it lists again with what it found has that, in any order and however its name is written', async (t) => {
    const { put, run } = await labelWorld(t, ['a.png', 'b.png', 'c.png', 'd.png']);
    const failure = 'Failure image access';
    const { report, found: images } = await run(
      put(
        'md.json',
        file([
          { file: 'a.png', failure },
          { file: 'a.png', detections },
          { file: 'b.png', detections },
          { file: 'b.png', failure },
          { file: './C.PNG', failure, detections: null },
          { file: 'c.png', detections },
          { file: 'd.png', failure },
          { file: 'd.png', failure: 'Failure inference' },
        ]),
      ),
    );
    assert.deepEqual(images, {
      'a.png': found,
      'b.png': found,
      'c.png': found,
      'd.png': { label: undefined, boxes: [] },
    });
    assert.deepEqual([report.failed, skipped(report)], [1, { again: 1, twice: 2, sameImage: 1 }]);
    const rows = [
      'relative_path,status,label,label_source,confidence,error',
      'a.png,failed,,,,broken',
      'a.png,ok,fox,model,0.5,',
    ];
    const table = await run(put('again.csv', rows.join('\n')));
    assert.deepEqual([table.found['a.png']?.label, table.report.failed], ['fox', 0]);
  });

  test('and beside which detections stand is a failure, and they are counted', async (t) => {
    const { put, run } = await labelWorld(t, ['a.png', 'b.png']);
    const images = [
      { file: 'a.png', failure: 'Failure inference', detections },
      { file: 'b.png', failure: '', detections },
    ];
    const { report, found: images2 } = await run(put('md.json', file(images)));
    assert.deepEqual(images2, { 'a.png': { label: undefined, boxes: [] }, 'b.png': found });
    assert.deepEqual(skipped(report), { besideFailure: 1 });
  });
});
