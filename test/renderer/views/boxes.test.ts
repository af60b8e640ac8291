import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  boxBetween,
  boxInside,
  clearIndices,
  HANDLES,
  handlePoints,
  hitBox,
  hitHandle,
  moveBox,
  resizeBox,
} from '../../../renderer/views/image/boxes.ts';
import {
  countLabels,
  markedBoxes,
  placed,
  relabelled,
  toHumanBoxes,
} from '../../../renderer/views/image/box-set.ts';

const picture = { width: 100, height: 80 };
const box = { x: 10, y: 20, width: 30, height: 40 };

suite('a box', () => {
  test('is moved, and stops whole at the ends of the picture', () => {
    assert.deepEqual(moveBox(box, { x: 5, y: -3 }, picture), { ...box, x: 15, y: 17 });
    assert.deepEqual(moveBox(box, { x: -50, y: 900 }, picture), { ...box, x: 0, y: 40 });
    const odd = { x: 1 / 3, y: 0, width: 200 / 7, height: 10 };
    const { x, width } = moveBox(odd, { x: 999, y: 0 }, picture);
    assert.ok(x + width <= picture.width);
  });

  test('is resized by every handle', () => {
    const by = { x: 4, y: 6 };
    const corners = HANDLES.map((handle) => {
      const { x, y, width, height } = resizeBox(box, handle, by, picture);
      return `${handle} ${x} ${y} ${width} ${height}`;
    });
    assert.deepEqual(corners, [
      'nw 14 26 26 34',
      'n 10 26 30 34',
      'ne 10 26 34 34',
      'e 10 20 34 40',
      'se 10 20 34 46',
      's 10 20 30 46',
      'sw 14 20 26 46',
      'w 14 20 26 40',
    ]);
  });

  test('neither turns over nor leaves the picture when it is resized', () => {
    assert.deepEqual(resizeBox(box, 'w', { x: 99, y: 0 }, picture), { ...box, x: 39, width: 1 });
    assert.deepEqual(resizeBox(box, 'se', { x: 999, y: 999 }, picture), { ...box, width: 90, height: 60 });
    assert.deepEqual(resizeBox(box, 'nw', { x: -999, y: -999 }, picture), {
      x: 0,
      y: 0,
      width: 40,
      height: 60,
    });
  });

  test('is drawn in any direction; a click draws none', () => {
    const drawn = { x: 5, y: 6, width: 20, height: 30 };
    assert.deepEqual(boxBetween({ x: 25, y: 6 }, { x: 5, y: 36 }, picture), drawn);
    assert.deepEqual(boxBetween({ x: 90, y: 70 }, { x: 200, y: 200 }, picture), {
      x: 90,
      y: 70,
      width: 10,
      height: 10,
    });
    assert.equal(boxBetween({ x: 5, y: 5 }, { x: 6, y: 30 }, picture), undefined);
  });

  test('is put in the middle of what is seen', () => {
    const seen = { x: 30, y: 30, width: 30, height: 30 };
    assert.deepEqual(boxInside(seen, picture), { x: 40, y: 40, width: 10, height: 10 });
    assert.deepEqual(boxInside({ x: 0, y: 0, width: 3, height: 3 }, picture), { x: 0, y: 0, ...picture });
  });
});

suite('what the mouse hits', () => {
  test('is a handle within reach, the nearest', () => {
    for (const [index, point] of handlePoints(box).entries())
      assert.equal(hitHandle(box, { x: point.x + 1, y: point.y - 1 }, 3), HANDLES[index]);
    assert.equal(hitHandle(box, { x: 25, y: 40 }, 3), undefined);
  });

  test('is the smallest box, which larger ones would hide', () => {
    const boxes = [
      { ...box, shown: true },
      { x: 15, y: 25, width: 5, height: 5, shown: true },
      { x: 16, y: 26, width: 1, height: 1, shown: false },
    ];
    assert.equal(hitBox(boxes, { x: 16.5, y: 26.5 }, 0), 1);
    assert.equal(hitBox(boxes, { x: 30, y: 50 }, 0), 0);
    assert.equal(hitBox(boxes, { x: 41, y: 50 }, 0), undefined);
    assert.equal(hitBox(boxes, { x: 41, y: 50 }, 2), 0);
  });
});

test('names keep clear of those that come before them', () => {
  const tag = (x: number, y: number) => ({ x, y, width: 10, height: 4 });
  assert.deepEqual(clearIndices([tag(0, 0), tag(5, 2), tag(10, 0), tag(0, 4), tag(9, 3)]), [0, 2, 3]);
});

suite('the boxes of an image', () => {
  const detection = (number: number, score: number) => ({
    number,
    score,
    classIndex: 0,
    label: 'fox',
    maskArea: 9,
    x: number,
    y: 1,
    width: 5,
    height: 6,
  });
  const details = {
    run: { id: 7 },
    detections: [detection(0, 0.9), detection(1, 0.4)],
    humanBoxes: undefined,
  };

  test("are the model's of at least the score", () => {
    assert.equal(markedBoxes(details, 0.5).length, 1);
    assert.equal(markedBoxes(details, 0.4).length, 2);
  });

  test("are the person's when somebody has touched them, whatever the score", () => {
    assert.deepEqual(markedBoxes({ ...details, humanBoxes: [] }, 0), []);
    const saved = toHumanBoxes(markedBoxes(details, 0));
    const [first, second] = markedBoxes({ ...details, humanBoxes: saved }, 1);
    assert.deepEqual([first?.score, first?.mask], [0.9, 0]);
    assert.deepEqual([second?.score, second?.mask], [0.4, 1]);
  });

  test('keep the mask while they are unmoved, and the score while they are of the same class', () => {
    const [first] = markedBoxes(details, 0.5);
    assert.ok(first);
    const other = relabelled(first, 'wolf');
    assert.deepEqual([other.label, other.score, other.mask], ['wolf', undefined, 0]);
    const [reread] = markedBoxes({ ...details, humanBoxes: toHumanBoxes([other]) }, 0.5);
    assert.deepEqual(reread, other);
    const moved = placed(other, { ...other, x: 3 });
    assert.deepEqual([moved.x, moved.mask], [3, undefined]);
    assert.deepEqual(markedBoxes({ ...details, humanBoxes: toHumanBoxes([moved]) }, 0.5), [moved]);
    assert.equal(placed(first, first), first);
  });

  test('of another run lend nothing', () => {
    const humanBoxes = [{ ...box, label: 'fox', detection: { runId: 8, number: 0 } }];
    const [mine] = markedBoxes({ ...details, humanBoxes }, 0);
    assert.deepEqual([mine?.score, mine?.mask], [undefined, undefined]);
  });

  test('are counted by class', () => {
    assert.deepEqual(countLabels([{ label: 'b' }, { label: 'c' }, { label: 'c' }, { label: 'a' }]), [
      { label: 'c', count: 2 },
      { label: 'a', count: 1 },
      { label: 'b', count: 1 },
    ]);
  });
});
