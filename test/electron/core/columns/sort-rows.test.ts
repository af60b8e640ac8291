import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { splitTexts } from '../../../../electron/core/columns/row-texts.ts';
import { sortRows, sortRowsByText } from '../../../../electron/core/columns/sort-rows.ts';
import { seededRandom } from '../random.ts';

const ROWS = 10_000; // more than are sorted by comparing them

/** The rows in an order without a pattern. */
function shuffledRows(random: (limit: number) => number): Uint32Array {
  const rows = Array.from({ length: ROWS }, (_, row) => row);
  for (let index = ROWS - 1; index > 0; index--) {
    const other = random(index + 1);
    [rows[index], rows[other]] = [rows[other] ?? 0, rows[index] ?? 0];
  }
  return Uint32Array.from(rows);
}

function assertSortedAsCompared(make: (index: number, random: (limit: number) => number) => string): void {
  const random = seededRandom(7);
  const texts = Array.from({ length: ROWS }, (_, index) => make(index, random));
  const bytes = texts.map((text) => Buffer.from(text));
  const columns = splitTexts(Buffer.from(texts.join('\0')), ROWS);
  const all = shuffledRows(random);
  for (const rows of [all, all.subarray(0, ROWS / 2), all.subarray(0, 100), all.subarray(0, 0)]) {
    const compared = [...rows].sort((one, other) =>
      Buffer.compare(bytes[one] ?? Buffer.alloc(0), bytes[other] ?? Buffer.alloc(0)),
    );
    assert.deepEqual([...sortRowsByText(rows, columns)], compared);
  }
}

suite('rows are sorted by text as comparing them would, equal ones in the order that they had', () => {
  test('names of a camera, the same in many folders', () => {
    assertSortedAsCompared((index) => `img_${String(index % 137).padStart(4, '0')}.jpg`);
  });

  test('names of every length, empty ones among them', () => {
    assertSortedAsCompared((_, random) => 'aä-1.j'.repeat(9).slice(random(9), random(50)));
  });

  test('names of random bytes', () => {
    assertSortedAsCompared((_, random) =>
      Array.from({ length: random(30) }, () => String.fromCodePoint(1 + random(600))).join(''),
    );
  });

  test('longer names than the digits tell of, many of them equal for long', () => {
    const long = (random: (limit: number) => number) =>
      Array.from({ length: 200 }, () => 'abcdefghij'.charAt(random(10))).join('');
    const firsts = Array.from({ length: 2 }, (_, index) => long(seededRandom(index)));
    assertSortedAsCompared((_, random) => {
      const first = firsts[random(2)] ?? '';
      return random(3) === 0 ? first.slice(0, random(200)) : `${first}${random(5000)}`;
    });
  });

  test('names that are all the same', () => {
    assertSortedAsCompared(() => 'a.jpg');
  });
});

test('rows are sorted by number, NaN last, equal ones in the order that they had', () => {
  const random = seededRandom(3);
  const special = [NaN, -NaN, 0, -0, Infinity, -Infinity, Number.MIN_VALUE, -Number.MIN_VALUE, 0.5, -0.5];
  const keys = Float64Array.from({ length: ROWS }, () =>
    random(2) === 0 ? (special[random(special.length)] ?? 0) : (random(1e6) - 5e5) / 7,
  );
  const all = shuffledRows(random);
  for (const rows of [all, all.subarray(0, 5000), all.subarray(0, 0)]) {
    const rank = (row: number) => keys[row] ?? NaN;
    const compared = [...rows].sort((one, other) => {
      const [first, second] = [rank(one), rank(other)];
      if (Number.isNaN(first) || Number.isNaN(second))
        return Number(Number.isNaN(first)) - Number(Number.isNaN(second));
      return first < second ? -1 : Number(first > second);
    });
    assert.deepEqual([...sortRows(rows, keys)], compared);
  }
});
