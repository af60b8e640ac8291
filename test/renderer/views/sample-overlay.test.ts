import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { encodeRuns, fromBitmap } from '../../../electron/shared/mask.ts';
import { classPaint } from '../../../renderer/lib/class-colour.ts';
import { sampleOverlay, sampleWords } from '../../../renderer/views/teach/sample-overlay.ts';

const NAMES = ['sea', 'boat', 'buoy'];
const map = { width: 20, height: 20 };
const size = { width: 400, height: 400 }; // of the picture
const percent = (value: number) => `${Math.round(100 * value)} %`;

/** The mask of the columns from `first` up to `last` of the map. */
function columns(first: number, last: number): string {
  const bitmap = Uint8Array.from({ length: map.width * map.height }, (_, at) => {
    const x = at % map.width;
    return Number(x >= first && x < last);
  });
  return encodeRuns(fromBitmap(bitmap, map.width, map.height));
}

suite('what is drawn over a sample', () => {
  test('boxes have the class, and the score where a model gave one', () => {
    const box = { x: 10, y: 20, width: 30, height: 40 };
    const { boxes, masks, names } = sampleOverlay(
      [
        { classIndex: 1, box },
        { classIndex: 2, box, score: 0.875, counts: columns(0, 10) },
      ],
      { size, map },
      NAMES,
      percent,
    );
    assert.deepEqual(
      boxes.map(({ text, paint, x, height }) => ({ text, paint, x, height })),
      [
        { text: 'boat', paint: classPaint(1), x: 10, height: 40 },
        { text: 'buoy 88 %', paint: classPaint(2), x: 10, height: 40 },
      ],
    );
    assert.deepEqual(
      masks.map(({ paint }) => paint),
      [classPaint(2)],
    );
    assert.deepEqual(names, []); // their boxes say them
  });

  test('areas have their names inside, in pixels of the picture; narrow ones have none', () => {
    const objects = [
      { classIndex: 0, counts: columns(0, 12) },
      { classIndex: 1, counts: columns(12, 17) }, // five wide: three deep at most
    ];
    const { masks, names } = sampleOverlay(objects, { size, map }, NAMES, percent);
    assert.equal(masks.length, 2);
    assert.deepEqual(
      names.map(({ text, paint }) => [text, paint]),
      [['sea', classPaint(0)]],
    );
    const [name] = names;
    assert.ok(name && name.x > 60 && name.x < 180 && name.y > 60 && name.y < 340, JSON.stringify(name));
  });

  test('without the size of the picture there are boxes alone', () => {
    const box = { x: 0, y: 0, width: 5, height: 5 };
    const objects = [
      { classIndex: 1, box },
      { classIndex: 0, counts: columns(0, 12) },
    ];
    const { boxes, masks, names } = sampleOverlay(objects, { size: undefined, map }, NAMES, percent);
    assert.deepEqual([boxes.length, masks.length, names.length], [1, 0, 0]);
  });
});

test('what is in a picture is said once a class, in the order of coming, with its number where there are several', () => {
  const objects = [2, 1, 2, 2].map((classIndex) => ({ classIndex }));
  assert.equal(sampleWords(objects, NAMES, String), 'buoy 3, boat');
  assert.equal(sampleWords([], NAMES, String), '');
});
