import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { resizedSize, scaledStride, slideWindows } from '../../../electron/shared/resized-size.ts';

suite('resizedSize', () => {
  const segmented = (width: number, height: number) =>
    resizedSize({ width, height }, { task: 'segmentation', size: 512 });
  const detected = (width: number, height: number) =>
    resizedSize({ width, height }, { task: 'detection', size: 1024 });

  test('makes the shorter side of a segmented picture the size, the longer at most four times it', () => {
    assert.deepEqual(segmented(500, 375), { width: 683, height: 512 });
    assert.deepEqual(segmented(375, 500), { width: 512, height: 683 });
    assert.deepEqual(segmented(64, 64), { width: 512, height: 512 });
    assert.deepEqual(segmented(4000, 1000), { width: 2048, height: 512 });
    assert.deepEqual(segmented(5000, 1000), { width: 2048, height: 410 });
    assert.deepEqual(segmented(1, 5000), { width: 1, height: 2048 }); // 0.41 of a pixel is still one
  });

  test('makes the longer side for detection the size', () => {
    assert.deepEqual(detected(500, 375), { width: 1024, height: 768 });
    assert.deepEqual(detected(375, 500), { width: 768, height: 1024 });
    assert.deepEqual(detected(3024, 4032), { width: 768, height: 1024 });
    assert.deepEqual(detected(333, 1000), { width: 341, height: 1024 });
    assert.deepEqual(detected(1, 5000), { width: 1, height: 1024 });
  });
});

suite('slideWindows', () => {
  test('moves the last windows back inside, row by row', () => {
    assert.deepEqual(slideWindows({ width: 683, height: 512 }, 512, 341), [
      { x: 0, y: 0 },
      { x: 171, y: 0 },
    ]);
    assert.deepEqual(slideWindows({ width: 50, height: 40 }, 32, 20), [
      { x: 0, y: 0 },
      { x: 18, y: 0 },
      { x: 0, y: 8 },
      { x: 18, y: 8 },
    ]);
    assert.deepEqual(slideWindows({ width: 2048, height: 410 }, 512, 512).length, 4);
    assert.deepEqual(slideWindows({ width: 100, height: 512 }, 512, 341), [{ x: 0, y: 0 }]);
  });

  test('cover every pixel, whatever the size and the stride', () => {
    for (let length = 1; length < 150; length += 7) {
      for (let stride = 1; stride <= 32; stride += 3) {
        const covered = new Set<number>();
        for (const { x } of slideWindows({ width: length, height: 32 }, 32, stride)) {
          assert.ok(x >= 0 && (x + 32 <= length || x === 0));
          for (let at = x; at < Math.min(x + 32, length); at++) covered.add(at);
        }
        assert.equal(covered.size, length);
      }
    }
  });

  test('at another size have the stride of the trained one, scaled', () => {
    assert.deepEqual(
      [scaledStride(341, 512, 512), scaledStride(341, 256, 512), scaledStride(1, 64, 512)],
      [341, 171, 1],
    );
  });
});
