import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { countScans, grainAt, scansOf, stagesOf } from '../../../renderer/views/image/grain.ts';
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

suite('the receipt', () => {
  test('bits of a layer are its scans', () => {
    const scans = scansOf({ directions: Uint8Array.of(3, 1, 2, 0) });
    assert.deepEqual(
      scans.map(({ layer, forward, backward }) => [layer, forward, backward]),
      [
        [1, true, true],
        [2, true, false],
        [3, false, true],
        [4, false, false],
      ],
    );
    assert.deepEqual(countScans(scans), { ran: 4, all: 8 });
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
