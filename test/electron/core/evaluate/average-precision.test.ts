import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { suite, test } from 'node:test';
import { averagePrecision } from '../../../../electron/core/evaluate/average-precision.ts';
import type { FoundObject, TruthObject } from '../../../../electron/core/evaluate/average-precision.ts';
import type { AveragePrecision } from '../../../../electron/shared/api/results.ts';
import type { Box } from '../../../../electron/shared/engine-api.ts';
import { encodeRuns, fromBitmap } from '../../../../electron/shared/mask.ts';
import { seededRandom } from '../random.ts';

const square = (x: number, side = 50): Box => ({ x, y: 0, width: side, height: side });
const marked = (x: number, more: Partial<TruthObject> = {}): TruthObject => ({
  classIndex: 0,
  box: square(x),
  ...more,
});
const found = (x: number, score: number, more: Partial<FoundObject> = {}): FoundObject => ({
  classIndex: 0,
  box: square(x),
  score,
  ...more,
});
const evaluate = (truth: TruthObject[], objects: FoundObject[]) =>
  averagePrecision([{ truth, found: objects }], ['fox', 'owl']);

function assertNear(actual: number | undefined, expected: number | undefined, message?: string): void {
  if (actual === undefined || expected === undefined) assert.equal(actual, expected, message);
  else assert.ok(Math.abs(actual - expected) < 1e-9, `${message ?? ''} ${actual} is not ${expected}`);
}

suite('average precision', () => {
  test('is 1 when everything is found and nothing else, and 0 when nothing is', () => {
    const truth = [marked(0), marked(100), marked(200, { classIndex: 1 })];
    const all = [found(0, 0.9), found(100, 0.3), found(200, 0.5, { classIndex: 1 })];
    const whole = evaluate(truth, all);
    assert.deepEqual([whole.ap, whole.ap50, whole.ap75], [1, 1, 1]);
    assert.deepEqual([whole.small, whole.medium, whole.large], [undefined, 1, undefined]);
    assert.deepEqual(whole.classes, [
      { label: 'fox', ap: 1, objects: 2 },
      { label: 'owl', ap: 1, objects: 1 },
    ]);
    assert.equal(evaluate(truth, []).ap, 0);
    assert.equal(evaluate([], all).ap, undefined);
  });

  test('names a class by its number where there is no label for it', () => {
    const { classes } = evaluate(
      [marked(0, { classIndex: 5 }), marked(100)],
      [found(0, 0.9, { classIndex: 5 })],
    );
    assert.deepEqual(classes, [
      { label: 'fox', ap: 0, objects: 1 },
      { label: 'class 5', ap: 1, objects: 1 },
    ]);
  });

  test('counts recalls up to the one that is reached', () => {
    // One of two: precision 1 at the recalls 0, 0.01, ..., 0.5, which are 51 of 101.
    assertNear(evaluate([marked(0), marked(100)], [found(0, 0.9)]).ap, 51 / 101);
    // A mistake before both: precisions 0, 1/2, 2/3, of which 2/3 holds at every recall.
    const late = [found(500, 0.9), found(0, 0.8), found(100, 0.7)];
    assertNear(evaluate([marked(0), marked(100)], late).ap, 2 / 3);
    // A mistake between: 1 up to the recall 0.5, then 2/3.
    const between = [found(0, 0.9), found(500, 0.8), found(100, 0.7)];
    assertNear(evaluate([marked(0), marked(100)], between).ap, (51 + (50 * 2) / 3) / 101);
  });

  test('asks for more overlap threshold by threshold', () => {
    // 40 of 60 columns are shared: IoU 2/3, enough for 0.5, 0.55, 0.6 and 0.65.
    const { ap, ap50, ap75 } = evaluate([marked(0)], [found(10, 0.9)]);
    assertNear(ap, 0.4);
    assert.deepEqual([ap50, ap75], [1, 0]);
  });

  test('gives every object to one detection only', () => {
    // The second is a mistake, but stands behind the recall 1.
    assert.equal(evaluate([marked(0)], [found(0, 0.9), found(1, 0.8)]).ap, 1);
    assertNear(evaluate([marked(0)], [found(300, 0.9), found(1, 0.8)]).ap50, 0.5);
  });

  test('expects nothing of crowds, and forgives any number of detections in them', () => {
    const crowd = marked(100, { crowd: true, box: { x: 100, y: 0, width: 200, height: 50 } });
    const inside = [found(100, 0.9), found(150, 0.9), found(240, 0.9), found(0, 0.1)];
    assert.equal(evaluate([marked(0), crowd], inside).ap, 1);
    assert.equal(evaluate([crowd], inside).ap, undefined);
    assert.deepEqual(evaluate([crowd], inside).classes, [{ label: 'fox', ap: undefined, objects: 0 }]);
  });

  test('of small, medium and large objects goes by the area that the truth states', () => {
    const truth = [marked(0, { area: 900 }), marked(100, { area: 1025 }), marked(200, { area: 9217 })];
    const only = (x: number) => evaluate(truth, [found(x, 0.9)]);
    const sizes = ({ small, medium, large }: AveragePrecision) => [small, medium, large];
    assert.deepEqual(sizes(only(0)), [1, 0, 0]);
    assert.deepEqual(sizes(only(100)), [0, 1, 0]);
    assert.deepEqual(sizes(only(200)), [0, 0, 1]);
    // What matches nothing goes by its own: this one is medium, so it hurts there alone.
    assert.deepEqual(sizes(evaluate(truth, [found(400, 0.95), found(0, 0.9), found(100, 0.8)])), [1, 0.5, 0]);
  });

  test('looks at the hundred best of each class', () => {
    const many = Array.from({ length: 100 }, (_, index) => found(1000 + 60 * index, 0.5));
    assert.equal(evaluate([marked(0)], [...many, found(0, 0.4)]).ap, 0);
    assertNear(evaluate([marked(0)], [...many.slice(1), found(0, 0.4)]).ap, 0.01);
    const others = many.map((one) => ({ ...one, classIndex: 1 }));
    assert.equal(evaluate([marked(0)], [...others, found(0, 0.4)]).ap, 1);
  });

  test('of masks compares pixels, whatever the boxes say', () => {
    const mask = (inside: (x: number, y: number) => boolean) => {
      const pixels = Array.from({ length: 100 }, (_, at) => +inside(at % 10, Math.floor(at / 10)));
      return encodeRuns(fromBitmap(Uint8Array.from(pixels), 10, 10));
    };
    const truth = [marked(0, { counts: mask((x, y) => x < 5 && y < 5) })];
    // 20 of 25 pixels: IoU 0.8, enough for seven of ten thresholds.
    const objects = [found(300, 0.9, { counts: mask((x, y) => x < 5 && y < 4) })];
    assertNear(averagePrecision([{ truth, found: objects }], ['fox'], 'mask').ap, 0.7);
  });

  test('is the same in whatever order the detections of an image come', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 50; round++) {
      const truth = Array.from({ length: 6 }, (_, index) => marked(70 * index, { classIndex: index % 2 }));
      const objects = Array.from({ length: 20 }, (_, index) =>
        found(random(400), index / 20, { classIndex: random(2) }),
      );
      const shuffled = objects
        .map((one) => ({ one, key: random(1000) }))
        .sort((a, b) => a.key - b.key)
        .map(({ one }) => one);
      assert.deepEqual(evaluate(truth, shuffled), evaluate(truth, objects));
    }
  });

  const path = new URL('../../../golden/found-numbers/objects.json', import.meta.url);
  const drawn = JSON.parse(readFileSync(path, 'utf8')) as Drawn;
  for (const kind of ['box', 'mask'] as const) {
    test(`of the ${kind}s of drawn objects is what another implementation computed`, () => {
      const images = drawn.images.map((image) => ({
        truth: image.truth.map((one) => ({ ...one, box: toBox(one.box) })),
        found: image.found.map((one) => ({ ...one, box: toBox(one.box) })),
      }));
      const { classes, ...actual } = averagePrecision(images, ['a', 'b', 'c'], kind);
      const { classes: expectedClasses, ...expected } = drawn.expected[kind];
      for (const [name, value] of Object.entries(expected))
        assertNear(actual[name as keyof typeof actual], value ?? undefined, name);
      for (const [index, value] of expectedClasses.entries()) assertNear(classes[index]?.ap, value);
    });
  }
});

interface Drawn {
  images: {
    truth: (Omit<TruthObject, 'box'> & { box: number[] })[];
    found: (Omit<FoundObject, 'box'> & { box: number[] })[];
  }[];
  expected: Record<
    'box' | 'mask',
    Record<Exclude<keyof AveragePrecision, 'classes'>, number | null> & { classes: number[] }
  >;
}

function toBox([x = 0, y = 0, width = 0, height = 0]: number[]): Box {
  return { x, y, width, height };
}
