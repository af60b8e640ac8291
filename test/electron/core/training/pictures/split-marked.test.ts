import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { holdOutMarked } from '../../../../../electron/core/training/pictures/split-marked.ts';
import type { SplitMarked } from '../../../../../electron/core/training/pictures/split-marked.ts';
import { appError } from '../../app-error.ts';
import { seededRandom } from '../../random.ts';

const NAMES = ['cat', 'dog', 'fox', 'hen'];

function pictures(classes: number[], count: number): SplitMarked[] {
  return Array.from({ length: count }, (_, index) => ({ sha256: `${classes.join('+')}#${index}`, classes }));
}

/** Contents that are held out. */
function heldOf(all: readonly SplitMarked[], share: number, seed = 0, names = 1): string[] {
  return holdOutMarked(all, NAMES.slice(0, names), share, seed).map((index) => all[index]?.sha256 ?? '');
}

function assertOnBothSides(all: readonly SplitMarked[], held: readonly number[], classes: number): void {
  for (let index = 0; index < classes; index++) {
    const own = [...all.keys()].filter((picture) => all[picture]?.classes.includes(index));
    const amount = own.filter((picture) => held.includes(picture)).length;
    assert.ok(amount > 0 && amount < own.length, `class ${index}: ${amount} of ${own.length}`);
  }
}

suite('the hold-out of marked pictures', () => {
  test('takes the same share of every class and of background, and at least one picture', () => {
    const all = [...pictures([0], 100), ...pictures([1], 40), ...pictures([2], 4), ...pictures([], 60)];
    const held = heldOf(all, 0.15, 0, 3);
    const count = (start: string) => held.filter((sha256) => sha256.startsWith(start)).length;
    assert.deepEqual([count('0#'), count('1#'), count('2#'), count('#')], [15, 6, 1, 9]);
  });

  test('takes each class its share where pictures have several', () => {
    const random = seededRandom(5);
    const all = Array.from({ length: 600 }, (_, index) => ({
      sha256: `picture ${index}`,
      classes: [0, 1, 2, 3].filter((one) => random(one + 2) === 0),
    }));
    const held = holdOutMarked(all, NAMES, 0.2, 1);
    for (const index of NAMES.keys()) {
      const own = all.filter(({ classes }) => classes.includes(index)).length;
      const amount = held.filter((picture) => all[picture]?.classes.includes(index)).length;
      assert.ok(Math.abs(amount - own * 0.2) <= 3, `class ${index}: ${amount} of ${own}`);
    }
    assert.ok(Math.abs(held.length - 120) <= 6, String(held.length));
    assert.deepEqual(
      held,
      [...held].sort((one, other) => one - other),
    );
  });

  test('depends on the seed and the contents alone, not on their order', () => {
    const all = [...pictures([0], 50), ...pictures([0, 1], 30), ...pictures([], 20)];
    const held = new Set(heldOf(all, 0.2, 0, 2));
    assert.deepEqual(new Set(heldOf(all.toReversed(), 0.2, 0, 2)), held);
    assert.notDeepEqual(new Set(heldOf(all, 0.2, 1, 2)), held);
  });

  test('keeps pictures of one content on one side, though their marks differ', () => {
    const all = Array.from({ length: 90 }, (_, index) => ({
      sha256: String(Math.floor(index / 3)),
      classes: [[0], [1], []][index % 3] ?? [],
    }));
    const held = heldOf(all, 0.2, 0, 2);
    for (const content of new Set(held)) assert.equal(held.filter((sha256) => sha256 === content).length, 3);
    assert.equal(held.length, 18);
  });

  test('has a class with two pictures on both sides, whatever else is in them', () => {
    const random = seededRandom(8);
    for (let seed = 0; seed < 60; seed++) {
      const all = [
        ...pictures([0], 20),
        ...pictures([0, 1], 2),
        ...pictures([1, 2], 1),
        ...pictures([2, 3], 1),
        ...pictures([3, random(2)], 1),
      ];
      assertOnBothSides(all, holdOutMarked(all, NAMES, 0.15, seed), 4);
    }
  });

  test('moves a picture to the side that a class has none on', () => {
    // In about every twentieth of these sets stratification alone leaves a class on one side.
    const random = seededRandom(12);
    for (let round = 0; round < 2000; round++) {
      const all = Array.from({ length: 6 }, (_, index) => ({
        sha256: `${round} ${index}`,
        classes: [0, 1, 2, 3].filter(() => random(2) === 0),
      }));
      const isApart = (bits: number) =>
        [0, 1, 2, 3].every((one) => {
          const own = [...all.keys()].filter((index) => all[index]?.classes.includes(one));
          const amount = own.filter((index) => (bits >> index) % 2 === 1).length;
          return amount > 0 && amount < own.length;
        });
      const isPossible = Array.from({ length: 62 }, (_, bits) => bits + 1).some(isApart);
      if (isPossible) assertOnBothSides(all, holdOutMarked(all, NAMES, 0.25, 0), 4);
      else assert.throws(() => holdOutMarked(all, NAMES, 0.25, 0), { code: 'TOO_FEW_PICTURES' });
    }
  });

  test('counts a class of a picture once', () => {
    const all = [...pictures([0], 8), { sha256: 'often', classes: [1, 1, 1] }];
    assert.throws(() => heldOf(all, 0.2, 0, 2), appError('TOO_FEW_PICTURES', /of dog there is 1$/));
  });

  test('is refused where a class has one picture, or the same one twice', () => {
    const one = [...pictures([0], 9), ...pictures([0, 1], 1)];
    assert.throws(() => heldOf(one, 0.2, 0, 2), appError('TOO_FEW_PICTURES', /of dog there is 1$/));
    const twice = [...one, { sha256: '0+1#0', classes: [1] }];
    assert.throws(() => heldOf(twice, 0.2, 0, 2), {
      code: 'TOO_FEW_PICTURES',
      className: 'dog',
      message: /all of dog are the same one/,
    });
    assert.throws(
      () => heldOf(pictures([0], 9), 0.2, 0, 2),
      appError('TOO_FEW_PICTURES', /of dog there are 0/),
    );
  });

  test('is refused where classes with two pictures each share three pictures', () => {
    const all = [...pictures([0, 1], 1), ...pictures([1, 2], 1), ...pictures([0, 2], 1)];
    assert.throws(() => heldOf(all, 0.34, 0, 3), appError('TOO_FEW_PICTURES', /cannot be parted without/));
  });

  test('is refused where nothing or all would be held out', () => {
    const all = pictures([0], 10);
    assert.throws(() => heldOf(all, 0.04), appError('BAD_ARGUMENT', /4 % of 10 pictures are 0/));
    assert.throws(() => heldOf(all, 0.96), appError('BAD_ARGUMENT', /96 % of 10 pictures are 10/));
    assert.equal(heldOf(all, 0.94).length, 9);
    assert.equal(heldOf(all, 0.06).length, 1);
  });
});
