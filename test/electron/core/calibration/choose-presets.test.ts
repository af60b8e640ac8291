import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  calibratedPresets,
  choosePresets,
  expectationOf,
  highestLoss,
  lowestShare,
} from '../../../../electron/core/calibration/choose-presets.ts';
import type { GridPoint } from '../../../../electron/core/calibration/grid.ts';
import { curve, point } from '../../support/calibrations.ts';

/** Speeds of the chosen points; every point of these curves has a speed of its own. */
function chosen(of: ReturnType<typeof curve>): Record<string, number> {
  const { accurate, balanced, fast } = choosePresets(of);
  return {
    accurate: accurate.imagesPerSecond,
    balanced: balanced.imagesPerSecond,
    fast: fast.imagesPerSecond,
  };
}

suite('the presets of a curve without labels', () => {
  test('are the fastest points with 99 % and 95 % of the labels of Accurate', () => {
    const points = [
      point(10, { agreeing: 1000 }),
      point(12, { agreeing: 995 }),
      point(14, { agreeing: 990 }),
      point(16, { agreeing: 989 }),
      point(18, { agreeing: 950 }),
      point(20, { agreeing: 949 }),
    ];
    assert.deepEqual(chosen(curve(points)), { accurate: 10, balanced: 14, fast: 18 });
  });

  test('do not depend on the order of the points behind Accurate', () => {
    const points = [point(10, {}), point(18, { agreeing: 950 }), point(14, { agreeing: 990 }), point(12, {})];
    assert.deepEqual(chosen(curve(points)), { accurate: 10, balanced: 14, fast: 18 });
  });

  test('are Accurate when nothing else is faster or agrees enough', () => {
    const points = [point(10, {}), point(8, { agreeing: 1000 }), point(30, { agreeing: 800 })];
    assert.deepEqual(chosen(curve(points)), { accurate: 10, balanced: 10, fast: 10 });
    assert.deepEqual(chosen(curve([point(10, {})])), { accurate: 10, balanced: 10, fast: 10 });
  });
});

suite('the presets of a curve with labels', () => {
  const changed = { agreeing: 700 }; // far from agreeing

  test('may lose 0.5 and 2 points of accuracy instead', () => {
    const points = [
      point(10, {}),
      point(12, { ...changed, lost: 25, gained: 20 }),
      point(14, { ...changed, lost: 26, gained: 20 }),
      point(16, { ...changed, lost: 50, gained: 30 }),
      point(18, { ...changed, lost: 51, gained: 30 }),
    ];
    assert.deepEqual(chosen(curve(points, { labelled: 1000 })), { accurate: 10, balanced: 12, fast: 16 });
  });

  test('may gain any', () => {
    const points = [point(10, {}), point(12, { ...changed, lost: 10, gained: 60 })];
    assert.deepEqual(chosen(curve(points, { labelled: 1000 })), { accurate: 10, balanced: 12, fast: 12 });
  });

  test('need at least 50 labels', () => {
    const points = [point(10, {}), point(12, changed)];
    assert.equal(chosen(curve(points, { labelled: 49 }))['fast'], 10);
    assert.equal(chosen(curve(points, { labelled: 50 }))['fast'], 12);
  });
});

suite('the presets of a model that draws maps or boxes', () => {
  test('are the fastest points with 95 % and 85 % of the agreement, at its word', () => {
    const points = [
      point(10, { agreeing: 1000 }),
      point(12, { agreeing: 950.5 }),
      point(14, { agreeing: 949.5 }),
      point(16, { agreeing: 851 }),
      point(18, { agreeing: 849, inputSize: 512 }),
    ];
    const of = curve(points, { task: 'detection', population: 1_000_000 });
    assert.deepEqual(chosen(of), { accurate: 10, balanced: 12, fast: 16 });
  });

  test('have the size of the picture that was measured', () => {
    const points = [point(10, {}), point(18, { inputSize: 512 })];
    const [, , fast] = calibratedPresets(curve(points, { task: 'segmentation' }));
    assert.equal(fast?.inputSize, 512);
    assert.equal(expectationOf(curve(points), { ...points[1] } as GridPoint)?.imagesPerSecond, 18);
  });
});

suite('a sample of a larger folder', () => {
  test('must agree more than the folder, by the width of the interval', () => {
    const points = [point(10, {}), point(12, { agreeing: 997 }), point(14, { agreeing: 991 })];
    assert.equal(chosen(curve(points))['balanced'], 14);
    assert.equal(chosen(curve(points, { population: 1_000_000 }))['balanced'], 12);
    assert.equal(chosen(curve(points, { population: 1001 }))['balanced'], 14); // nearly all was measured
  });

  test('must lose less accuracy', () => {
    const points = [point(10, {}), point(12, { agreeing: 0, lost: 14, gained: 10 })];
    assert.equal(chosen(curve(points, { labelled: 1000 }))['balanced'], 12);
    assert.equal(chosen(curve(points, { labelled: 1000, population: 1_000_000 }))['balanced'], 10);
  });

  test('has the bounds that the textbook gives', () => {
    assert.equal(lowestShare(99, 100, 0), 0.99);
    // Wilson, one-sided 95 %: 500/500 -> n / (n + z^2); 499/500 computed by hand.
    assert.ok(Math.abs(lowestShare(500, 500, 1) - 500 / (500 + 1.645 ** 2)) < 1e-12);
    assert.ok(Math.abs(lowestShare(499, 500, 1) - 0.99107) < 1e-4);
    assert.ok(lowestShare(499, 500, 0.5) > lowestShare(499, 500, 1));
    assert.equal(lowestShare(0, 500, 1), 0);
    assert.equal(highestLoss({ lost: 7, gained: 2 }, 1000, 0), 0.005);
    assert.ok(Math.abs(highestLoss({ lost: 8, gained: 8 }, 1000, 1) - 1.645 * 0.004) < 1e-12);
    assert.ok(highestLoss({ lost: 0, gained: 0 }, 1000, 1) > 0); // none lost is no certainty
  });
});

suite('a calibrated setting', () => {
  const points = [
    point(10, { tokenKeep: [1, 1], precision: 'fp32' }),
    point(15, { tokenKeep: [0.7, 0.7 ** 2], precision: 'int8', agreeing: 990, lost: 5, gained: 1 }),
  ];

  test('becomes a preset', () => {
    const named = calibratedPresets(curve(points));
    assert.deepEqual(
      named.map(({ name, tokenKeep, precision }) => [name, tokenKeep, precision]),
      [
        ['accurate', [1, 1], 'fp32'],
        ['balanced', [0.7, 0.7 ** 2], 'int8'],
        ['fast', [0.7, 0.7 ** 2], 'int8'],
      ],
    );
  });

  test('is expected to do what was measured, however its ratios were rounded', () => {
    const setting: GridPoint = { tokenKeep: [0.7, 0.49], blockThreshold: 0.5, precision: 'int8' };
    const expected = expectationOf(curve(points, { labelled: 500 }), setting);
    assert.deepEqual(
      [expected?.imagesPerSecond, expected?.agreement, expected?.loss, expected?.images],
      [15, 0.99, 0.008, 1000],
    );
    assert.equal(expectationOf(curve(points), setting)?.loss, undefined);
    const others: Partial<GridPoint>[] = [
      { blockThreshold: 0.4 },
      { precision: 'bf16' },
      { tokenKeep: [0.7, 0.5] },
    ];
    for (const other of others)
      assert.equal(expectationOf(curve(points), { ...setting, ...other }), undefined);
  });
});
