import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { markedPictures } from '../../../../electron/core/training/pictures/marked-run.ts';
import { reviewedPictures } from '../../../../electron/core/training/pictures/reviewed-run.ts';
import { describeParent } from '../../../../electron/core/training/parents.ts';
import { isDenseTask } from '../../../../electron/shared/tasks.ts';
import { TAUGHT_TASKS } from '../../../../electron/shared/training.ts';
import { detectorManifest, segmenterManifest } from '../../support/found.ts';
import type { ModelPackage } from '../../../../electron/shared/model-package.ts';
import { writeFiles } from '../../support/files.ts';
import { saveImported } from '../../support/imported-run.ts';
import { saveRun } from '../../support/saved-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { session, testApp } from '../../support/test-app.ts';

const LABELS = [{ name: 'cup' }, { name: 'table' }];
const SIZE = [10, 8] as const;
const CUP = [0, 0.9, 1, 1, 3, 3] as [number, number, number, number, number, number];
const TABLE = [1, 0.8, 0, 4, 10, 4] as [number, number, number, number, number, number];
const FAINT = [0, 0.2, 5, 5, 3, 3] as [number, number, number, number, number, number];

suite('the runs that can be learned from', () => {
  test('say for each task how many images and objects they have, and are those that a training takes', async (t) => {
    const folder = temporaryFolder(t);
    writeFiles(folder, { 'a.jpg': 'a', 'b.jpg': 'b', 'c.jpg': 'c' });
    const path = join(temporaryFolder(t), 'library.db');
    const areas = saveImported(
      path,
      folder,
      { task: 'segmentation', labels: LABELS, size: SIZE },
      { 'a.jpg': { regions: [[0, 0, 0, 5, 8], [1, 5, 0, 5, 8]] }, 'b.jpg': { regions: [[1, 0, 0, 5, 8]] }, 'c.jpg': 'failed' }, // prettier-ignore
    );
    const boxes = saveImported(
      path,
      folder,
      { task: 'detection', labels: LABELS, size: SIZE },
      { 'a.jpg': { detections: [CUP, TABLE], isBoxed: true }, 'b.jpg': { detections: [] } },
    );
    const found = saveRun(
      path,
      folder,
      { name: 'model', manifest: await detectorManifest([{ name: 'mug' }, { name: 'desk' }]) },
      {
        'a.jpg': { detections: [CUP, TABLE, FAINT] },
        'b.jpg': { detections: [CUP] },
        'c.jpg': { detections: [TABLE] },
      },
    );
    const { app } = session(t, path);
    const { 'a.jpg': a = 0, 'b.jpg': b = 0 } = found.ids;
    await app.review({ runId: found.runId, imageIds: [a], verdict: { kind: 'accept' } });
    const drawn = [1, 2, 3].map((x) => ({ x, y: 1, width: 2, height: 2, label: 'mug' }));
    await app.review({
      runId: found.runId,
      imageIds: [b],
      verdict: { kind: 'boxes', boxes: drawn },
    });
    const runs = await app.reviewedRuns({});
    const known = new Map(runs.map(({ run, reviewed, teaches }) => [run.id, { reviewed, teaches }]));
    assert.deepEqual([...known.keys()], [found.runId, boxes, areas]);
    const only = (runId: number, tasks: readonly string[]) =>
      known.get(runId)?.teaches.filter(({ task }) => tasks.includes(task));
    assert.deepEqual(only(areas, TAUGHT_TASKS), [{ task: 'segmentation', images: 2, objects: 3 }]);
    // Boxes without masks are no areas.
    assert.deepEqual(only(boxes, ['classification', 'segmentation']), [
      { task: 'classification', images: 2, objects: 2 },
    ]);
    // What is faint is not shown and so not verified; where a person drew, that is what there is.
    assert.deepEqual(only(found.runId, ['classification', 'segmentation']), [
      { task: 'classification', images: 2, objects: 2 + 3 },
      { task: 'segmentation', images: 2, objects: 2 + 3 },
    ]);
    assert.deepEqual([known.get(areas)?.reviewed, known.get(found.runId)?.reviewed], [0, 2]);
    await app.close();

    const library = Library.open(path);
    t.after(() => library.close());
    for (const runId of known.keys())
      for (const task of TAUGHT_TASKS) {
        const run = library.runs.get(runId);
        assert.ok(run);
        const read = isDenseTask(task) ? markedPictures(library, run, task) : reviewedPictures(library, run);
        const isTaken = await read.then(
          () => true,
          () => false,
        );
        assert.equal(isTaken, only(runId, [task])?.length === 1, `${runId} for ${task}`);
      }
  });

  test('of a classifier teach labels, and count no objects', async (t) => {
    const { app, folder } = testApp(t, 2);
    const { id } = await app.run({ folders: [folder] });
    const [run] = await app.reviewedRuns({});
    assert.deepEqual(run?.teaches, [{ task: 'classification', images: 0, objects: undefined }]);
    assert.equal(run.run.id, id);
  });
});

suite('the models that a training can start from', () => {
  const packaged = (manifest: ModelPackage['manifest']): ModelPackage => {
    return { name: 'one', path: '/one', manifest, bundled: false } as ModelPackage;
  };

  test('are told apart by the task that is taught, with the reason why one cannot', async (t) => {
    const { app } = testApp(t, 1);
    const bundled = (await app.trainingParents({})).find(({ model }) => model.name === 'everyday10');
    assert.deepEqual(bundled?.problems, {});
    const detector = describeParent(packaged(await detectorManifest(LABELS)));
    assert.match(
      detector.problems.classification ?? '',
      /needs a classifier, but the model one detects objects/,
    );
    assert.match(
      detector.problems.segmentation ?? '',
      /needs a Vim classifier, or a segmentation or detection model/,
    );
    const segmenter = describeParent(packaged(await segmenterManifest(LABELS)));
    assert.match(segmenter.problems.segmentation ?? '', /with a head that cannot be trained/);
    const manifest = bundled.model.manifest;
    const other = describeParent(packaged({ ...manifest, architecture: 'videomamba' } as typeof manifest));
    assert.equal(other.problems.classification, undefined);
    assert.match(other.problems.segmentation ?? '', /the model one is a VideoMamba model/);
  });
});
