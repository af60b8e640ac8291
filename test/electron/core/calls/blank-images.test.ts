import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ResultFilter } from '../../../../electron/shared/api/results.ts';
import { detectorManifest } from '../../support/found.ts';
import { testApp } from '../../support/test-app.ts';
import { manifestWith, saveRun } from '../../support/saved-run.ts';
import { boxes, SEARCHED_LABELS, searchedRun } from '../../support/searched-run.ts';

suite('images of a detection run', () => {
  test('below the threshold are blank, in every filter, facet and order', async (t) => {
    const { app, runId, a, b, c, d, find, review } = await searchedRun(t);
    assert.deepEqual(await find({ status: 'blank' }), [b, c]);
    assert.deepEqual(await find({ status: 'labelled' }), [a]);
    assert.deepEqual(await find({ status: 'blank', minScore: 0.4 }), [b]);
    assert.deepEqual(await find({ status: 'labelled', minScore: 0.95 }), []);
    assert.deepEqual(await find({ text: 'cat' }), []);
    assert.deepEqual(await find({ text: 'cat', minScore: 0.4 }), [c]);
    // A blank image has no confidence.
    assert.deepEqual(await find({ minConfidence: 0 }), [a]);
    assert.deepEqual(await find({ maxConfidence: 1 }), [a]);
    assert.deepEqual(await find({ maxConfidence: 0.8, minScore: 0.3 }), [c]);
    const bins = async (filter: ResultFilter) => (await app.resultFacets({ runId, filter })).confidence;
    assert.deepEqual(
      (await bins({})).flatMap((count, bin) => (count > 0 ? [bin] : [])),
      [18],
    );
    assert.deepEqual(
      (await bins({ minScore: 0.4 })).flatMap((count, bin) => (count > 0 ? [bin] : [])),
      [8, 18],
    );
    const order = async (filter: ResultFilter) => [
      ...(await app.findImages({ runId, filter, sort: 'leastConfident' })).imageIds,
    ];
    assert.deepEqual((await order({ status: 'ok' }))[0], a);
    assert.deepEqual(await order({ status: 'ok', minScore: 0.4 }), [c, a, b]);
    const items = async (minScore?: number) =>
      (await app.resultItems({ runId, imageIds: [c, d], minScore })).map(
        ({ label, modelLabel, confidence }) => {
          return [label, modelLabel, confidence];
        },
      );
    assert.deepEqual(await items(), [
      ['', '', undefined],
      [undefined, undefined, undefined],
    ]);
    assert.deepEqual((await items(0.4))[0], ['cat', 'cat', 0.4]);
    assert.deepEqual((await app.showImage({ runId, imageId: c, minScore: 0.3 })).item.label, 'cat');

    // What a person says holds, whatever the score.
    await review({ kind: 'label', label: 'bus' }, b);
    await review(boxes(), a);
    assert.deepEqual([await find({ status: 'blank' }), await find({ status: 'labelled' })], [[a, c], [b]]);
    const { status } = await app.resultFacets({ runId, filter: {} });
    assert.deepEqual([status.ok, status.labelled, status.blank], [3, 1, 2]);
  });

  test('below the threshold count as blank in the library, not as labelled', async (t) => {
    const { app, libraryPath, folder } = testApp(t);
    const model = { name: 'finder', manifest: await detectorManifest(SEARCHED_LABELS) };
    const { runId, ids } = saveRun(libraryPath, folder, model, {
      'a.jpg': { detections: [[1, 0.5, 12, 10, 12, 20]] },
      'b.jpg': { detections: [] },
      'c.jpg': { detections: [[0, 0.49, 0, 0, 24, 40]] },
      'd.jpg': 'failed',
      'e.jpg': 'pending',
    });
    const counted = async () => {
      const [{ images, labelled, blank, verified } = assert.fail()] = await app.listFolders({});
      return [images, labelled, blank, verified];
    };
    assert.deepEqual(await counted(), [5, 1, 2, 0]);
    const [a = 0, b = 0] = [ids['a.jpg'], ids['b.jpg']];
    await app.review({ runId, imageIds: [b], verdict: { kind: 'label', label: 'bus' } });
    await app.review({ runId, imageIds: [a], verdict: boxes() });
    assert.deepEqual(await counted(), [5, 1, 2, 2]);
    const classifier = { name: 'classifier', manifest: await manifestWith(SEARCHED_LABELS) };
    const cat = { classes: [0] };
    const all = { 'a.jpg': cat, 'b.jpg': cat, 'c.jpg': cat, 'd.jpg': cat, 'e.jpg': cat };
    saveRun(libraryPath, folder, classifier, all); // some run has a label for each
    assert.deepEqual(await counted(), [5, 5, 0, 2]);
  });
});
