import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { draw, score } from '../../build/mutation/sample.ts';

const numbers = (count: number) => Array.from({ length: count }, (_, index) => index);

suite('a sample of mutants', () => {
  test('is the same for the same seed, and another for another', () => {
    const all = numbers(1000);
    assert.deepEqual(draw(all, 50, 1), draw(all, 50, 1));
    assert.notDeepEqual(draw(all, 50, 1), draw(all, 50, 2));
  });

  test('has none twice, and all where so many are wanted', () => {
    assert.equal(new Set(draw(numbers(1000), 400, 3)).size, 400);
    assert.deepEqual(
      draw(numbers(20), 400, 3).sort((one, other) => one - other),
      numbers(20),
    );
  });

  test('takes each as often as any other', () => {
    const taken = new Array<number>(10).fill(0);
    for (let seed = 1; seed <= 4000; seed++)
      for (const one of draw(numbers(10), 3, seed)) taken[one] = (taken[one] ?? 0) + 1;
    // 1200 of each on average, with a standard deviation of 29; the seeds are fixed, and so is the outcome
    for (const times of taken) assert.ok(Math.abs(times - 1200) < 4 * 29, String(taken));
  });

  test('is scored by what tests notice, with the error of a sample', () => {
    const fates = (['killed', 'timed out', 'survived', 'not covered'] as const).flatMap((fate, index) =>
      new Array<typeof fate>([70, 10, 15, 5][index] ?? 0).fill(fate),
    );
    assert.equal(score(fates), '80.0 % (± 4.0) of 100 are noticed');
    assert.equal(score(['killed']), '100.0 % (± 0.0) of 1 are noticed');
  });
});
