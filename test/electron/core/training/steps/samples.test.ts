import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { samplesSchema, withEpoch } from '../../../../../electron/core/training/journal/samples.ts';
import type { Samples } from '../../../../../electron/core/training/journal/samples.ts';
import {
  sampledPictures,
  sampleSize,
  toSample,
} from '../../../../../electron/core/training/steps/samples.ts';
import { decodeRuns, encodeRuns, fromBitmap, toBitmap } from '../../../../../electron/shared/mask.ts';
import { seededRandom } from '../../random.ts';

const held = (classes: number[][]) => ({
  labelled: [],
  marked: classes.map((objects, place) => ({
    path: `/${place}`,
    relativePath: `/${place}`,
    held: true,
    index: 10 * place,
    size: { width: 8, height: 8 },
    objects: objects.map((classIndex) => ({ classIndex, counts: '' })),
  })),
});

suite('the pictures whose predictions are kept', () => {
  test('show every class as far as six can, and are the same whatever the order', () => {
    const pictures = held([[0], [0, 1], [0], [2], [], [0, 3], [0], [0], [1, 3]]);
    const chosen = sampledPictures(pictures);
    assert.equal(chosen.length, 6);
    for (const index of [10, 30, 50]) assert.ok(chosen.includes(index), String(index)); // 0 and 1, 2, 3
    const turned = { labelled: [], marked: pictures.marked.toReversed() };
    assert.deepEqual(sampledPictures(turned), chosen);
    assert.deepEqual(sampledPictures(held([[0], [1]])), [0, 10]);
    assert.deepEqual(sampledPictures(held([])), []);
    const many = held(Array.from({ length: 20 }, (_, index) => [index]));
    assert.equal(sampledPictures(many).length, 6);
  });

  test('are of a classifier one of each class first', () => {
    const labelled = [0, 0, 0, 0, 0, 0, 0, 1].map((classIndex, index) => {
      return { path: '', relativePath: '', held: true, index, classIndex };
    });
    const chosen = sampledPictures({ labelled, marked: [] });
    assert.deepEqual([chosen.length, chosen.includes(0), chosen.includes(7)], [6, true, true]);
  });
});

suite('what is kept of a prediction', () => {
  test('are masks of at most 160 pixels a side, each pixel the one at its centre', () => {
    const random = seededRandom(5);
    const size = { width: 531, height: 800 };
    const to = sampleSize(size);
    assert.deepEqual(to, { width: 106, height: 160 });
    assert.deepEqual(sampleSize({ width: 20, height: 9 }), { width: 20, height: 9 });
    for (const fill of [0, 0.02, 0.5, 1]) {
      const bitmap = Uint8Array.from({ length: size.width * size.height }, () =>
        Number(random(1000) < fill * 1000),
      );
      const counts = encodeRuns(fromBitmap(bitmap, size.width, size.height));
      const [kept] = toSample([{ classIndex: 1, counts }], size);
      const found = toBitmap(decodeRuns(kept?.counts ?? ''), to.width, to.height);
      for (let y = 0; y < to.height; y++)
        for (let x = 0; x < to.width; x++) {
          const column = Math.floor(((x + 0.5) * size.width) / to.width);
          const row = Math.floor(((y + 0.5) * size.height) / to.height);
          assert.equal(found[y * to.width + x], bitmap[row * size.width + column], `${fill}: ${x}, ${y}`);
        }
    }
  });

  test('are detections that are sure enough, at most 50, and a class whatever its confidence', () => {
    const box = { x: 1, y: 2, width: 3, height: 4 };
    const objects = Array.from({ length: 60 }, () => ({ classIndex: 0, score: 0.9, box }));
    assert.equal(toSample(objects, { width: 9, height: 9 }).length, 50);
    assert.deepEqual(toSample([{ classIndex: 2, score: 0.29, box }], undefined), []);
    assert.deepEqual(toSample([{ classIndex: 2, score: 0.3, box }], undefined), [
      { classIndex: 2, score: 0.3, box },
    ]);
    assert.deepEqual(toSample([{ classIndex: 2, score: 0.2 }], undefined), [{ classIndex: 2, score: 0.2 }]);
  });

  test('stays small however many epochs there are, the last among them, and repeats none', () => {
    let samples: Samples | undefined;
    for (let epoch = 1; epoch <= 500; epoch++) {
      samples = withEpoch(samples, { epoch, pictures: [] });
      assert.ok(samples.epochs.length <= 40);
      assert.equal(samples.epochs.at(-1)?.epoch, epoch);
    }
    const epochs = samples?.epochs.map((one) => one.epoch) ?? [];
    assert.ok(epochs.length > 18, String(epochs.length));
    const steps = new Set(epochs.slice(1, -1).map((epoch, place) => epoch - (epochs[place] ?? 0)));
    assert.equal(steps.size, 1, 'evenly');
    // A training that goes on from a state before its last epoch makes that epoch again.
    const again = withEpoch(withEpoch(withEpoch(undefined, one(1)), one(2)), { ...one(2), pictures: [{ index: 4, found: [] }] }); // prettier-ignore
    assert.deepEqual(
      again.epochs.map(({ epoch, pictures }) => [epoch, pictures.length]),
      [[1, 0], [2, 1]], // prettier-ignore
    );
    assert.ok(samplesSchema.safeParse(again).success);
  });
});

const one = (epoch: number) => ({ epoch, pictures: [] });
