import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  choiceOf,
  isComplete,
  masksAre,
  runsOn,
  toRequest,
  usualScore,
} from '../../../renderer/views/labels/label-form.ts';
import type { ClassChoice, LabelForm } from '../../../renderer/views/labels/label-form.ts';
import type { Run } from '../../../electron/shared/run.ts';

const form: LabelForm = {
  path: ' /a.json ',
  folder: '/pictures',
  as: 'run',
  tool: ' md ',
  by: '',
  runId: 3,
  replace: true,
  minScore: null,
  task: undefined,
};

test('a request names the purpose that was chosen, and only classes that a person has touched', () => {
  const request = { path: '/a.json', folder: '/pictures', purpose: { kind: 'run', tool: 'md' } };
  assert.deepEqual(toRequest(form, new Map()), request);
  const choices = new Map<string, ClassChoice>([
    ['animal', { kind: 'name', name: ' fox ' }],
    ['person', { kind: 'out' }],
    ['empty', { kind: 'blank' }],
    ['vehicle', { kind: 'name', name: ' ' }],
  ]);
  assert.deepEqual(toRequest(form, choices), {
    ...request,
    classes: { animal: 'fox', person: null, empty: '', vehicle: 'vehicle' },
  });
  const reviews: LabelForm = { ...form, as: 'reviews', by: 'Ada' };
  assert.deepEqual(toRequest(reviews, new Map()).purpose, {
    kind: 'reviews',
    by: 'Ada',
    replace: true,
    runId: 3,
  });
});

test('a request has the smallest score and the columns where they are chosen', () => {
  const { minScore, columns } = toRequest({ ...form, minScore: 0 }, new Map(), { label: 'art' });
  assert.deepEqual([minScore, columns], [0, { label: 'art' }]);
  assert.deepEqual([usualScore('run'), usualScore('reviews')], [0, 0.5]);
});

test('an import needs a file, a folder, and the name of whoever made the labels', () => {
  assert.ok(isComplete(form));
  for (const missing of [{ path: ' ' }, { folder: '' }, { tool: ' ' }, { as: 'reviews' as const }])
    assert.ok(!isComplete({ ...form, ...missing }));
});

test('a class stands as it was chosen, else as it was read', () => {
  const one = { name: 'cat', becomes: 'Cat', isKnown: true, stated: 1, labels: 1, boxes: 0 };
  assert.deepEqual(choiceOf(one, new Map()), { kind: 'name', name: 'Cat' });
  assert.deepEqual(choiceOf({ ...one, becomes: '' }, new Map()), { kind: 'blank' });
  assert.deepEqual(choiceOf({ ...one, becomes: null }, new Map()), { kind: 'out' });
  assert.deepEqual(choiceOf(one, new Map([['cat', { kind: 'out' }]])), { kind: 'out' });
});

test('reviews can stand beside the runs on their folder, the last first', () => {
  const runs = [1, 2, 3].map((id) => ({ id, spec: { folders: [id === 2 ? '/b' : '/a'] } }) as Run);
  assert.deepEqual(
    runsOn(runs, '/a').map(({ id }) => id),
    [3, 1],
  );
});

test('what masks are is asked where a file has some, and goes into the request once it is chosen', () => {
  const counts = { entries: 1, matches: [], unmatched: { count: 0, names: [] }, uncovered: 0, classes: [] };
  const rest = {
    images: 1,
    blank: 0,
    failed: 0,
    labels: 0,
    boxes: 1,
    minScore: 0,
    skipped: [],
    notices: [],
    reviews: undefined,
  };
  const report = { format: 'coco', task: 'detection' as const, masks: 0, ...counts, ...rest };
  assert.equal(masksAre(report), undefined);
  assert.equal(masksAre({ ...report, masks: 2 }), 'detection');
  assert.equal(masksAre({ ...report, masks: 2, task: 'segmentation' }), 'segmentation');
  assert.equal(toRequest(form, new Map()).task, undefined);
  assert.equal(toRequest({ ...form, task: 'segmentation' }, new Map()).task, 'segmentation');
});
