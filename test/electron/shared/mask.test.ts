import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  boxRuns,
  combineRuns,
  decodeRuns,
  encodeRuns,
  forEachColumnPart,
  fromBitmap,
  intersectionArea,
  runsArea,
  runsBox,
  toBitmap,
} from '../../../electron/shared/mask.ts';
import { seededRandom } from '../core/random.ts';

/** A bitmap drawn as text: `#` is inside. */
function drawn(...rows: string[]): { bitmap: Uint8Array; width: number; height: number } {
  const bitmap = Uint8Array.from(rows.join(''), (character) => (character === '#' ? 1 : 0));
  return { bitmap, width: rows[0]?.length ?? 0, height: rows.length };
}

function randomBitmap(random: (limit: number) => number) {
  const [width, height, sparse] = [1 + random(40), 1 + random(40), 1 + random(9)];
  return {
    width,
    height,
    bitmap: Uint8Array.from({ length: width * height }, () => +(random(sparse) === 0)),
  };
}

suite('a mask', () => {
  // Worked out by hand: 5 bits per character, '0' + value, +32 while more follow.
  const texts: [string, number[]][] = [
    ['', []],
    ['0', [0]],
    ['?', [15]],
    ['P1', [32]], // 00000 and more, then 00001
    ['`0', [16]], // 10000 would be negative, so one more
    ['0d0', [0, 20]],
    ['1234', [1, 2, 3, 6]], // the fourth is 4 more than the second
    ['5554N', [5, 5, 5, 9, 3]], // the fifth is 2 less than the third: 11110
    ['PhY<', [403_200]], // of a white picture of 640 x 630, outside
  ];
  for (const [text, runs] of texts) {
    test(`${text || 'of no text'} is ${runs.join(', ') || 'empty'}`, () => {
      assert.deepEqual(decodeRuns(text), runs);
      assert.equal(encodeRuns(runs), text);
    });
  }

  for (const text of ['P', '/', 'q', '00O0', '1O', 'ooooooooo0', 'é']) {
    test(`refuses ${text}`, () =>
      assert.throws(() => decodeRuns(text), { code: 'BAD_ARGUMENT', message: /as COCO compresses them/ }));
  }

  test('runs down the columns, outside first', () => {
    const { bitmap, width, height } = drawn(
      '##.', //
      '#..',
      '..#',
    );
    const runs = fromBitmap(bitmap, width, height);
    assert.deepEqual(runs, [0, 2, 1, 1, 4, 1]);
    assert.deepEqual(toBitmap(runs, width, height), bitmap);
    assert.equal(runsArea(runs), 4);
    assert.deepEqual(runsBox(runs, height), { x: 0, y: 0, width: 3, height: 3 });
  });

  test('has the box around what is inside, and none when nothing is', () => {
    const { bitmap, width, height } = drawn('.....', '..#..', '.##..', '.....');
    const runs = fromBitmap(bitmap, width, height);
    assert.deepEqual(runsBox(runs, height), { x: 1, y: 1, width: 2, height: 2 });
    assert.equal(runsBox([20], height), undefined);
    assert.deepEqual(runsBox([0, 20], height), { x: 0, y: 0, width: 5, height: 4 });
  });

  test('is cut at the ends of columns', () => {
    const parts: number[][] = [];
    forEachColumnPart([2, 9, 1], 4, (...part) => parts.push(part));
    assert.deepEqual(parts, [
      [0, 2, 2],
      [1, 0, 4],
      [2, 0, 3],
    ]);
  });

  test('that is larger than its picture is refused', () => {
    assert.throws(() => toBitmap([5, 2], 2, 3), { code: 'BAD_ARGUMENT', message: /2 x 3 pixels.* have 7/ });
  });

  test('comes back from its text, whatever it looks like', () => {
    const random = seededRandom(7);
    for (let round = 0; round < 500; round++) {
      const { bitmap, width, height } = randomBitmap(random);
      const runs = fromBitmap(bitmap, width, height);
      assert.deepEqual(decodeRuns(encodeRuns(runs)), runs);
      assert.deepEqual(toBitmap(runs, width, height), bitmap);
      assert.equal(
        runsArea(runs),
        bitmap.reduce((sum, value) => sum + value, 0),
      );
    }
  });

  test('of long runs comes back from its text', () => {
    const random = seededRandom(8);
    for (let round = 0; round < 500; round++) {
      const runs = Array.from({ length: random(12) }, () => random(2 ** (1 + random(30))));
      assert.deepEqual(decodeRuns(encodeRuns(runs)), runs);
    }
  });

  test('shares with another the pixels that are inside both', () => {
    const random = seededRandom(9);
    for (let round = 0; round < 300; round++) {
      const { bitmap, width, height } = randomBitmap(random);
      const other = Uint8Array.from(bitmap, () => random(2));
      const text = (pixels: Uint8Array) => encodeRuns(fromBitmap(pixels, width, height));
      const both = bitmap.reduce((sum, value, index) => sum + (value & (other[index] ?? 0)), 0);
      assert.equal(intersectionArea(text(bitmap), text(other)), both);
    }
    assert.equal(intersectionArea('', '0d0'), 0);
  });

  test('is joined with another pixel by pixel, by any rule', () => {
    const random = seededRandom(10);
    const rules: ((one: boolean, other: boolean) => boolean)[] = [
      (one, other) => one || other,
      (one, other) => one && other,
      (one, other) => one && !other,
      (one, other) => !one && !other,
    ];
    for (let round = 0; round < 300; round++) {
      const { bitmap, width, height } = randomBitmap(random);
      const other = Uint8Array.from(bitmap, () => +(random(3) === 0));
      const runs = (pixels: Uint8Array) => fromBitmap(pixels, width, height);
      for (const rule of rules) {
        const wanted = bitmap.map((value, index) => +rule(value === 1, other[index] === 1));
        assert.deepEqual(combineRuns(runs(bitmap), runs(other), rule), runs(wanted));
      }
    }
    // Runs that stop early have nothing behind their end.
    assert.deepEqual(
      combineRuns([1, 2], [8], (one) => one),
      [1, 2, 5],
    );
    assert.deepEqual(
      combineRuns([1], [0, 3, 1], (one, inOther) => one || inOther),
      [0, 3, 1],
    );
  });

  test('of a box has the pixels that the box touches', () => {
    const random = seededRandom(11);
    for (let round = 0; round < 300; round++) {
      const [width, height] = [1 + random(9), 1 + random(9)];
      const part = () => random(48) / 4 - 1;
      const box = { x: part(), y: part(), width: (1 + random(40)) / 4, height: (1 + random(40)) / 4 };
      const bitmap = Uint8Array.from({ length: width * height }, (_, index) => {
        const [x, y] = [index % width, Math.floor(index / width)];
        return +(x + 1 > box.x && x < box.x + box.width && y + 1 > box.y && y < box.y + box.height);
      });
      const runs = boxRuns(box, { width, height });
      assert.deepEqual(toBitmap(runs, width, height), bitmap, JSON.stringify({ box, width, height }));
      assert.equal(
        runs.reduce((sum, run) => sum + run, 0),
        width * height,
      );
    }
  });
});
