import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  countScans,
  grainAt,
  markedPatches,
  ownAreas,
  scansOf,
  stagesOf,
} from '../../../renderer/views/image/grain.ts';
import { fit, scaleExtent } from '../../../renderer/views/image/zoom.ts';

suite('the grain map', () => {
  // 3 x 3 patches of 10 pixels; patch 4 survives both stages.
  const survived = Uint8Array.of(0, 0, 1, 1, 2, 0, 1, 1, 1);
  const crop = { x: 5, y: 2, size: 30 };

  test('nothing is gone before the first stage', () => {
    assert.deepEqual(grainAt(survived, 3, crop, 0), { fading: '', gone: '' });
  });

  test('neighbours in a row are one rectangle, in pixels of the picture', () => {
    const { fading, gone } = grainAt(survived, 3, crop, 1);
    assert.equal(fading, 'M5 2h20v10h-20z' + 'M25 12h10v10h-10z');
    assert.equal(gone, '');
  });

  test('what an earlier stage dropped is told from what this one did', () => {
    const { fading, gone } = grainAt(survived, 3, crop, 2);
    assert.equal(gone, 'M5 2h20v10h-20z' + 'M25 12h10v10h-10z');
    assert.equal(fading, 'M25 2h10v10h-10z' + 'M5 12h10v10h-10z' + 'M5 22h30v10h-30z');
  });

  test('a row that is gone does not run on into the next', () => {
    const rows = grainAt(Uint8Array.of(1, 0, 0, 1), 2, { x: 0, y: 0, size: 2 }, 1).fading;
    assert.equal(rows, 'M1 0h1v1h-1z' + 'M0 1h1v1h-1z');
  });

  test('a model without pruning has no stages', () => {
    assert.equal(stagesOf([64]), 0);
    assert.equal(stagesOf([64, 32, 16]), 2);
  });
});

suite('windows that overlap', () => {
  test('meet in the middle of what they share, and cover the picture', () => {
    const crops = [
      { x: 0, y: 0, size: 100 },
      { x: 60, y: 0, size: 100 },
      { x: 0, y: 80, size: 100 },
      { x: 60, y: 80, size: 100 },
    ];
    const areas = ownAreas(crops);
    assert.deepEqual(areas[0], { x: 0, y: 0, width: 80, height: 90 });
    assert.deepEqual(areas[3], { x: 80, y: 90, width: 80, height: 90 });
    const covered = areas.reduce((sum, { width, height }) => sum + width * height, 0);
    assert.equal(covered, 160 * 180);
  });

  test('a square alone is all its own', () => {
    assert.deepEqual(ownAreas([{ x: -5, y: 2, size: 30 }]), [{ x: -5, y: 2, width: 30, height: 30 }]);
  });
});

suite('the receipt', () => {
  test('bits of a layer are its scans', () => {
    const scans = scansOf({ directions: Uint8Array.of(3, 1, 2, 0) }, 4);
    assert.deepEqual(
      scans.map(({ layer, forward, backward }) => [layer, forward, backward]),
      [
        [1, 1, 1],
        [2, 1, 0],
        [3, 0, 1],
        [4, 0, 0],
      ],
    );
    assert.deepEqual(countScans(scans, 1), { ran: 4, all: 8 });
  });

  test('of several windows it is the sum, or that of one', () => {
    const directions = Uint8Array.of(3, 1, 2, 0, 1, 1);
    assert.deepEqual(scansOf({ directions }, 2), [
      { layer: 1, forward: 2, backward: 2 },
      { layer: 2, forward: 2, backward: 0 },
    ]);
    assert.deepEqual(scansOf({ directions }, 2, 1), [
      { layer: 1, forward: 0, backward: 1 },
      { layer: 2, forward: 0, backward: 0 },
    ]);
    assert.deepEqual(countScans(scansOf({ directions }, 2), 3), { ran: 6, all: 12 });
  });
});

suite('a picture on its stage', () => {
  test('fits whole, in the middle', () => {
    const { x, y, scale } = fit({ width: 4000, height: 1000 }, { width: 832, height: 632 });
    assert.equal(scale, 0.2);
    assert.equal(x, 16);
    assert.equal(y, 216);
  });

  test('a thumbnail-sized picture is not blown up to the whole stage', () => {
    assert.equal(fit({ width: 32, height: 32 }, { width: 1000, height: 800 }).scale, 4);
  });

  test('the whole picture and its pixels can always be zoomed to', () => {
    for (const side of [10, 300, 12_000]) {
      const [least, most] = scaleExtent({ width: side, height: side }, { width: 900, height: 700 });
      const whole = fit({ width: side, height: side }, { width: 900, height: 700 }).scale;
      assert.ok(least <= whole && whole <= most);
      assert.ok(least <= 1 && most >= 1);
    }
  });
});

test('patches that are looked at are squares of the picture, marked by their share of the largest weight', () => {
  const attention = { grid: 2, patches: [0, 0.2, 0.8, 0.4] };
  assert.deepEqual(markedPatches(attention, { x: 5, y: -10, size: 40 }), [
    { x: 25, y: -10, side: 20, strength: 0.25 },
    { x: 5, y: 10, side: 20, strength: 1 },
    { x: 25, y: 10, side: 20, strength: 0.5 },
  ]);
  assert.deepEqual(markedPatches({ grid: 2, patches: [0, 0, 0, 0] }, { x: 0, y: 0, size: 2 }), []);
});
