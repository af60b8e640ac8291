import assert from 'node:assert/strict';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { ResultFilter, ResultItem, ResultSort } from '../../../electron/shared/api/results.ts';
import { testApp } from '../support/test-app.ts';
import { makeLargeLibrary } from '../support/large-library.ts';
import type { LargeLibraryOptions } from '../support/large-library.ts';
import { everydayLabels, sampleImages } from '../support/models.ts';

const IMAGES = 100_000;

async function largeHouse(t: TestContext, options: Partial<LargeLibraryOptions> = {}) {
  const home = testApp(t);
  const library = await makeLargeLibrary(home.libraryPath, home.folder, { images: IMAGES, ...options });
  return { ...home, ...library };
}

suite('a library of 100,000 images', () => {
  test('lists, counts, reviews and compares them all', async (t) => {
    const { app, runId, imageIds, events } = await largeHouse(t);
    const find = async (filter: ResultFilter, sort: ResultSort = 'path') =>
      (await app.findImages({ runId, filter, sort })).imageIds;
    assert.deepEqual([...(await find({}))], imageIds);
    const hardest = await find({ status: 'ok' }, 'hardest');
    const ends = await app.resultItems({ runId, imageIds: [hardest[0] ?? 0, hardest.at(-1) ?? 0] });
    assert.ok((ends[0]?.work ?? 0) > (ends[1]?.work ?? 1));

    const facets = await app.resultFacets({ runId, filter: {} });
    const { ok, failed, pending } = facets.status;
    assert.deepEqual([facets.total, ok + failed + pending], [IMAGES, IMAGES]);
    const sum = (counts: number[]) => counts.reduce((total, count) => total + count, 0);
    assert.deepEqual([sum(facets.confidence), sum(facets.labels.map(({ count }) => count))], [ok, ok]);
    for (const { label, count } of facets.labels) {
      assert.equal((await find({ labels: [label] })).length, count);
    }

    const accepted = await app.review({ runId, imageIds, verdict: { kind: 'accept' } });
    assert.equal(accepted.description, `Verify ${ok.toLocaleString('en')} images`);
    const relabelled = await app.review({ runId, imageIds, verdict: { kind: 'label', label: 'fox' } });
    assert.deepEqual(
      [relabelled.imageIds.length, relabelled.description],
      [IMAGES, 'Relabel 100,000 images as fox'],
    );
    assert.equal((await find({ status: 'corrected' })).length, IMAGES);
    await app.undoReview({});
    assert.deepEqual(
      [(await find({ labels: ['fox'] })).length, (await find({ status: 'verified' })).length],
      [0, ok],
    );
    await app.undoReview({});
    assert.equal((await find({ status: 'verified' })).length, 0);
    await app.redoReview({});
    assert.equal((await app.listFolders({}))[0]?.verified, ok);
    assert.equal(events.filter(({ type }) => type === 'reviewed').length, 5);
    const { images, agreeing } = await app.compareRuns({ runId, otherRunId: runId });
    assert.deepEqual([images, agreeing], [ok, ok]);
  });

  test('of real pictures points at files that are there', async (t) => {
    const pictures = readdirSync(sampleImages).map((name) => join(sampleImages, name));
    const { app, runId, imageIds } = await largeHouse(t, { images: 1000, pictures });
    const shown = imageIds.filter((_, index) => index % 37 === 0);
    for (const imageId of shown) assert.ok(existsSync((await app.showImage({ runId, imageId })).path));
  });
});

suite('every sort and filter', () => {
  const sorts: Record<Exclude<ResultSort, 'disagreement'>, Order> = {
    path: (one, other) => compare(one.relativePath, other.relativePath),
    name: (one, other) =>
      compare(nameOf(one), nameOf(other)) || compare(one.relativePath, other.relativePath),
    captured: () => 0, // no item tells its time
    mostConfident: (one, other) => (other.confidence ?? -1) - (one.confidence ?? -1),
    leastConfident: (one, other) => (one.confidence ?? 2) - (other.confidence ?? 2),
    hardest: (one, other) => (other.work ?? -1) - (one.work ?? -1),
    easiest: (one, other) => (one.work ?? 2) - (other.work ?? 2),
    lowestMargin: () => 0, // nor its second class
  };
  const [, , , cat = ''] = everydayLabels;
  const filters: [ResultFilter, (item: ResultItem) => boolean][] = [
    [{}, () => true],
    [{ minConfidence: 0.6 }, ({ confidence = -1 }) => confidence >= 0.6],
    [{ maxConfidence: 0.6 }, ({ confidence = 2 }) => confidence <= 0.6],
    [{ status: 'unverified' }, ({ status, verified }) => status === 'ok' && !verified],
    [{ status: 'verified', labels: [cat] }, ({ verified, label }) => verified && label === cat],
    [{ status: 'corrected' }, ({ verified, label, modelLabel }) => verified && label !== modelLabel],
    [{ text: '07' }, ({ relativePath }) => relativePath.includes('07')],
  ];

  test('does what the items say', async (t) => {
    const { app, runId, otherRunId, imageIds } = await largeHouse(t, { images: 900, twice: true });
    const some = (modulo: number) => imageIds.filter((_, index) => index % modulo === 0);
    await app.review({ runId, imageIds: some(3), verdict: { kind: 'accept' } });
    await app.review({ runId, imageIds: some(7), verdict: { kind: 'label', label: cat } });
    const items = await app.resultItems({ runId, imageIds });
    const others = await app.resultItems({ runId: otherRunId, imageIds });
    const contradicts = new Map(
      items.map((item, index) => [item.imageId, contradiction(item, others[index])]),
    );
    const of = ({ imageId }: ResultItem) => contradicts.get(imageId) ?? -1;
    assert.ok(items.some((item) => of(item) > 2) && items.some((item) => of(item) > 0 && of(item) < 1));
    const disagreement: Order = (one, other) => of(other) - of(one);
    for (const [filter, passes] of filters) {
      const expected = items.filter(passes);
      for (const [sort, order] of Object.entries({ ...sorts, disagreement }) as [ResultSort, Order][]) {
        const found = await app.findImages({ runId, filter, sort, comparedWith: otherRunId });
        const listed = await app.resultItems({ runId, imageIds: [...found.imageIds] });
        assert.deepEqual(new Set(listed), new Set(expected), JSON.stringify(filter));
        const sorted = [...listed].sort(order); // keeps the order of equal ones
        assert.deepEqual(listed, sorted, sort);
      }
      assert.equal((await app.resultFacets({ runId, filter })).total, expected.length);
    }
  });
});

type Order = (one: ResultItem, other: ResultItem) => number;

/** How much two runs contradict in an image; undefined where one of them has not predicted it. */
function contradiction(item: ResultItem, other: ResultItem | undefined): number | undefined {
  if (item.confidence === undefined || other?.confidence === undefined) return undefined;
  if (item.modelLabel !== other.modelLabel) return 2 + item.confidence + other.confidence;
  return Math.abs(item.confidence - other.confidence);
}

function nameOf({ relativePath }: ResultItem): string {
  return relativePath.slice(relativePath.lastIndexOf('/') + 1);
}

/** As SQLite compares: by bytes of UTF-8, which are all ASCII here. */
function compare(one: string, other: string): number {
  return one === other ? 0 : one < other ? -1 : 1;
}
