import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ResultItem } from '../../../electron/shared/api/results.ts';
import { ItemCache } from '../../../renderer/views/results/item-cache.ts';
import { Latest } from '../../../renderer/views/results/latest.ts';

const item = (imageId: number, label = 'fox'): ResultItem => ({
  imageId,
  folderId: 1,
  relativePath: `${imageId}.jpg`,
  status: 'ok',
  label,
  modelLabel: label,
  confidence: 0.5,
  verified: false,
  error: undefined,
  work: 0.5,
  width: 4,
  height: 3,
  boxes: [],
  warning: undefined,
  problem: undefined,
});

/** A source whose requests are answered by hand, in their order. */
function source() {
  const asked: number[][] = [];
  const answers: ((items: ResultItem[]) => void)[] = [];
  const errors: unknown[] = [];
  const cache = new ItemCache({
    fetch: (imageIds) => {
      asked.push(imageIds);
      return new Promise((resolve) => answers.push(resolve));
    },
    onChange: () => undefined,
    onError: (error) => errors.push(error),
  });
  const answer = async (items: ResultItem[]) => {
    answers.shift()?.(items);
    await new Promise(setImmediate);
  };
  return { cache, asked, answer, errors };
}

suite('items of a list', () => {
  test('what was scrolled past before its turn is never asked for', async () => {
    const { cache, asked, answer } = source();
    cache.want([1, 2]);
    cache.want([100, 101]);
    cache.want([200, 201]);
    assert.deepEqual(asked, [[1, 2]]);
    await answer([item(1), item(2)]);
    assert.deepEqual(asked, [
      [1, 2],
      [200, 201],
    ]);
  });

  test('what is known is not asked for again, what has changed is, and is shown until then', async () => {
    const { cache, asked, answer } = source();
    cache.want([1, 2]);
    await answer([item(1), item(2)]);
    cache.want([2, 3]);
    assert.deepEqual(asked.at(-1), [3]);
    await answer([item(3)]);
    cache.invalidate([2]);
    assert.deepEqual(asked.at(-1), [2]);
    assert.equal(cache.get(2)?.label, 'fox');
    await answer([item(2, 'deer')]);
    assert.equal(cache.get(2)?.label, 'deer');
  });

  test('what changes while it is under way is asked for again', async () => {
    const { cache, asked, answer } = source();
    cache.want([1, 2]);
    cache.invalidate();
    await answer([item(1), item(2)]);
    assert.deepEqual(asked, [
      [1, 2],
      [1, 2],
    ]);
    await answer([item(1, ''), item(2, 'deer')]);
    assert.equal(cache.get(1)?.label, '');
    cache.invalidate([2]);
    cache.invalidate([2]);
    await answer([item(2, 'wolf')]);
    await answer([item(2, 'elk')]);
    assert.equal(cache.get(2)?.label, 'elk');
    assert.equal(asked.length, 4);
  });

  test('an image that is not in the run is asked for once', async () => {
    const { cache, asked, answer } = source();
    cache.want([1, 9]);
    await answer([item(1)]);
    assert.equal(asked.length, 1);
    assert.equal(cache.get(9), undefined);
  });

  test('a failure is told, and the next place is asked for nevertheless', async () => {
    const errors: unknown[] = [];
    let calls = 0;
    const cache = new ItemCache({
      fetch: ([first]) =>
        calls++ === 0 ? Promise.reject(new Error('gone')) : Promise.resolve([item(first ?? 0)]),
      onChange: () => undefined,
      onError: (error) => errors.push(error),
    });
    cache.want([1]);
    await new Promise(setImmediate);
    assert.match(String(errors[0]), /gone/);
    cache.want([2]);
    await new Promise(setImmediate);
    assert.equal(cache.get(2)?.imageId, 2);
  });
});

suite('the latest question', () => {
  test('replaces those that wait; the last is always answered', async () => {
    const worked: number[] = [];
    let release: () => void = () => undefined;
    const latest = new Latest<number>(
      (request) => {
        worked.push(request);
        return new Promise((resolve) => (release = resolve));
      },
      () => undefined,
    );
    for (const request of [1, 2, 3, 4]) latest.ask(request);
    release();
    await new Promise(setImmediate);
    assert.deepEqual(worked, [1, 4]);
  });

  test('goes on after a failure', async () => {
    const failures: unknown[] = [];
    const latest = new Latest<number>(
      (request) => (request === 1 ? Promise.reject(new Error('no')) : Promise.resolve()),
      (error) => failures.push(error),
    );
    latest.ask(1);
    latest.ask(2);
    await new Promise(setImmediate);
    assert.equal(failures.length, 1);
  });
});
