import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { checkHoldout, holdOut } from '../../../../../electron/core/training/pictures/split.ts';
import { appError } from '../../app-error.ts';

function pictures(...counts: number[]) {
  return counts.flatMap((count, classIndex) =>
    Array.from({ length: count }, (_, index) => ({ classIndex, sha256: `${classIndex}-${index}` })),
  );
}

/** Contents that are held out. */
function heldOf(all: { classIndex: number; sha256: string }[], share: number, seed = 0): string[] {
  const names = ['cat', 'dog', 'fox', 'hen'].slice(
    0,
    1 + Math.max(...all.map(({ classIndex }) => classIndex)),
  );
  return holdOut(all, names, share, seed).map((index) => all[index]?.sha256 ?? '');
}

suite('the hold-out', () => {
  test('takes the same share of every class, and at least one picture', () => {
    const held = heldOf(pictures(100, 40, 4), 0.15);
    const count = (name: string) => held.filter((sha256) => sha256.startsWith(name)).length;
    assert.deepEqual([count('0-'), count('1-'), count('2-')], [15, 6, 1]);
  });

  test('depends on the seed and the contents alone, not on their order', () => {
    const all = pictures(50, 50);
    const held = new Set(heldOf(all, 0.2));
    assert.deepEqual(new Set(heldOf(all.toReversed(), 0.2)), held);
    assert.notDeepEqual(new Set(heldOf(all, 0.2, 1)), held);
  });

  test('leaves most of its choice as it is when pictures are added', () => {
    const held = heldOf(pictures(100, 100), 0.2);
    const later = new Set(heldOf(pictures(104, 104), 0.2));
    assert.ok(held.filter((sha256) => later.has(sha256)).length > 34);
  });

  test('keeps pictures of one content on one side', () => {
    const all = pictures(60, 60).map((picture, index) => ({
      ...picture,
      sha256: String(Math.floor(index / 3)),
    }));
    const held = heldOf(all, 0.2);
    for (const content of new Set(held)) assert.equal(held.filter((sha256) => sha256 === content).length, 3);
    assert.equal(held.length, 24);
  });

  test('takes the rarest content where each of them comes more often than is wanted', () => {
    const all = [
      ...Array.from({ length: 7 }, () => ({ classIndex: 0, sha256: 'often' })),
      ...Array.from({ length: 3 }, () => ({ classIndex: 0, sha256: 'rare' })),
      ...pictures(0, 10),
    ];
    assert.deepEqual(
      heldOf(all, 0.1).filter((sha256) => !sha256.startsWith('1-')),
      ['rare', 'rare', 'rare'],
    );
  });

  test('is refused where a class has one picture only, however often', () => {
    const all = [...Array.from({ length: 9 }, () => ({ classIndex: 0, sha256: 'same' })), ...pictures(0, 10)];
    assert.throws(() => heldOf(all, 0.2), appError('TOO_FEW_PICTURES', /all of cat are the same one/));
  });

  test('is refused where it is smaller than the number of classes or leaves nothing to learn from', () => {
    const classes = [
      { name: 'cat', images: 40 },
      { name: 'dog', images: 10 },
    ];
    checkHoldout(classes, 0.15);
    assert.throws(
      () => checkHoldout(classes, 0.01),
      appError('BAD_ARGUMENT', /each of the 2 classes, but 1 % of 50 pictures are 1/),
    );
    assert.throws(() => checkHoldout(classes, 0), appError('BAD_ARGUMENT', /0 % of 50 pictures are 0/));
    assert.throws(
      () => checkHoldout(classes, 0.99),
      appError('BAD_ARGUMENT', /of cat there are 40 and 99 % are held out/),
    );
    assert.throws(
      () => checkHoldout([...classes, { name: 'fox', images: 1 }], 0.15),
      appError('TOO_FEW_PICTURES', /of fox there is 1$/),
    );
  });
});
