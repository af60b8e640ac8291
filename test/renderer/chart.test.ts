import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { axisFromNought, axisOfShares, place, smooth, spreadApart, thin } from '../../renderer/lib/chart.ts';

suite('axes', () => {
  test('from nought to a round number above all values', () => {
    const { from, to, ticks } = axisFromNought([0.3, 2.3]);
    assert.deepEqual([from, to], [0, 2.5]);
    assert.deepEqual(ticks, [0, 0.5, 1, 1.5, 2, 2.5]);
  });

  test('there is one without values, too', () => {
    assert.deepEqual([axisFromNought([]).to, axisOfShares([]).from, axisOfShares([]).to], [1, 0, 1]);
  });

  test('shares that hardly differ are not blown up, and the axis ends at all of it', () => {
    const { from, to } = axisOfShares([0.981, 0.993]);
    assert.ok(from <= 0.94 && from >= 0.9, String(from));
    assert.equal(to, 1);
  });

  test('a place is in percent of the axis', () => {
    assert.equal(place(15, { from: 10, to: 20 }), 50);
    assert.equal(place(3, { from: 3, to: 3 }), 0);
  });
});

suite('curves', () => {
  const points = [0, 6, 0, 6, 0].map((y, x) => ({ x, y }));

  test('are smoothed by means of neighbours, and keep their ends', () => {
    assert.deepEqual(
      smooth(points, 3).map(({ y }) => y),
      [0, 2, 4, 2, 0],
    );
    assert.deepEqual(smooth(points, 1), points);
    assert.deepEqual(smooth([], 5), []);
  });

  test('are thinned evenly, and keep the last point', () => {
    assert.deepEqual(thin([1, 2, 3, 4, 5, 6, 7, 8], 3), [4, 8]);
    assert.deepEqual(thin([1, 2, 3], 3), [1, 2, 3]);
  });
});

suite('names at the ends of curves', () => {
  test('stay where they are when there is room', () => {
    assert.deepEqual(spreadApart([80, 10, 40], 16, 100), [80, 10, 40]);
  });

  test('move apart in their order, and stay within the chart', () => {
    assert.deepEqual(spreadApart([50, 52], 16, 100), [50, 66]);
    assert.deepEqual(spreadApart([99, 98], 16, 100), [100, 84]);
    assert.deepEqual(spreadApart([], 16, 100), []);
  });
});
