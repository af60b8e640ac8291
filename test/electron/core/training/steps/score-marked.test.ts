import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { scoreDetections } from '../../../../../electron/core/training/steps/score-marked.ts';
import type { ScoredPicture } from '../../../../../electron/core/training/steps/score-marked.ts';
import { maskOf } from '../../../support/found.ts';

const [FOX, OWL] = [0, 1];
const NOTHING = 2;

const at = (x: number, width = 10, height = 10) => ({ x, y: 0, width, height });
const marked = (classIndex: number, x: number) => ({ classIndex, box: at(x) });
const found = (classIndex: number, score: number, x: number) => ({ classIndex, score, box: at(x) });
const picture = (
  truth: ScoredPicture['truth'],
  objects: ScoredPicture['found'],
  index = 0,
): ScoredPicture => ({ index, path: `${index}.jpg`, truth, found: objects });

function assertNear(actual: number | undefined, expected: number): void {
  assert.ok(actual !== undefined && Math.abs(actual - expected) < 1e-9, `${actual} is not ${expected}`);
}

const TWO = [
  // The first fox is found, the owl is taken for a fox, and an owl is found where nothing is.
  picture([marked(FOX, 0), marked(OWL, 20)], [found(FOX, 0.9, 0), found(FOX, 0.8, 20), found(OWL, 0.6, 50)]),
  // This fox is found with so small a score that it is shown nowhere.
  picture([marked(FOX, 0)], [found(FOX, 0.4, 0)], 7),
];

suite('scores of a detector', () => {
  test('are the average precision of the classes, with their curves at an IoU of 0.5', () => {
    const { score, ap, perClass, maskAp50, maskAp } = scoreDetections(TWO, 3);
    // Foxes: precision 1 at the recalls 0, 0.01, ..., 0.5, and 2/3 at the 50 above. Owls: none is found.
    const foxes = (51 + (50 * 2) / 3) / 101;
    assertNear(score, foxes / 2);
    assertNear(ap, foxes / 2);
    assertNear(perClass[FOX]?.ap50, foxes);
    assert.deepEqual(perClass[FOX]?.precisionRecall, [
      { recall: 0.5, precision: 1, score: 0.9 },
      { recall: 0.5, precision: 0.5, score: 0.8 },
      { recall: 1, precision: 2 / 3, score: 0.4 },
    ]);
    assert.deepEqual(
      [perClass[FOX].objects, perClass.slice(1)],
      [
        2,
        [
          { ap50: 0, objects: 1, precisionRecall: [{ recall: 0, precision: 0, score: 0.6 }] },
          { ap50: undefined, objects: 0, precisionRecall: [] },
        ],
      ],
    );
    assert.deepEqual([maskAp50, maskAp], [undefined, undefined]);
  });

  test('take stricter overlaps into the mean alone', () => {
    // 8 of 10 columns: IoU 0.8, enough for seven of the ten thresholds.
    const truth = [marked(FOX, 0)];
    const { score, ap } = scoreDetections(
      [picture(truth, [{ classIndex: FOX, score: 0.9, box: at(0, 8) }])],
      1,
    );
    assert.equal(score, 1);
    assertNear(ap, 0.7);
  });

  test('tell what is taken for what, what is missed and what is found where nothing is', () => {
    const { confusion, worst } = scoreDetections(TWO, 2);
    assert.deepEqual(confusion, [
      [1, 0, 1],
      [1, 0, 0],
      [0, 1, 0],
    ]);
    assert.deepEqual(worst, [
      { index: 0, path: '0.jpg', missed: 0, wrong: 2 },
      { index: 7, path: '7.jpg', missed: 1, wrong: 0 },
    ]);
  });

  test('match from half of the union and a score of a half on', () => {
    const confusionOf = (score: number, width: number) =>
      scoreDetections([picture([marked(FOX, 0)], [{ classIndex: FOX, score, box: at(0, width) }])], 2)
        .confusion;
    const right = [
      [1, 0, 0],
      [0, 0, 0],
      [0, 0, 0],
    ];
    const missed = [
      [0, 0, 1],
      [0, 0, 0],
      [0, 0, 0],
    ];
    assert.deepEqual(confusionOf(0.5, 5), right);
    assert.deepEqual(confusionOf(0.499, 5), missed);
    assert.deepEqual(confusionOf(0.5, 4.9), [missed[0], missed[1], [1, 0, 0]]);
  });

  test('give each object to the best detection, and each detection the object that it overlaps most', () => {
    const twice = picture([marked(FOX, 0)], [found(OWL, 0.6, 0), found(FOX, 0.9, 1)]);
    assert.deepEqual(scoreDetections([twice], 2).confusion, [
      [1, 0, 0],
      [0, 0, 0],
      [0, 1, 0],
    ]);
    const beside = picture([marked(OWL, 2), marked(FOX, 0)], [found(FOX, 0.9, 0), found(OWL, 0.8, 2)]);
    assert.deepEqual(scoreDetections([beside], 2).worst, []);
    // Two labels on one box: each is found by its own.
    const both = picture([marked(FOX, 0), marked(OWL, 0)], [found(OWL, 0.9, 0), found(FOX, 0.8, 0)]);
    assert.deepEqual(scoreDetections([both], 2).worst, []);
  });

  test('compare masks where every object has one', () => {
    const size = [20, 20] as const;
    const whole = { classIndex: FOX, box: at(0), counts: maskOf(at(0), size).counts };
    const half = { ...whole, score: 0.9, counts: maskOf(at(0, 4), size).counts };
    const { score, maskAp50, maskAp } = scoreDetections([picture([whole], [half])], 1);
    assert.deepEqual([score, maskAp50, maskAp], [1, 0, 0]);
    const most = { ...whole, score: 0.9, counts: maskOf(at(0, 8), size).counts };
    const better = scoreDetections([picture([whole], [most])], 1);
    assert.equal(better.maskAp50, 1);
    assertNear(better.maskAp, 0.7);
    const some = [picture([whole], [half]), picture([marked(FOX, 0)], [], 1)];
    assert.equal('maskAp50' in scoreDetections(some, 1), false);
    assert.equal('maskAp50' in scoreDetections([picture([], [half])], 1), false);
  });

  test('are 0 where there is nothing to find, and count what is found there', () => {
    const { score, ap, confusion, worst } = scoreDetections([picture([], [found(OWL, 0.9, 0)], 3)], 2);
    assert.deepEqual([score, ap, confusion?.[NOTHING]], [0, 0, [0, 1, 0]]);
    assert.deepEqual(worst, [{ index: 3, path: '3.jpg', missed: 0, wrong: 1 }]);
  });

  test('keep the points of a long curve at which its recall rises', () => {
    const hits = Array.from({ length: 10 }, (_, index) =>
      picture([marked(FOX, 0)], [found(FOX, 0.9 - index / 100, 0)], index),
    );
    const misses = Array.from({ length: 60 }, (_, index) =>
      picture([], [found(FOX, 0.5 - index / 1000, 0)], 10 + index),
    );
    const [{ precisionRecall } = { precisionRecall: [] }] = scoreDetections([...hits, ...misses], 1).perClass;
    assert.deepEqual(
      precisionRecall.map(({ recall, precision }) => [recall, precision]),
      hits.map((_, index) => [(index + 1) / 10, 1]),
    );
  });

  test('stay small: 50 points, 60 pictures, 200 classes', () => {
    const many = Array.from({ length: 70 }, (_, index) =>
      picture([marked(FOX, 0), marked(FOX, 30)], [found(FOX, 1 - index / 100, 0)], 69 - index),
    );
    const { perClass, worst, confusion } = scoreDetections(many, 200);
    const points = perClass[FOX]?.precisionRecall ?? [];
    assert.equal(points.length, 50);
    assert.deepEqual(points.at(-1), { recall: 0.5, precision: 1, score: 1 - 69 / 100 });
    assert.deepEqual(
      worst.map(({ index }) => index),
      Array.from({ length: 60 }, (_, index) => index),
    );
    assert.equal(confusion?.length, 201);
    assert.equal('confusion' in scoreDetections(many, 201), false);
  });
});
