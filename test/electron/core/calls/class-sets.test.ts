import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { reviewedPictures } from '../../../../electron/core/training/pictures/reviewed-run.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import type { HumanBox, Verdict } from '../../../../electron/shared/api/review.ts';
import type { ResultFilter } from '../../../../electron/shared/api/results.ts';
import { writeFiles } from '../../support/files.ts';
import { detectorManifest } from '../../support/found.ts';
import { testApp } from '../../support/test-app.ts';
import { manifestWith, saveRun } from '../../support/saved-run.ts';

const named = (...names: string[]) => names.map((name) => ({ name }));
const box = (label: string): HumanBox => ({ label, x: 0, y: 0, width: 10, height: 10 });

/**
 * An app over runs on two images: `first` and `again` of two models with the same three classes in another order, `other` of
 * a model that shares one class with them, `finder` of a detection model of the three classes.
 */
async function tasks(t: TestContext) {
  const home = testApp(t);
  const { app, libraryPath, folder } = home;
  const run = async (name: string, classes: string[]) => {
    const manifest = await manifestWith(named(...classes));
    const files = { 'a.jpg': { classes: [0, 1] }, 'b.jpg': { classes: [1, 0] } };
    return saveRun(libraryPath, folder, { name, manifest }, files);
  };
  const { runId: first, ids } = await run('first', ['cat', 'dog', 'fox']);
  const { runId: again } = await run('again', ['fox', 'cat', 'dog']);
  const { runId: other } = await run('other', ['bus', 'cat']);
  const manifest = await detectorManifest(named('cat', 'dog', 'fox'));
  const { runId: finder } = saveRun(
    libraryPath,
    folder,
    { name: 'finder', manifest },
    { 'a.jpg': { detections: [[1, 0.9, 0, 0, 20, 20]] }, 'b.jpg': { detections: [] } },
  );
  writeFiles(folder, { 'a.jpg': 'a', 'b.jpg': 'b' });
  const [a = 0, b = 0] = [ids['a.jpg'], ids['b.jpg']];
  const labels = async (runId: number) =>
    (await app.resultItems({ runId, imageIds: [a, b] })).map(({ label, verified }) => {
      return `${label ?? '-'}${verified ? ' ✓' : ''}`;
    });
  const review = (runId: number, verdict: Verdict, ...imageIds: number[]) =>
    app.review({ runId, imageIds, verdict });
  const count = async (runId: number, filter: ResultFilter) =>
    (await app.findImages({ runId, filter, sort: 'path' })).imageIds.length;
  const suggestion = async (runId: number, imageId: number) =>
    (await app.showImage({ runId, imageId })).suggestion;
  return { ...home, first, again, other, finder, a, b, labels, review, count, suggestion };
}

suite('reviews of a class set', () => {
  test('count in every run of models with the same classes, and in no other', async (t) => {
    const { app, first, again, other, finder, a, b, labels, review, count } = await tasks(t);
    await review(first, { kind: 'label', label: 'cat' }, a, b);
    assert.deepEqual(await labels(first), ['cat ✓', 'cat ✓']);
    assert.deepEqual(await labels(again), ['cat ✓', 'cat ✓']);
    assert.deepEqual(await labels(other), ['bus', 'cat']);
    assert.deepEqual(await labels(finder), ['dog', '']);
    for (const [runId, verified] of [
      [first, 2],
      [again, 2],
      [other, 0],
      [finder, 0],
    ] as const) {
      assert.equal(await count(runId, { status: 'verified' }), verified);
      const { reviewed, status, labels: facets } = await app.resultFacets({ runId, filter: {} });
      assert.deepEqual([reviewed, status.verified, status.unverified], [verified, verified, 2 - verified]);
      assert.equal(
        facets.some(({ label, count: images }) => label === 'cat' && images === 2),
        verified > 0,
      );
      assert.equal((await app.showRun({ runId })).reviewed.verified, verified);
    }
    assert.deepEqual((await app.showRun({ runId: first })).reviewed, { verified: 2, corrected: 1 });
    assert.deepEqual((await app.showRun({ runId: again })).reviewed, { verified: 2, corrected: 1 });
  });

  test('do not meet: two tasks may say different things of an image', async (t) => {
    const { app, first, other, finder, a, labels, review, count } = await tasks(t);
    await review(first, { kind: 'label', label: 'wolf' }, a);
    await review(other, { kind: 'accept' }, a);
    await review(finder, { kind: 'boxes', boxes: [box('fox')] }, a);
    assert.deepEqual(await labels(first), ['wolf ✓', 'dog']);
    assert.deepEqual(await labels(other), ['bus ✓', 'cat']);
    assert.deepEqual(await labels(finder), ['fox ✓', '']);
    assert.deepEqual(await app.classNames({ runId: first }), {
      classes: ['cat', 'dog', 'fox'],
      own: ['wolf'],
    });
    assert.deepEqual(await app.classNames({ runId: other }), { classes: ['bus', 'cat'], own: [] });
    assert.equal(await count(finder, { contains: ['fox'] }), 1);
    await review(other, { kind: 'clear' }, a);
    assert.deepEqual(
      [await labels(first), await labels(finder)],
      [
        ['wolf ✓', 'dog'],
        ['fox ✓', ''],
      ],
    );
  });

  test('are undone and done again where they were given', async (t) => {
    const { app, first, other, a, labels, review } = await tasks(t);
    await review(first, { kind: 'label', label: 'dog' }, a);
    await review(other, { kind: 'label', label: 'cat' }, a);
    await app.undoReview({});
    assert.deepEqual(
      [await labels(first), await labels(other)],
      [
        ['dog ✓', 'dog'],
        ['bus', 'cat'],
      ],
    );
    await app.undoReview({});
    assert.deepEqual(await labels(first), ['cat', 'dog']);
    await app.redoReview({});
    await app.redoReview({});
    assert.deepEqual(
      [await labels(first), await labels(other)],
      [
        ['dog ✓', 'dog'],
        ['cat ✓', 'cat'],
      ],
    );
  });

  test('teach from their own runs only', async (t) => {
    const { first, other, a, review, libraryPath } = await tasks(t);
    await review(first, { kind: 'accept' }, a);
    const library = Library.open(libraryPath);
    t.after(() => library.close());
    const row = (id: number) => library.runs.get(id) ?? assert.fail();
    assert.equal((await reviewedPictures(library, row(first))).files.length, 1);
    await assert.rejects(reviewedPictures(library, row(other)), /run \d has none/);
  });

  test('are suggestions where another model knows the class', async (t) => {
    const { first, again, other, finder, a, b, review, suggestion } = await tasks(t);
    await review(first, { kind: 'label', label: 'cat' }, a);
    await review(first, { kind: 'label', label: 'wolf' }, b);
    assert.deepEqual(await suggestion(other, a), { label: 'cat', boxes: undefined });
    assert.deepEqual(await suggestion(finder, a), { label: 'cat', boxes: undefined });
    assert.equal(await suggestion(other, b), undefined); // no class of that model
    assert.equal(await suggestion(again, a), undefined); // a review there
    await review(other, { kind: 'label', label: 'bus' }, a);
    assert.equal(await suggestion(other, a), undefined);
  });

  test('suggest boxes to a detection model of other classes, but those it does not know', async (t) => {
    const { libraryPath, folder, finder, other, a, review, suggestion } = await tasks(t);
    const manifest = await detectorManifest(named('dog', 'bus'));
    const files = { 'a.jpg': { detections: [] } };
    const { runId } = saveRun(libraryPath, folder, { name: 'second finder', manifest }, files);
    await review(finder, { kind: 'boxes', boxes: [box('fox'), box('dog')] }, a);
    assert.deepEqual(await suggestion(runId, a), { label: 'dog', boxes: [box('dog')] });
    assert.equal(await suggestion(other, a), undefined);
    await review(finder, { kind: 'boxes', boxes: [] }, a); // nothing of its classes says nothing of others
    assert.equal(await suggestion(runId, a), undefined);
  });

  test('stay when a folder is run again with another model of the same classes', async (t) => {
    const { first, a, b, review, libraryPath, folder, labels } = await tasks(t);
    await review(first, { kind: 'label', label: 'fox' }, a, b);
    const manifest = await manifestWith(named('dog', 'fox', 'cat'));
    const next = saveRun(libraryPath, folder, { name: 'newer', manifest }, { 'a.jpg': { classes: [0] } });
    assert.deepEqual((await labels(next.runId)).slice(0, 1), ['fox ✓']);
  });

  test('of a library opened twice share one set', async (t) => {
    const { libraryPath } = await tasks(t);
    const library = Library.open(join(libraryPath));
    t.after(() => library.close());
    const manifest = await manifestWith(named('fox', 'dog', 'cat'));
    library.models.put({ sha256: 'twin', name: 'twin', path: '/twin', manifest });
    library.models.put({ sha256: 'twin', name: 'renamed', path: '/twin', manifest });
    assert.equal(library.models.get('twin').name, 'renamed');
  });
});
