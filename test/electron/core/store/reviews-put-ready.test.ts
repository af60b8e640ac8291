import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import Database from 'better-sqlite3';
import { Library } from '../../../../electron/core/store/library.ts';
import type { ReadReview } from '../../../../electron/core/store/tables/review-history.ts';
import { foundRun } from '../../support/found-run.ts';

const EARLIER = '2026-03-04T05:06:07.000Z';
const LATER = '2026-03-04T05:06:08.000Z';

/** A library with a run on four pictures, reviews of two of which can be put ready. */
async function library(t: TestContext) {
  const paths = ['a/1.png', 'a/2.png', 'b/3.png', 'b/4.png'];
  const nothing = Object.fromEntries(paths.map((path) => [path, { detections: [] }]));
  const found = await foundRun(t, 'detection', [{ name: 'fox' }, { name: 'badger' }], nothing);
  await found.app.close();
  const open = Library.open(found.libraryPath);
  t.after(() => open.close());
  const { runId } = found;
  const imageIds = paths.map((path) => found.ids[path] ?? 0);
  const { reviewHistory } = open;
  const foxes = (ids: readonly number[]): ReadReview[] =>
    ids.map((imageId) => ({
      imageId,
      label: 'fox',
      boxes: [{ label: 'fox', x: 1, y: 2, width: 3, height: 4 }],
    }));
  return {
    ...found,
    open,
    imageIds,
    begin: (replace = false) =>
      open.transaction(() =>
        reviewHistory.beginTakingIn(runId, { source: 'Ada', verifiedAt: EARLIER, replace }),
      ),
    put: (taken: ReturnType<typeof reviewHistory.beginTakingIn>, ids: readonly number[]) =>
      open.transaction(() => reviewHistory.putReady(taken, foxes(ids))),
    takeIn: (taken: ReturnType<typeof reviewHistory.beginTakingIn>) =>
      open.transaction(() => reviewHistory.takeIn(taken, (images) => `Take ${images} in`)),
    relabel: (imageId: number, label: string) =>
      open.transaction(() =>
        reviewHistory.change(runId, [imageId], { kind: 'label', label }, LATER, () => `Relabel as ${label}`),
      ),
    undo: () => open.transaction(() => reviewHistory.undo()?.description),
    redo: () => open.transaction(() => reviewHistory.redo()?.description),
    /** Of each image the label that somebody gave, and who. */
    said: () =>
      open.resultQueries
        .rows(runId, imageIds)
        .map(({ humanLabel, reviewedBy }) =>
          [humanLabel, reviewedBy].filter((word) => word !== undefined).join(' '),
        ),
  };
}

test('reviews that are put ready are nothing before they are taken in, and can be forgotten', async (t) => {
  const { open, begin, put, takeIn, relabel, undo, said, imageIds } = await library(t);
  const [one = 0, two = 0, three = 0] = imageIds;
  const taken = begin();
  assert.equal(put(taken, [one]), 0);
  assert.deepEqual(said(), ['', '', '', '']);
  assert.equal(undo(), undefined);
  relabel(three, 'badger'); // a step of its own, which drops nothing that is ready
  put(taken, [two]);
  assert.deepEqual(takeIn(taken), { imageIds: [one, two], overtaken: 0 });
  assert.deepEqual(said(), ['fox Ada', 'fox Ada', 'badger', '']);
  open.transaction(() => open.reviewHistory.forgetReady(taken)); // too late to change anything
  assert.equal(undo(), 'Take 2 in');
  assert.deepEqual(said(), ['', '', 'badger', '']);
  assert.equal(undo(), 'Relabel as badger');
  const other = begin();
  put(other, [one, two]);
  open.transaction(() => open.reviewHistory.forgetReady(other));
  assert.deepEqual(takeIn(other), { imageIds: [], overtaken: 0 });
  assert.deepEqual(said(), ['', '', '', '']);
  assert.deepEqual(open.findDamage().found, []);
});

test('what is said here while reviews are put ready stays, also where they replace others', async (t) => {
  for (const replace of [false, true]) {
    const { open, begin, put, takeIn, relabel, undo, redo, said, imageIds } = await library(t);
    const [one = 0, two = 0, three = 0, four = 0] = imageIds;
    relabel(four, 'badger');
    assert.equal(undo(), 'Relabel as badger');
    const taken = begin(replace);
    put(taken, [one, two]);
    relabel(one, 'badger'); // was put ready, without a review of before
    relabel(three, 'badger'); // was not yet
    assert.equal(put(taken, [three]), 1);
    assert.deepEqual(takeIn(taken), { imageIds: [two], overtaken: 1 });
    assert.deepEqual(said(), ['badger', 'fox Ada', 'badger', '']);
    assert.equal(redo(), undefined);
    assert.equal(undo(), 'Take 1 in');
    assert.deepEqual(said(), ['badger', '', 'badger', '']);
    assert.equal(redo(), 'Take 1 in');
    assert.equal(undo(), 'Take 1 in');
    assert.equal(undo(), 'Relabel as badger');
    assert.equal(undo(), 'Relabel as badger');
    assert.deepEqual(said(), ['', '', '', '']);
    assert.deepEqual(open.findDamage().found, []);
  }
});

test('reviews that another Winnow writes, and images that it removes, while others are put ready are left as they are', async (t) => {
  const { begin, put, takeIn, said, undo, imageIds, libraryPath } = await library(t);
  const [one = 0, two = 0, three = 0, four = 0] = imageIds;
  const first = begin();
  put(first, [one]);
  takeIn(first);
  const taken = begin();
  put(taken, [two, three, four]);
  const other = new Database(libraryPath);
  other.pragma('foreign_keys = ON');
  other.prepare('DELETE FROM images WHERE id = ?').run(four);
  other
    .prepare(
      `INSERT INTO reviews (class_set, image_id, label, verified_at)
      SELECT class_set, ?, 'badger', ? FROM reviews WHERE image_id = ?`,
    )
    .run(two, LATER, one);
  other.close();
  assert.deepEqual(takeIn(taken), { imageIds: [three], overtaken: 2 });
  assert.deepEqual(said(), ['fox Ada', 'badger', 'fox Ada']);
  assert.equal(undo(), 'Take 1 in');
  assert.deepEqual(said(), ['fox Ada', 'badger', '']);
});

test('folders that are forgotten take along what was put ready of their images, and no more', async (t) => {
  const { open, begin, put, takeIn, said, imageIds, root } = await library(t);
  const [, two = 0, three = 0] = imageIds;
  const taken = begin();
  put(taken, [two, three]);
  open.transaction(() => {
    open.folders.remove(open.folders.find(join(root, 'b'))?.id ?? 0);
    open.reviewHistory.forgetMissingImages();
  });
  assert.deepEqual(takeIn(taken), { imageIds: [two], overtaken: 0 });
  assert.deepEqual(said(), ['', 'fox Ada']);
});
