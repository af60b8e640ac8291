import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { AppService } from '../../../../electron/core/app-service.ts';
import type { HumanBox, Verdict } from '../../../../electron/shared/api/review.ts';
import type { ResultFilter } from '../../../../electron/shared/api/results.ts';
import { decodeRuns, runsArea } from '../../../../electron/shared/mask.ts';
import { detectorManifest, segmenterManifest } from '../../support/found.ts';
import { testApp } from '../../support/test-app.ts';
import { makeLargeLibrary } from '../../support/large-library.ts';
import { saveRun } from '../../support/saved-run.ts';
import { boxes, SEARCHED_LABELS, searchedRun } from '../../support/searched-run.ts';

const ACCEPT: Verdict = { kind: 'accept' };
const box = (label: string, x = 0): HumanBox => ({ label, x, y: 0, width: 10, height: 10 });

const labelsOf = async (app: AppService, runId: number, imageIds: number[]) =>
  (await app.resultItems({ runId, imageIds })).map(
    ({ label, verified }) => `${label ?? '-'}${verified ? ' ✓' : ''}`,
  );

suite('results of a detection model', () => {
  test('have the label of the best object, or none', async (t) => {
    const { app, runId, otherRunId, a, b, c, d, e, find } = await searchedRun(t);
    assert.deepEqual(await labelsOf(app, runId, [a, b, c, d, e]), ['dog', '', '', '-', '-']);
    assert.deepEqual(await find({ labels: [''] }), [b, c]);
    assert.deepEqual(await find({ labels: ['', 'dog'], minScore: 0.4 }), [a, b]);
    assert.deepEqual(await find({ minConfidence: 0.5 }), [a]);
    const facets = await app.resultFacets({ runId, filter: {} });
    assert.deepEqual(facets.labels, [
      { label: '', count: 2 },
      { label: 'dog', count: 1 },
    ]);
    assert.deepEqual((await app.showRun({ runId })).labels, facets.labels);
    assert.deepEqual(await app.classNames({ runId }), { classes: ['bus', 'cat', 'dog'], own: [] });
    const compared = await app.compareRuns({ runId, otherRunId });
    assert.deepEqual(
      [compared.images, compared.agreeing, compared.onlyInFirst, compared.onlyInSecond],
      [2, 0, 1, 0],
    );
    assert.deepEqual(
      new Set(compared.differences.map(({ label, otherLabel }) => `${label}/${otherLabel}`)),
      new Set(['dog/cat', '/bus']),
    );
    assert.deepEqual(await find({ differsFrom: { runId: otherRunId } }), [a, b]);
    assert.deepEqual(await find({ differsFrom: { runId: otherRunId, label: 'bus' } }), [b]);
    assert.deepEqual((await app.compareRuns({ runId, otherRunId: runId })).agreeing, 3);
    assert.deepEqual(await find({ differsFrom: { runId } }), []);
  });

  test('are found by what they contain, above a score', async (t) => {
    const { app, runId, a, c, find } = await searchedRun(t);
    assert.deepEqual(await find({ contains: ['cat'] }), [a]);
    assert.deepEqual(await find({ contains: ['cat'], minScore: 0.4 }), [a, c]);
    assert.deepEqual(await find({ contains: ['cat', 'dog'], minScore: 0.7 }), [a]);
    assert.deepEqual(await find({ contains: ['bus'], minScore: 0 }), []);
    assert.deepEqual(await find({ contains: ['cat'], minScore: 0.4, labels: ['cat'] }), [c]);
    const found = async (filter: ResultFilter) => (await app.resultFacets({ runId, filter })).found;
    assert.deepEqual(
      new Set(await found({})),
      new Set([
        { label: 'cat', count: 1 },
        { label: 'dog', count: 1 },
      ]),
    );
    assert.deepEqual(await found({ contains: ['dog'], minScore: 0.4 }), [
      { label: 'cat', count: 2 },
      { label: 'dog', count: 1 },
    ]);
    assert.deepEqual(await found({ labels: ['cat'], minScore: 0.1 }), [{ label: 'cat', count: 1 }]);
    assert.deepEqual((await app.resultFacets({ runId, filter: { contains: ['cat'] } })).total, 1);
  });

  test('show their boxes, small and in full', async (t) => {
    const { app, runId, a, b, e } = await searchedRun(t);
    const [item, empty] = await app.resultItems({ runId, imageIds: [a, b] });
    assert.deepEqual(item?.boxes[0], {
      label: 'dog',
      score: 0.9,
      x: 0.25,
      y: 0.25,
      width: 0.25,
      height: 0.5,
    });
    assert.deepEqual([item.boxes.length, empty?.boxes], [3, []]);
    const shown = await app.showImage({ runId, imageId: a });
    assert.deepEqual([shown.task, shown.humanBoxes, shown.regions], ['detection', undefined, []]);
    assert.deepEqual(shown.detections[1], {
      number: 1,
      classIndex: 0,
      label: 'cat',
      score: 0.6,
      maskArea: 240,
      x: 24,
      y: 10,
      width: 12,
      height: 20,
    });
    assert.deepEqual(shown.crops, [{ x: 0, y: 0, size: 48 }]);
    const { width, height, masks } = await app.imageMasks({ runId, imageId: a });
    assert.deepEqual(
      [width, height, masks.map(({ number, label }) => `${number} ${label}`)],
      [48, 40, ['0 dog', '1 cat', '2 dog']],
    );
    assert.deepEqual(
      masks.map(({ counts }) => runsArea(decodeRuns(counts))),
      [240, 240, 1920],
    );
    assert.deepEqual((await app.imageMasks({ runId, imageId: e })).masks, []);
    await assert.rejects(app.imageMasks({ runId, imageId: 999 }), { code: 'NOT_FOUND' });
  });

  test('tell what was found in all of them', async (t) => {
    const { app, runId, otherRunId } = await searchedRun(t);
    assert.deepEqual((await app.showRun({ runId })).found, {
      task: 'detection',
      minScore: 0.5,
      objects: 2,
      classes: [
        { label: 'cat', objects: 1 },
        { label: 'dog', objects: 1 },
      ],
    });
    assert.equal((await app.showRun({ runId: otherRunId })).found, undefined);
    const runs = await app.listRuns({});
    assert.deepEqual(
      runs.map(({ blank }) => blank),
      [2, 0],
    );
  });
});

suite('review of boxes', () => {
  test('accepts those of at least a score, with the label of the best', async (t) => {
    const { app, runId, a, b, c, d, find, review } = await searchedRun(t);
    const { description, imageIds } = await review(ACCEPT, a, b, c, d);
    assert.deepEqual([description, imageIds], ['Verify 3 images', [a, b, c]]); // the bad file is passed over
    assert.deepEqual(await labelsOf(app, runId, [a, b, c]), ['dog ✓', ' ✓', ' ✓']);
    const { humanBoxes, humanLabel } = await app.showImage({ runId, imageId: a });
    assert.deepEqual([humanLabel, humanBoxes?.length], ['dog', 2]);
    assert.deepEqual(humanBoxes?.[1], {
      label: 'cat',
      x: 24,
      y: 10,
      width: 12,
      height: 20,
      detection: { runId, number: 1 },
    });
    assert.deepEqual((await app.showImage({ runId, imageId: c })).humanBoxes, []);
    assert.deepEqual(await find({ status: 'corrected' }), []);
    assert.deepEqual(await find({ status: 'corrected', minScore: 0.4 }), [c]); // then the model says cat
    assert.deepEqual(await find({ contains: ['cat'], minScore: 0 }), [a]); // nobody marked the one in c
    assert.deepEqual(
      (await app.resultFacets({ runId, filter: { minScore: 0 } })).found
        .map(({ label, count }) => `${label} ${count}`)
        .sort(),
      ['cat 1', 'dog 1'],
    );

    await app.undoReview({});
    await app.review({ runId, imageIds: [c], verdict: ACCEPT, minScore: 0.4 });
    assert.deepEqual(await labelsOf(app, runId, [a, b, c]), ['dog', '', 'cat ✓']);
  });

  test('keeps what a person drew, in steps that can be undone', async (t) => {
    const { app, runId, a, review, find } = await searchedRun(t);
    const state = async () => {
      const { item, humanBoxes } = await app.showImage({ runId, imageId: a });
      return [item.label, item.verified, humanBoxes?.map(({ label }) => label), item.boxes.length];
    };
    const fresh = await state();
    const { description } = await review(boxes(box('Dog'), box('squirrel', 20)), a);
    assert.equal(description, 'Change the boxes of 1 image');
    const drawn = ['dog', true, ['dog', 'squirrel'], 2];
    assert.deepEqual(await state(), drawn);
    assert.deepEqual((await review(boxes(box('dog'), box('squirrel', 20)), a)).imageIds, []);
    assert.deepEqual((await review(ACCEPT, a)).imageIds, []); // a person has seen to these
    assert.deepEqual(await find({ contains: ['squirrel'] }), [a]);
    assert.deepEqual(await find({ contains: ['cat'] }), []); // it was taken away
    assert.ok((await app.classNames({ runId })).own.includes('squirrel'));
    await review(boxes(), a);
    assert.deepEqual(await state(), ['', true, [], 0]);
    await review({ kind: 'label', label: 'bus' }, a);
    assert.deepEqual(await state(), ['bus', true, [], 0]);
    await review({ kind: 'clear' }, a);
    assert.deepEqual(await state(), fresh);
    for (let step = 0; step < 3; step++) await app.undoReview({});
    assert.deepEqual(await state(), drawn);
    await app.undoReview({});
    assert.deepEqual(await state(), fresh);
    await app.redoReview({});
    assert.deepEqual(await state(), drawn);
  });

  test('keeps a box in its picture to the last digit, and shows it as shares of the sides', async (t) => {
    const { app, runId, a, review } = await searchedRun(t);
    const drawn: HumanBox = { label: 'dog', x: 0.1, y: 0.7, width: 0.2, height: 0.1 }; // 0.1 + 0.2 - 0.1 is not 0.2
    await review(boxes(drawn), a);
    const { item, humanBoxes } = await app.showImage({ runId, imageId: a });
    assert.deepEqual(humanBoxes, [drawn]);
    assert.deepEqual(item.boxes, [
      { label: 'dog', score: undefined, x: 0.1 / 48, y: 0.7 / 40, width: 0.2 / 48, height: 0.1 / 40 },
    ]);
  });

  test('says in one sentence why boxes cannot be, and changes nothing', async (t) => {
    const { runId, app, a, b, e, review } = await searchedRun(t);
    const refused = (message: RegExp) => ({ code: 'BAD_ARGUMENT', message });
    await assert.rejects(
      review(boxes(box('dog', 40)), a),
      refused(/must lie in its picture of 48 x 40 pixels/),
    );
    await assert.rejects(
      review(boxes({ ...box('dog'), y: 35 }), a),
      refused(/must lie in its picture of 48 x 40 pixels, but the one of dog reaches to 10, 45/),
    );
    await assert.rejects(review(boxes({ ...box('dog'), width: 0 }), a), refused(/must have a width/));
    await assert.rejects(review(boxes({ ...box('dog'), x: 48, width: 0.001 }), a), refused(/must lie/));
    await assert.rejects(review(boxes(box('dog')), a, b), refused(/belong to one image/));
    await assert.rejects(review(boxes(box('dog')), e), refused(/size of e.jpg is not known/));
    assert.deepEqual(await labelsOf(app, runId, [a, b]), ['dog', '']);
    await review(boxes({ ...box('dog'), x: 0, width: 48.000001 }), a);
    assert.equal((await app.showImage({ runId, imageId: a })).humanBoxes?.[0]?.width, 48);
  });
});

suite('results of a segmentation model', () => {
  async function painted(t: TestContext) {
    const home = testApp(t);
    const model = { name: 'painter', manifest: await segmenterManifest(SEARCHED_LABELS) };
    const { runId, ids } = saveRun(home.libraryPath, home.folder, model, {
      'a.jpg': {
        regions: [
          [2, 0, 0, 36, 40],
          [0, 36, 0, 12, 40],
        ],
        blocksRun: 6,
      },
      'b.jpg': { regions: [[0, 0, 0, 60, 40]], size: [60, 40] },
    });
    writeFileSync(join(home.folder, 'a.jpg'), 'x');
    writeFileSync(join(home.folder, 'b.jpg'), 'x');
    const [a = 0, b = 0] = Object.values(ids);
    return { ...home, runId, a, b };
  }

  test('have the label of the largest area, and are found by every class in them', async (t) => {
    const { app, runId, a, b } = await painted(t);
    assert.deepEqual(await labelsOf(app, runId, [a, b]), ['bus', 'cat']);
    const find = async (filter: ResultFilter) => [
      ...(await app.findImages({ runId, filter, sort: 'path' })).imageIds,
    ];
    assert.deepEqual(
      [await find({ contains: ['cat'] }), await find({ contains: ['bus'], minScore: 1 })],
      [[a, b], [a]],
    );
    const { found } = await app.resultFacets({ runId, filter: {} });
    assert.deepEqual(found, [
      { label: 'cat', count: 2 },
      { label: 'bus', count: 1 },
    ]);
    assert.deepEqual((await app.showRun({ runId })).found, {
      task: 'segmentation',
      classes: [
        { label: 'cat', share: (480 + 2400) / (1920 + 2400) },
        { label: 'bus', share: 1440 / (1920 + 2400) },
      ],
    });
  });

  test('show their areas and the windows that slid over them', async (t) => {
    const { app, runId, a, b } = await painted(t);
    const shown = await app.showImage({ runId, imageId: a });
    assert.deepEqual(
      [shown.task, shown.regions, shown.item.boxes],
      [
        'segmentation',
        [
          { classIndex: 2, label: 'bus', share: 0.75 },
          { classIndex: 0, label: 'cat', share: 0.25 },
        ],
        [],
      ],
    );
    // 48 x 40 becomes 38 x 32: windows of 32 at 0 and 6.
    assert.deepEqual(shown.crops, [
      { x: 0, y: 0, size: 40.42 },
      { x: 7.58, y: 0, size: 40.42 },
    ]);
    assert.deepEqual(
      (await app.showImage({ runId, imageId: b })).crops.map(({ x }) => x),
      [0, 20],
    );
    assert.deepEqual(
      (await app.imageMasks({ runId, imageId: a })).masks.map(({ number, label }) => [number, label]),
      [
        [0, 'cat'],
        [2, 'bus'],
      ],
    );
    const accepted = await app.review({ runId, imageIds: [a], verdict: ACCEPT });
    assert.equal(accepted.imageIds.length, 1);
    assert.equal((await app.showImage({ runId, imageId: a })).humanBoxes, undefined);
  });
});

/** More than a statement of SQLite may have parameters (32,766). */
const MANY = 40_000;

test('40,000 images with their objects are listed, counted, accepted and taken back', async (t) => {
  const home = testApp(t);
  const manifest = await detectorManifest(SEARCHED_LABELS);
  const { runId, imageIds } = await makeLargeLibrary(home.libraryPath, home.folder, {
    images: MANY,
    manifest,
  });
  const { app } = home;
  const { found, labels, status } = await app.resultFacets({ runId, filter: { minScore: 0.3 } });
  assert.equal(
    labels.reduce((sum, { count }) => sum + count, 0),
    status.ok,
  );
  for (const { label, count } of found) {
    const filter = { contains: [label], minScore: 0.3 };
    assert.equal((await app.findImages({ runId, filter, sort: 'leastConfident' })).imageIds.length, count);
  }
  const accepted = await app.review({ runId, imageIds, verdict: ACCEPT, minScore: 0.3 });
  assert.equal(accepted.imageIds.length, status.ok);
  assert.deepEqual(
    new Set((await app.resultFacets({ runId, filter: { minScore: 1 } })).found),
    new Set(found),
  );
  await app.undoReview({});
  assert.equal((await app.resultFacets({ runId, filter: {} })).status.verified, 0);
});
