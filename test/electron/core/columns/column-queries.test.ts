import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { COLUMN_PARTS } from '../../../../electron/core/columns/run-columns.ts';
import { RunLists } from '../../../../electron/core/columns/run-lists.ts';
import { resolveFilter, resolveOrder } from '../../../../electron/core/results/resolve-filter.ts';
import { countFacets } from '../../../../electron/core/results/result-facets.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import type { RunRow } from '../../../../electron/core/store/tables/runs.ts';
import { resultFilterSchema, resultSortSchema } from '../../../../electron/shared/api/results.ts';
import type { ResultFilter, ResultSort } from '../../../../electron/shared/api/results.ts';
import type { Manifest } from '../../../../electron/shared/model-package.ts';
import { detectorManifest } from '../../support/found.ts';
import { manifestWith, saveRun } from '../../support/saved-run.ts';
import type { Found } from '../../support/saved-run.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { seededRandom } from '../random.ts';

const NAMES = ['fox', 'Hare', 'Ünze', 'cat food', 'lynx'];
const LABELS = NAMES.map((name) => ({ name }));
const PATHS = ['a', 'A/b', 'fox/x', 'fox', 'Ordner ä/tief/unten', 'hare', 'a b', ''];
const FILES = [
  'IMG_1.jpg',
  'img_1.JPG',
  'Ä.jpg',
  'é.png',
  'Kelvin K.jpg',
  '😀.jpg',
  '\u{ffee}.jpg',
  'z.jpg',
  'long name of a picture.jpg',
];
const TIMES = [
  undefined,
  '2026-01-02T03:04:05',
  '2026-01-02T03:04:05.5',
  '2025-12-31T23:59:59+02:00',
  '2026-01-02T03:04:06',
];
const CONFIDENCES = [0, 0.05, 0.25, 0.3, 0.5, 0.5000000000000001, 0.75, 1];

type Random = (limit: number) => number;

function pick<Value>(random: Random, values: readonly Value[]): Value {
  return values[random(values.length)] as Value;
}

/** Files in all of the folders, of which a model of the task has found anything at all. */
function randomFiles(random: Random, task: 'classification' | 'detection'): Record<string, Found> {
  const files: Record<string, Found> = {};
  for (let index = 0; index < 150; index++) {
    const folder = pick(random, PATHS);
    const path = `${folder === '' ? '' : `${folder}/`}${index % 3 === 0 ? pick(random, FILES) : `${index}.jpg`}`;
    files[path] = randomFound(random, task);
  }
  return files;
}

function randomFound(random: Random, task: 'classification' | 'detection'): Found {
  const state = random(10);
  if (state === 0) return 'pending';
  if (state === 1) return 'failed';
  const capturedAt = pick(random, TIMES);
  const common = { blocksRun: random(8), ...(capturedAt !== undefined && { capturedAt }) };
  if (task === 'classification') {
    const first = random(NAMES.length);
    const confidence = pick(random, CONFIDENCES);
    return {
      ...common,
      classes: [first, (first + 1) % NAMES.length],
      confidence: [confidence, (1 - confidence) / (1 + random(3))],
    };
  }
  const scores = Array.from({ length: random(4) }, () => pick(random, CONFIDENCES)).sort(
    (one, other) => other - one,
  );
  return {
    ...common,
    detections: scores.map((score) => [random(NAMES.length), score, 1, 1, 5, 5]),
  };
}

function randomFilter(random: Random, folderId: number, otherRunId: number): ResultFilter {
  const status = resultFilterSchema.shape.status.unwrap().options;
  const parts: Record<string, () => unknown> = {
    labels: () => [pick(random, [...NAMES, '', 'elk']), pick(random, NAMES)],
    minConfidence: () => pick(random, CONFIDENCES),
    maxConfidence: () => pick(random, CONFIDENCES),
    contains: () => [pick(random, NAMES), 'elk'],
    minScore: () => pick(random, CONFIDENCES),
    text: () =>
      pick(random, ['a', 'IMG', 'ä', 'Ä', 'É', 'fox', 'Fo', 'k', 'K', 'ü', 'x/', '%', '_1', '😀', ' ']),
    status: () => pick(random, status),
    folderId: () => folderId,
    folder: () => pick(random, ['a', 'fox', 'Ordner ä', 'Ordner ä/tief', 'none']),
    differsFrom: () => pick<object>(random, [{ runId: otherRunId }, { runId: otherRunId, label: 'fox' }]),
    wrong: () => pick<object>(random, [{}, { folder: 'fox' }]),
  };
  const names = Object.keys(parts).filter(() => random(5) === 0);
  return resultFilterSchema.parse(Object.fromEntries(names.map((name) => [name, parts[name]?.()])));
}

/** A library with two runs of a task, some of whose images people have reviewed. */
async function reviewedRuns(t: TestContext, task: 'classification' | 'detection', random: Random) {
  const path = join(temporaryFolder(t), 'library.db');
  const manifest: Manifest = await (task === 'detection' ? detectorManifest(LABELS) : manifestWith(LABELS));
  const files = randomFiles(random, task);
  const { runId } = saveRun(path, '/pictures', { name: 'model', manifest }, files);
  const others = Object.fromEntries(
    Object.entries(files).flatMap(([file, found]) =>
      random(6) === 0 ? [] : [[file, random(3) > 0 ? found : randomFound(random, task)]],
    ),
  );
  const { runId: otherRunId } = saveRun(path, '/pictures', { name: 'other', manifest }, others);
  const library = Library.open(path);
  t.after(() => library.close());
  const [run, other] = [library.runs.get(runId), library.runs.get(otherRunId)];
  assert.ok(run && other);
  return { library, run, other, imageIds: [...library.columnReads.ids(runId)] };
}

function review(library: Library, run: RunRow, imageIds: readonly number[], label: string): void {
  library.transaction(() =>
    library.reviewHistory.change(run.id, imageIds, { kind: 'label', label }, '2026-01-01T00:00:00Z', String),
  );
}

/** Compares what columns and SQL say of a run, in every order and with a random filter. */
function compare(
  library: Library,
  lists: RunLists,
  run: RunRow,
  filter: ResultFilter,
  comparedWith: number,
): void {
  const resolved = resolveFilter(library, run, filter);
  const what = JSON.stringify(filter);
  for (const sort of resultSortSchema.options as readonly ResultSort[]) {
    const order = resolveOrder(library, run, sort, { comparedWith, minScore: filter.minScore });
    assert.deepEqual(
      [...lists.answer((queries) => queries.find(run.id, resolved, order))],
      [...library.resultQueries.find(run.id, resolved, order)],
      `${sort} ${what}`,
    );
  }
  const facets = lists.answer((queries) => countFacets(library, queries, run, filter));
  const expected = countFacets(library, library.resultQueries, run, filter);
  const byLabel = (one: { label: string }, other: { label: string }) => (one.label < other.label ? -1 : 1);
  for (const counts of [facets, expected]) {
    counts.labels.sort(byLabel);
    counts.found.sort(byLabel);
  }
  assert.deepEqual(facets, expected, what);
}

suite('columns in memory say what SQL says', () => {
  for (const task of ['classification', 'detection'] as const) {
    test(`of runs of ${task}, with random filters in every order`, async (t) => {
      const random = seededRandom(task.length);
      const { library, run, other, imageIds } = await reviewedRuns(t, task, random);
      for (const label of [...NAMES, '', 'elk'])
        review(
          library,
          run,
          imageIds.filter(() => random(9) === 0),
          label,
        );
      const lists = new RunLists(library);
      const folderId = library.folders.ensure('/pictures').id;
      for (let round = 0; round < 60; round++)
        compare(library, lists, run, randomFilter(random, folderId, other.id), other.id);
      compare(library, lists, other, {}, run.id);
    });
  }

  test('after every kind of change that the library has noted', async (t) => {
    const random = seededRandom(3);
    const { library, run, other, imageIds } = await reviewedRuns(t, 'classification', random);
    const lists = new RunLists(library);
    assert.equal(library.changeLog.take().all, true); // the first time nothing is known
    const check = () => {
      const changes = library.changeLog.take();
      assert.equal(changes.all, false);
      lists.update(changes);
      compare(library, lists, run, {}, other.id);
      compare(library, lists, run, { status: 'corrected', text: 'a' }, other.id);
    };
    check();
    const [first = 0, second = 0] = imageIds;
    review(library, run, imageIds.slice(0, 20), 'elk');
    check();
    library.transaction(() => library.reviewHistory.undo());
    check();
    const facts = { version: undefined, width: 4, height: 3, capturedAt: '2020-02-02T02:02:02' };
    library.results.save(run.id, first, { status: 'failed', facts, problem: { code: 'cutShort' } });
    library.images.setFacts(first, facts);
    check();
    library.results.drop(run.id, [second]);
    check();
    const { id: folderId } = library.folders.ensure('/pictures');
    const file = { relativePath: 'a/new.jpg', fileSize: 1, modifiedMs: 1 };
    library.results.enqueue(run.id, library.images.see(folderId, file, 2), file);
    check();
    library.runs.remove(other.id);
    lists.update(library.changeLog.take());
    compare(library, lists, run, {}, run.id);
  });

  test('whichever part was read ahead before a change', async (t) => {
    const random = seededRandom(5);
    const { library, run, other, imageIds } = await reviewedRuns(t, 'classification', random);
    library.changeLog.take();
    for (const part of COLUMN_PARTS) {
      const lists = new RunLists(library);
      lists.answer((queries) => queries.readAhead(run.id, part));
      review(library, run, imageIds.slice(random(20), 40), pick(random, NAMES));
      const facts = { version: undefined, width: 4, height: 3, capturedAt: pick(random, TIMES) };
      const changed = pick(random, imageIds);
      library.results.save(run.id, changed, { status: 'failed', facts, problem: { code: 'cutShort' } });
      library.images.setFacts(changed, facts);
      lists.update(library.changeLog.take());
      compare(library, lists, run, {}, other.id);
    }
  });

  test('of the paths of a run before anything of it was read, with all images of its folders or without some', async (t) => {
    const { library, run, other } = await reviewedRuns(t, 'classification', seededRandom(6));
    const check = () => {
      for (const { id } of [run, other]) {
        const first = new RunLists(library).answer((queries) => queries.find(id, {}, { sort: 'path' }));
        assert.deepEqual([...first], [...library.resultQueries.find(id, {}, { sort: 'path' })]);
        const total = new RunLists(library).answer((queries) => queries.count(id, {}));
        assert.equal(total, first.length);
      }
    };
    check();
    assert.notEqual(library.columnReads.wholeByPath(run.id), undefined);
    assert.equal(library.columnReads.wholeByPath(other.id), undefined);
    const { id: folderId } = library.folders.ensure('/pictures');
    library.images.see(folderId, { relativePath: 'a/new.jpg', fileSize: 1, modifiedMs: 1 }, 2);
    check();
    assert.equal(library.columnReads.wholeByPath(run.id), undefined);
  });

  test('after another connection has written', async (t) => {
    const { library, run, other, imageIds } = await reviewedRuns(t, 'classification', seededRandom(4));
    const lists = new RunLists(library);
    lists.update(library.changeLog.take());
    compare(library, lists, run, {}, other.id);
    const elsewhere = Library.open(library.path);
    t.after(() => elsewhere.close());
    review(elsewhere, run, imageIds, 'elk');
    const changes = library.changeLog.take();
    assert.equal(changes.all, true);
    lists.update(changes);
    compare(library, lists, run, { labels: ['elk'] }, other.id);
  });
});
