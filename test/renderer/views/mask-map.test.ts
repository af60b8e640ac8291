import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { encodeRuns, fromBitmap } from '../../../electron/shared/mask.ts';
import { classPaint } from '../../../renderer/lib/class-colour.ts';
import {
  mapSize,
  namePositions,
  paintMasks,
  indexMap,
  sampleMask,
} from '../../../renderer/views/image/mask-map.ts';
import type { SampledMask } from '../../../renderer/views/image/mask-map.ts';

/** The mask of a drawing, whose lines are rows: `#` is inside. */
function masked(drawing: readonly string[]): { counts: string; width: number; height: number } {
  const [width, height] = [drawing[0]?.length ?? 0, drawing.length];
  const bitmap = Uint8Array.from(drawing.join(''), (sign) => Number(sign === '#'));
  return { counts: encodeRuns(fromBitmap(bitmap, width, height)), width, height };
}

/** The rows of a sampled mask. */
function rows({ width, height, inside }: SampledMask): string[] {
  return Array.from({ length: height }, (_, y) =>
    Array.from(inside.subarray(y * width, (y + 1) * width), (value) => (value === 1 ? '#' : '.')).join(''),
  );
}

suite('a mask on the screen', () => {
  test('is cut to its rectangle', () => {
    const picture = masked(['......', '..##..', '...#..', '......']);
    const mask = sampleMask(picture.counts, picture, picture);
    assert.ok(mask);
    assert.deepEqual([mask.x, mask.y, ...rows(mask)], [2, 1, '##', '.#']);
  });

  test('at another size has the pixels in the middle of its own, of any shape', () => {
    for (const [width, height, seed] of [
      [37, 23, 1],
      [8, 90, 2],
      [64, 5, 3],
    ] as const) {
      const bitmap = Uint8Array.from({ length: width * height }, (_, at) =>
        Number(Math.sin(at * seed) > 0.2),
      );
      const counts = encodeRuns(fromBitmap(bitmap, width, height));
      const map = { width: Math.ceil(width / 3), height: Math.ceil(height / 2) };
      const mask = sampleMask(counts, { width, height }, map);
      const indices = indexMap(map, [mask]);
      const expected = Uint16Array.from({ length: map.width * map.height }, (_, at) => {
        const x = Math.floor((((at % map.width) + 0.5) * width) / map.width);
        const y = Math.floor(((Math.floor(at / map.width) + 0.5) * height) / map.height);
        return bitmap[y * width + x] ?? 0;
      });
      assert.deepEqual(indices, expected);
    }
  });

  test('that no pixel of the map is in is none', () => {
    const picture = masked(['....', '#...', '....', '....']);
    assert.equal(sampleMask(picture.counts, picture, { width: 1, height: 1 }), undefined);
  });

  test('of a large picture is shown at a size that a screen has', () => {
    assert.deepEqual(mapSize({ width: 4000, height: 3000 }), { width: 1600, height: 1200 });
    assert.deepEqual(mapSize({ width: 640, height: 480 }), { width: 640, height: 480 });
    assert.deepEqual(mapSize({ width: 5000, height: 1 }), { width: 1600, height: 1 });
  });

  test('is painted in its colour with an opaque edge, the first on top', () => {
    const lower = masked(['####', '####', '####', '####']);
    const upper = masked(['....', '.#..', '....', '....']);
    const masks = [upper, lower].map(({ counts }, rank) => {
      const mask = sampleMask(counts, lower, lower);
      assert.ok(mask);
      return { mask, paint: classPaint(rank) };
    });
    const pixels = new Uint8ClampedArray(4 * 16);
    paintMasks(pixels, lower, masks);
    const at = (x: number, y: number) => Array.from(pixels.subarray(4 * (4 * y + x), 4 * (4 * y + x) + 4));
    assert.deepEqual(at(1, 1), [0x00, 0x72, 0xb2, 255]);
    assert.deepEqual(at(2, 1).slice(0, 3), [0xe6, 0x9f, 0x00]);
    assert.ok((at(2, 1)[3] ?? 0) < 255, 'the inside lets the picture through');
  });
});

suite('classes of a segmented picture', () => {
  test('have their names where they are deepest', () => {
    const map = { width: 9, height: 7 };
    const large = masked(Array.from({ length: 7 }, () => '#######..'));
    const thin = masked(Array.from({ length: 7 }, () => '.......##'));
    const indices = indexMap(
      map,
      [large, thin].map(({ counts }) => sampleMask(counts, map, map)),
    );
    const names = namePositions(indices, map);
    assert.deepEqual(names.get(0), { x: 3, y: 3, depth: 4 });
    assert.equal(names.get(1)?.depth, 1);
    assert.equal(names.size, 2);
  });
});
