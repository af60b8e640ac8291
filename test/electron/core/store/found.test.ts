import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { detectorManifest, maskOf, segmenterManifest } from '../../support/found.ts';
import { saveRun } from '../../support/saved-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const LABELS = ['cat', 'dog', 'bus'].map((name) => ({ name }));

/** A library with a run of a detection model: three objects in a.jpg, nothing in b.jpg, one object in c.jpg. */
async function libraryWithObjects(t: TestContext) {
  const path = join(temporaryFolder(t), 'library.db');
  const manifest = await detectorManifest(LABELS);
  const { runId, ids } = saveRun(
    path,
    '/pictures',
    { name: 'finder', manifest },
    {
      'a.jpg': {
        detections: [
          [1, 0.9, 2, 3, 10, 20],
          [0, 0.7, 20, 3, 10, 20],
          [1, 0.25, 30, 3, 10.5, 20],
        ],
      },
      'b.jpg': { detections: [] },
      'c.jpg': { detections: [[0, 0.45, 0, 0, 48, 40]] },
    },
  );
  const library = Library.open(path);
  t.after(() => library.close());
  const [a = 0, b = 0, c = 0] = [ids['a.jpg'], ids['b.jpg'], ids['c.jpg']];
  return { library, runId, a, b, c };
}

suite('what was found', () => {
  test('comes back by image, best first, above a score and up to a number', async (t) => {
    const { library, runId, a, b, c } = await libraryWithObjects(t);
    const found = library.found.detections(runId, [c, b, a]);
    assert.deepEqual([...found.keys()], [c, a]);
    assert.deepEqual(found.get(a)?.[1], {
      number: 1,
      classIndex: 0,
      score: 0.7,
      maskArea: 200,
      box: { x: 20, y: 3, width: 10, height: 20 },
    });
    const numbers = (minScore: number, most?: number) =>
      library.found
        .detections(runId, [a], minScore, most)
        .get(a)
        ?.map(({ number }) => number);
    assert.deepEqual(
      [numbers(0), numbers(0.7), numbers(0, 1), numbers(0.95)],
      [[0, 1, 2], [0, 1], [0], undefined],
    );
    const mask = maskOf({ x: 0, y: 0, width: 48, height: 40 }, [48, 40]);
    assert.deepEqual(library.found.masks(runId, [c]).get(c), [{ number: 0, classIndex: 0, ...mask }]);
    assert.deepEqual(library.found.objects(runId, 0.4), [
      { classIndex: 0, amount: 2 },
      { classIndex: 1, amount: 1 },
    ]);
    assert.deepEqual(
      [library.results.countBlank(runId, 0.4), library.results.countBlank(runId, 0.5)],
      [1, 2],
    );
  });

  test('goes with a file that changed, with its image and with its run', async (t) => {
    const { library, runId, a, c } = await libraryWithObjects(t);
    const file = { relativePath: 'a.jpg', fileSize: 1, modifiedMs: 1 };
    library.results.enqueue(runId, a, file);
    assert.equal(library.found.detections(runId, [a]).size, 1); // the same version: its result holds
    library.results.enqueue(runId, a, { ...file, fileSize: 2 });
    assert.deepEqual(
      [library.found.detections(runId, [a]).size, library.found.masks(runId, [a]).size],
      [0, 0],
    );
    library.runs.remove(runId);
    assert.deepEqual(
      [library.found.detections(runId, [c]).size, library.found.masks(runId, [c]).size],
      [0, 0],
    );
  });

  test('of a segmented picture are the areas of its classes', async (t) => {
    const path = join(temporaryFolder(t), 'library.db');
    const model = { name: 'painter', manifest: await segmenterManifest(LABELS) };
    const { runId, ids } = saveRun(path, '/pictures', model, {
      'a.jpg': {
        regions: [
          [2, 0, 0, 28, 40],
          [0, 28, 0, 20, 40],
        ],
      },
      'b.jpg': { regions: [[0, 0, 0, 48, 40]] },
    });
    const library = Library.open(path);
    t.after(() => library.close());
    const areas = library.found.masks(runId, [ids['a.jpg'] ?? 0]).get(ids['a.jpg'] ?? 0);
    assert.deepEqual(
      areas?.map(({ number, classIndex, area }) => [number, classIndex, area]),
      [
        [0, 0, 800],
        [2, 2, 1120],
      ],
    );
    assert.deepEqual(library.found.areas(runId), [
      { classIndex: 0, amount: 2720 },
      { classIndex: 2, amount: 1120 },
    ]);
    const [first] = library.results.page(runId, '/pictures', '', 1);
    assert.deepEqual(first?.top, [
      { classIndex: 2, confidence: 1120 / 1920 },
      { classIndex: 0, confidence: 800 / 1920 },
    ]);
  });
});
