import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { DialPoint } from '../../electron/shared/api/runs.ts';
import type { CalibratedPreset } from '../../electron/shared/calibration.ts';
import {
  dialPoints,
  efficientPoints,
  indexOfPreset,
  lowestShown,
  positions,
  requestOf,
  speedPositions,
} from '../../renderer/lib/runs/dial.ts';

function point(keep: number, imagesPerSecond?: number, names: CalibratedPreset[] = []): DialPoint {
  const preset = { name: names[0] ?? 'custom', tokenKeep: [keep, keep ** 2], blockThreshold: 0.5 } as const;
  const createdAt = '2026-01-01T00:00:00Z';
  return {
    preset: { ...preset, tokenKeep: [...preset.tokenKeep], precision: 'fp32' },
    names,
    workShare: keep,
    expected:
      imagesPerSecond === undefined
        ? undefined
        : { imagesPerSecond, agreement: 0.9, loss: undefined, images: 100, createdAt },
    pending: undefined,
    seconds: undefined,
  };
}

suite('offsets on the dial', () => {
  test('go from one end to the other, equal factors of speed being equal lengths', () => {
    const offsets = speedPositions([400, 200, 100]).map(Math.round);
    assert.deepEqual(offsets, [0, 50, 100]);
  });

  test('follow the work where nothing is measured', () => {
    const offsets = positions([point(0.4), point(0.5), point(0.9)]).map(Math.round);
    assert.equal(offsets[0], 0);
    assert.ok((offsets[1] ?? 0) > 15 && (offsets[1] ?? 0) < 30, String(offsets));
    assert.equal(offsets[2], 100);
  });

  test('can be told apart even where speeds are equal', () => {
    const offsets = speedPositions([200, 200, 199.9, 20]);
    for (const [index, offset] of offsets.slice(1).entries())
      assert.ok(offset - (offsets[index] ?? 0) >= 2.9);
    assert.deepEqual(speedPositions([100, 100]), [0, 100]);
  });

  test('are there for one point and for none', () => {
    assert.deepEqual(speedPositions([100]), [0]);
    assert.deepEqual(speedPositions([]), []);
  });
});

suite('a point of the dial', () => {
  test('is asked for by its name where it has one', () => {
    assert.deepEqual(requestOf(point(0.7, 100, ['fast', 'balanced'])), { preset: 'fast' });
    assert.deepEqual(requestOf(point(1, 100, ['fast', 'balanced', 'accurate'])), { preset: 'accurate' });
  });

  test('or by its settings', () => {
    assert.deepEqual(requestOf({ ...point(0.5) }), {
      tokenKeep: '0.5,0.25',
      blockThreshold: 0.5,
      precision: 'fp32',
    });
  });

  test('with the size that pictures are seen at', () => {
    const { preset } = point(0.5);
    const [small, large] = [384, 512].map((inputSize) => ({ names: [], preset: { ...preset, inputSize } }));
    assert.ok(small && large);
    assert.deepEqual(requestOf(small), { ...requestOf(point(0.5)), inputSize: 384 });
    assert.equal(indexOfPreset([small, large, small], large.preset), 1);
  });

  test('of a model without pruning has no keep ratios', () => {
    const { preset } = point(1);
    const request = requestOf({ names: [], preset: { ...preset, tokenKeep: [] } });
    assert.deepEqual(request, { blockThreshold: 0.5, precision: 'fp32' });
  });

  test('is found by its settings, whatever its name', () => {
    const points = [point(0.5), point(0.7), point(1)];
    assert.equal(indexOfPreset(points, { ...point(0.7).preset, name: 'balanced' }), 1);
    assert.equal(indexOfPreset(points, point(0.6).preset), 2);
  });

  test('is between Fast and Accurate', () => {
    const named = [point(0.2, 900), point(0.5, 400, ['fast']), point(0.7, 300), point(1, 100, ['accurate'])];
    assert.deepEqual(dialPoints(named), named.slice(1));
    assert.deepEqual(dialPoints([]), []);
  });
});

test("a curve's axis starts at a round share below all points and never at the top", () => {
  assert.deepEqual(
    [[0.973], [0.86, 0.99], [0.62, 0.99], [1], []].map(lowestShown),
    [0.97, 0.85, 0.6, 0.99, 0.99],
  );
});

test('of measured points those count that are not beaten', () => {
  const fast = { imagesPerSecond: 300, agreeing: 80 };
  const beaten = { imagesPerSecond: 200, agreeing: 80 };
  const accurate = { imagesPerSecond: 100, agreeing: 100 };
  assert.deepEqual(efficientPoints([accurate, beaten, fast]), [fast, accurate]);
});
