import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { scoreMaps } from '../../../../../electron/core/training/steps/score-maps.ts';
import { encodeRuns, fromBitmap } from '../../../../../electron/shared/mask.ts';
import { seededRandom } from '../../random.ts';

/** The areas of a picture of one column: a class per pixel, a blank where there is none. */
function areas(pixels: string) {
  return [...new Set(pixels)]
    .filter((letter) => letter !== ' ')
    .map((letter) => {
      const bitmap = Uint8Array.from(pixels, (other) => Number(other === letter));
      return { classIndex: Number(letter), counts: encodeRuns(fromBitmap(bitmap, 1, pixels.length)) };
    });
}

const picture = (truth: string, found: string, index = 0) => ({
  index,
  path: `${index}.jpg`,
  truth: areas(truth),
  found: areas(found),
});

suite('scores of a segmenter', () => {
  test('are the mean IoU of the pixels that are marked', () => {
    // Of class 0 one pixel of three is found, and nowhere else; of class 1 both, and one more. The last pixel is not marked.
    const scores = scoreMaps([picture('00011 ', '10 111', 4)], 3);
    assert.deepEqual(scores, {
      score: 0.5,
      pixelAccuracy: 3 / 5,
      perClass: [
        { iou: 1 / 3, pixels: 3 },
        { iou: 2 / 3, pixels: 2 },
        { iou: undefined, pixels: 0 },
      ],
      confusion: [
        [1, 1, 0],
        [0, 2, 0],
        [0, 0, 0],
      ],
      worst: [{ index: 4, path: '4.jpg', iou: 0.5 }],
    });
  });

  test('count a class that is found and nowhere marked', () => {
    const { score, perClass } = scoreMaps([picture('00', '01')], 2);
    assert.deepEqual([score, perClass[1]], [0.25, { iou: 0, pixels: 0 }]);
  });

  test('sum pixels over pictures, and leave out those without a mark', () => {
    const all = [picture('0001', '0001', 1), picture('0111', '0000', 2), picture('    ', '0000', 3)];
    const { score, pixelAccuracy, perClass, worst } = scoreMaps(all, 2);
    assert.deepEqual(
      perClass.map(({ iou }) => iou),
      [4 / 7, 1 / 4],
    );
    assert.deepEqual([score, pixelAccuracy], [(4 / 7 + 1 / 4) / 2, 5 / 8]);
    assert.deepEqual(worst, [{ index: 2, path: '2.jpg', iou: 1 / 8 }]);
    assert.deepEqual(scoreMaps([], 1), {
      score: 0,
      pixelAccuracy: 0,
      perClass: [{ iou: undefined, pixels: 0 }],
      confusion: [[0]],
      worst: [],
    });
  });

  test('are those of maps that are compared pixel by pixel', () => {
    const random = seededRandom(3);
    for (let round = 0; round < 300; round++) {
      const length = 1 + random(40);
      const made = () => {
        let last = '';
        return Array.from(
          { length },
          () => (last = random(3) === 0 || last === '' ? (['0', '1', '2', ' '][random(4)] ?? '') : last),
        ).join('');
      };
      const [truth, found] = [made(), made()];
      const confusion = [0, 1, 2].map((row) =>
        [0, 1, 2].map(
          (column) =>
            Array.from(truth).filter((one, index) => one === String(row) && found[index] === String(column))
              .length,
        ),
      );
      const scores = scoreMaps([picture(truth, found)], 3);
      assert.deepEqual(scores.confusion, confusion, JSON.stringify([truth, found]));
      assert.deepEqual(
        scores.perClass.map(({ pixels }) => pixels),
        ['0', '1', '2'].map((letter) => Array.from(truth).filter((one) => one === letter).length),
      );
    }
  });

  test('stay small: 60 pictures, 200 classes', () => {
    const many = Array.from({ length: 70 }, (_, index) => picture('00', '0 ', 69 - index));
    const { worst, confusion } = scoreMaps(many, 200);
    assert.deepEqual(
      worst.map(({ index }) => index),
      Array.from({ length: 60 }, (_, index) => index),
    );
    assert.equal(confusion?.length, 200);
    assert.equal('confusion' in scoreMaps(many, 201), false);
  });
});
