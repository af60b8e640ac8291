import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { Library } from '../../../../electron/core/store/library.ts';
import { sha256OfTool } from '../../../../electron/core/store/tables/models.ts';
import type { ToolOutcome } from '../../../../electron/core/store/tables/results.ts';
import { AppError } from '../../../../electron/shared/errors.ts';
import type { ToolManifest } from '../../../../electron/shared/model-package.ts';
import { foundRun } from '../../support/found-run.ts';
import type { FoundRun } from '../../support/found-run.ts';

const tool: ToolManifest = {
  tool: 'MegaDetector',
  task: 'detection',
  labels: [{ name: 'fox' }, { name: 'badger' }],
};

const outcomes: Record<string, ToolOutcome> = {
  'a/1.png': {
    status: 'ok',
    top: [{ classIndex: 1, confidence: 0.9 }],
    detections: [{ classIndex: 1, score: 0.9, box: { x: 4, y: 5, width: 10, height: 8 } }],
  },
  'a/2.png': { status: 'ok', top: [], detections: [] },
  'a/3.png': { status: 'failed', reason: 'Failure image access' },
};

/** A run of our own on three pictures, and beside it one of another tool, which `end` makes seen. */
async function withToolRun(t: TestContext, end = true): Promise<FoundRun & { toolRun: number }> {
  const found = await foundRun(t, 'detection', [{ name: 'fox' }, { name: 'badger' }], {
    'a/1.png': { detections: [[0, 0.8, 4, 5, 10, 8]] },
    'a/2.png': { detections: [] },
    'a/3.png': { detections: [[1, 0.7, 1, 1, 9, 9]] },
  });
  const library = Library.open(found.libraryPath);
  try {
    const toolRun = library.transaction(() => {
      const sha256 = sha256OfTool(tool);
      library.models.put({ sha256, name: tool.tool, path: '', manifest: tool });
      const imported = { path: '/results/md.json', format: 'megadetector', task: 'detection' } as const;
      const spec = { folders: [join(found.root, 'a')], modelName: tool.tool, modelSha256: sha256, imported };
      const id = library.runs.beginImport(spec, '2026-02-03T04:05:06.000Z');
      for (const [path, outcome] of Object.entries(outcomes))
        library.results.add(id, found.ids[path] ?? 0, outcome);
      if (end) library.runs.endImport(id);
      return id;
    });
    return { ...found, toolRun };
  } finally {
    library.close();
  }
}

test('a run of another tool lists, filters and opens like one of ours', async (t) => {
  const { app, toolRun: runId, ids } = await withToolRun(t);
  const run = (await app.listRuns({})).find(({ id }) => id === runId);
  assert.equal(run?.state, 'done');
  assert.equal(run.spec.modelName, 'MegaDetector');
  assert.equal(run.spec.preset, undefined);
  assert.equal(run.spec.device, undefined);
  assert.deepEqual(run.counts, { total: 3, pending: 0, ok: 2, failed: 1 });
  assert.equal(run.blank, 1);
  const found = await app.findImages({ runId, filter: { contains: ['badger'] }, sort: 'path' });
  assert.deepEqual([...found.imageIds], [ids['a/1.png']]);
  const { item, detections, depth, receipt } = await app.showImage({ runId, imageId: ids['a/1.png'] ?? 0 });
  assert.equal(item.label, 'badger');
  assert.deepEqual(
    detections.map(({ label, score, x, width, maskArea }) => ({ label, score, x, width, maskArea })),
    [{ label: 'badger', score: 0.9, x: 4, width: 10, maskArea: 0 }],
  );
  assert.equal(depth, 0);
  assert.equal(receipt, undefined);
  const failed = await app.showImage({ runId, imageId: ids['a/3.png'] ?? 0 });
  assert.equal(failed.item.problem?.code, 'otherTool');
  assert.equal(failed.item.problem.details, 'Failure image access');
});

test('it is compared with ours, evaluated and exported, and shares the reviews of its classes', async (t) => {
  const { app, toolRun, runId, root, ids } = await withToolRun(t);
  const comparison = await app.compareRuns({ runId, otherRunId: toolRun });
  assert.equal(comparison.images, 2);
  assert.deepEqual(comparison.differences, [{ label: 'fox', otherLabel: 'badger', count: 1 }]);
  const truth = join(root, 'truth.json');
  const out = join(root, 'out.json');
  await app.exportRun({ runId: toolRun, format: 'coco', out: truth });
  const evaluation = await app.evaluateFound({ runId: toolRun, truth });
  assert.equal(evaluation.task === 'detection' && evaluation.box.ap, 1);
  await app.exportRun({ runId: toolRun, format: 'json', out });
  const { run } = JSON.parse(readFileSync(out, 'utf8')) as { run: Record<string, unknown> };
  assert.equal(run['model'], 'MegaDetector');
  assert.deepEqual(run['imported'], { path: '/results/md.json', format: 'megadetector' });
  await app.exportRun({ runId: toolRun, format: 'csv', out: join(root, 'out.csv') });
  const imageId = ids['a/2.png'] ?? 0;
  await app.review({ runId: toolRun, imageIds: [imageId], verdict: { kind: 'label', label: 'Fox' } });
  assert.equal((await app.showImage({ runId, imageId })).humanLabel, 'fox');
});

test('it cannot be predicted again, and can be forgotten', async (t) => {
  const { app, toolRun: runId } = await withToolRun(t);
  assert.equal((await app.resume({ runId })).state, 'done');
  assert.equal((await app.queueResume({ runId })).state, 'done');
  await app.removeRun({ runId });
  await assert.rejects(
    app.showRun({ runId }),
    (error) => error instanceof AppError && error.code === 'NOT_FOUND',
  );
});

test('one that was not read in to its end is seen by nobody, and goes when work begins', async (t) => {
  const { app, toolRun, libraryPath } = await withToolRun(t, false);
  assert.deepEqual(
    (await app.listRuns({})).map(({ spec }) => spec.modelName),
    ['finder'],
  );
  await assert.rejects(app.showRun({ runId: toolRun }), /There is no run/);
  await app.close();
  const library = Library.open(libraryPath);
  t.after(() => library.close());
  assert.equal(library.results.counts(toolRun).total, 3);
  library.acquireWriter().release();
  assert.equal(library.results.counts(toolRun).total, 0);
  assert.deepEqual(library.findDamage().found, []);
});

test('reviews from elsewhere keep their source, give way to nobody unless told to, and are one step', async (t) => {
  const { app, runId, ids, libraryPath } = await withToolRun(t);
  const [one = 0, two = 0, three = 0] = ['a/1.png', 'a/2.png', 'a/3.png'].map((path) => ids[path]);
  await app.review({ runId, imageIds: [one], verdict: { kind: 'label', label: 'badger' } });
  await app.close();
  const library = Library.open(libraryPath);
  t.after(() => library.close());
  const take = (source: string, replace: boolean, label: string) =>
    library.transaction(() => {
      const { reviewHistory } = library;
      const taken = { source, verifiedAt: '2026-03-04T05:06:07.000Z', replace };
      const reviews = reviewHistory.beginTakingIn(runId, taken);
      const boxes = [{ label, x: 1, y: 1, width: 5, height: 5 }];
      const marked = [one, two].map((imageId) => ({ imageId, label, boxes }));
      const kept = reviewHistory.putReady(reviews, [...marked, { imageId: three, label: '', boxes: [] }]);
      const { imageIds } = reviewHistory.takeIn(
        reviews,
        (images) => `Take ${images} reviews of ${source} in`,
      );
      return { imageIds, kept };
    });
  const said = () =>
    library.resultQueries
      .rows(runId, [one, two, three])
      .map(({ humanLabel, reviewedBy }) => [humanLabel, reviewedBy]);
  assert.deepEqual(take('Ada', false, 'fox'), { imageIds: [two, three], kept: 1 });
  assert.deepEqual(said(), [
    ['badger', undefined],
    ['fox', 'Ada'],
    ['', 'Ada'],
  ]);
  assert.deepEqual(take('Ada', false, 'fox'), { imageIds: [], kept: 1 });
  assert.deepEqual(take('Ben', false, 'badger'), { imageIds: [], kept: 2 });
  assert.deepEqual(take('Ada', true, 'fox'), { imageIds: [one], kept: 0 });
  assert.deepEqual(said()[0], ['fox', 'Ada']);
  assert.equal(library.reviewHistory.undo()?.description, 'Take 1 reviews of Ada in');
  assert.deepEqual(said(), [
    ['badger', undefined],
    ['fox', 'Ada'],
    ['', 'Ada'],
  ]);
  library.reviewHistory.undo();
  assert.deepEqual(said(), [
    ['badger', undefined],
    [undefined, undefined],
    [undefined, undefined],
  ]);
  library.reviewHistory.redo();
  assert.deepEqual(said()[1], ['fox', 'Ada']);
  const accept = { kind: 'label', label: 'fox' } as const; // whoever says the same here gives the review their own name
  library.reviewHistory.change(runId, [two], accept, '2026-03-04T05:06:08.000Z', String);
  assert.deepEqual(said()[1], ['fox', undefined]);
  assert.deepEqual(library.findDamage().found, []);
});
