import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { makeAgreement } from '../../../../electron/core/calibration/agreement.ts';
import { typicalTimes } from '../../../../electron/core/calibration/measure-curve.ts';
import type { Reading } from '../../../../electron/core/calibration/measure-curve.ts';

/** Readings with these milliseconds, one list per point. */
function readings(...times: number[][]): Reading[] {
  const point = { tokenKeep: [], blockThreshold: 0.5, precision: 'fp32' } as const;
  return times.map((milliseconds) => ({
    point: { ...point, tokenKeep: [] },
    images: [],
    agreement: makeAgreement('classification'),
    milliseconds,
  }));
}

function assertClose(actual: number[], expected: number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [index, value] of actual.entries()) {
    assert.ok(
      Math.abs(value - (expected[index] ?? NaN)) < 1e-9,
      `${actual.join()} is not ${expected.join()}`,
    );
  }
}

suite('the typical times of points', () => {
  test('are the times when these are steady', () => {
    assertClose(typicalTimes(readings([4, 4, 4, 4], [1, 1, 1, 1])), [4, 1]);
  });

  test('keep their ratio when the machine is slower for a while', () => {
    const slower = [1, 1, 1, 2, 2, 2, 2, 1];
    const [slow = 0, fast = 0] = typicalTimes(
      readings(
        slower.map((factor) => 4 * factor),
        slower.map((factor) => factor),
      ),
    );
    assertClose([slow / fast], [4]);
  });

  test('do not hear of single disturbances', () => {
    const steady = [2, 2, 2, 2, 2, 2, 2, 2];
    assertClose(typicalTimes(readings([2, 2, 2, 90, 2, 2, 2, 2], steady)), [2, 2]);
  });
});
