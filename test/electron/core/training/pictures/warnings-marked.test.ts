import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { KnownMarked } from '../../../../../electron/core/training/pictures/inspect-marked.ts';
import type { Dropped, MarkedObject } from '../../../../../electron/core/training/pictures/marked-run.ts';
import { warningsOfMarked } from '../../../../../electron/core/training/pictures/warnings-marked.ts';
import type { MarkedTraining } from '../../../../../electron/core/training/pictures/warnings-marked.ts';
import { maskOf } from '../../../support/found.ts';

const NONE: Dropped = {
  noArea: [],
  outside: [],
  repeated: [],
  noMask: [],
  unusedMask: [],
  unmarked: [],
  relabelled: [],
};
const SIZE = { width: 100, height: 80 };
const box = (x: number, y: number, width: number, height: number) => ({ x, y, width, height });
const object = (className: string, place = box(0, 0, 40, 40)): MarkedObject => ({ className, box: place });

let made = 0;
function picture(objects: MarkedObject[], more: Partial<KnownMarked> = {}): KnownMarked {
  const number = String(made++).padStart(16, '0');
  const relativePath = `${number}.jpg`;
  const known = { ...SIZE, dHash: '0000000000000000', sha256: number };
  return {
    path: relativePath,
    relativePath,
    fileSize: 1,
    modifiedMs: 1,
    size: SIZE,
    objects,
    ...known,
    ...more,
  };
}
const pictures = (count: number, objects: () => MarkedObject[]) =>
  Array.from({ length: count }, () => picture(objects()));

function warnings(
  all: KnownMarked[],
  more: Partial<MarkedTraining> = {},
  otherSize: { relativePath: string; now: string; then: string }[] = [],
) {
  const training: MarkedTraining = {
    names: ['cat', 'dog'],
    held: [],
    input: { task: 'detection', size: 100 },
    patchSize: 10,
    dropped: NONE,
    ...more,
  };
  const found = warningsOfMarked({ pictures: all, unreadable: [], otherSize }, training);
  return new Map(found.map((warning) => [warning.kind, warning]));
}

const both = () => [object('cat'), object('dog', box(50, 10, 30, 30))];
const SEGMENTATION = { task: 'segmentation', size: 80 } as const;

suite('warnings of marked pictures', () => {
  test('are none where there is nothing to say', () => {
    assert.deepEqual([...warnings(pictures(20, both)).keys()], []);
    assert.deepEqual([...warnings(pictures(20, both), { input: SEGMENTATION }).keys()], []);
  });

  test('count objects for a detector, pictures for a segmenter', () => {
    const all = pictures(19, () => [
      object('cat'),
      ...Array.from({ length: 10 }, (_, x) => object('dog', box(5 * x, 9, 40, 40))),
    ]);
    const found = warnings(all);
    assert.equal(
      found.get('few-objects')?.message,
      'One class has fewer than 20 objects, which is little to learn from and to test with: cat (19).',
    );
    assert.equal(
      found.get('unbalanced-objects')?.message,
      'The class dog has 190 objects and cat only 19, so the model will lean towards the larger one.',
    );
    assert.equal(found.size, 2);
    const maps = warnings([...pictures(19, both), ...pictures(171, () => [object('dog')])], {
      input: SEGMENTATION,
    });
    assert.match(maps.get('few-images')?.message ?? '', /fewer than 20 pictures.*: cat \(19\)\.$/);
    assert.match(maps.get('unbalanced')?.message ?? '', /dog has 190 pictures and cat only 19/);
    assert.equal(maps.size, 2);
  });

  test('count pictures without a mark, and those of another size', () => {
    const found = warnings([...pictures(20, both), ...pictures(3, () => [])], {}, [
      { relativePath: 'old.jpg', now: '10 x 20', then: '20 x 10' },
    ]);
    assert.equal(
      found.get('background')?.message,
      '3 of 23 pictures have nothing marked in them and are learned from as background.',
    );
    assert.equal(found.get('background')?.paths.length, 3);
    assert.equal(
      found.get('other-size')?.message,
      'One picture has another size than when it was marked and is left out, such as old.jpg (10 x 20, marked at 20 x 10).',
    );
  });

  test('tell of boxes of two classes at one place', () => {
    const near = box(0.4, 0.5, 39.6, 39);
    const twice = picture([object('cat'), object('dog', near)]);
    const found = warnings([...pictures(20, both), twice]).get('two-labels');
    assert.equal(
      found?.message,
      `One box has two labels, such as cat and dog in ${twice.relativePath}, so the model learns both of them there.`,
    );
    assert.deepEqual([found.count, found.paths], [1, [twice.relativePath]]);
    for (const other of [
      box(0.6, 0, 39.4, 40),
      box(0, 0.6, 40, 39.4),
      box(0, 0, 40.6, 40),
      box(0, 0, 40, 40.6),
    ]) {
      const apart = picture([object('cat'), object('dog', other)]);
      assert.equal(warnings([...pictures(20, both), apart]).has('two-labels'), false, JSON.stringify(other));
    }
    const same = picture([object('cat'), object('cat', near)]);
    assert.equal(warnings([...pictures(20, both), same]).has('two-labels'), false);
  });

  test('tell of objects that are smaller than a patch, where they are a twentieth', () => {
    // Seen at half their size: 19 x 20 pixels are less than a patch of 10 x 10, and 20 x 20 are not.
    const large = { width: 200, height: 160, size: { width: 200, height: 160 } };
    const all = (tiny: number) =>
      Array.from({ length: 20 }, (_, index) =>
        picture(
          [object('cat', box(0, 0, index < tiny ? 19 : 20, 20)), object('dog', box(50, 50, 40, 40))],
          large,
        ),
      );
    const found = warnings(all(2)).get('tiny-objects');
    assert.equal(
      found?.message,
      '2 of 40 objects (5 %) are smaller than a patch where the model sees them, so it will hardly find them. It sees pictures at 100 pixels, a patch is 10.',
    );
    assert.equal(found.paths.length, 2);
    assert.equal(warnings(all(1)).has('tiny-objects'), false);
    // Of areas their pixels count, not their boxes; the shorter side is what the model sees at 80 pixels.
    const thin = {
      ...object('cat', box(0, 0, 99, 99)),
      counts: maskOf(box(0, 0, 3, 133), [200, 160]).counts,
    };
    const areas = Array.from({ length: 20 }, () => picture([thin], large));
    assert.equal(warnings(areas, { input: SEGMENTATION }).get('tiny-areas')?.count, 20);
    const wide = { ...thin, counts: maskOf(box(0, 0, 3, 134), [200, 160]).counts };
    const seen = Array.from({ length: 20 }, () => picture([wide], large));
    assert.equal(warnings(seen, { input: SEGMENTATION }).has('tiny-areas'), false);
  });

  test('tell of pictures that look alike on both sides, and of those that are enlarged', () => {
    const all = Array.from({ length: 20 }, () => picture(both(), { dHash: '0f0f0f0f0f0f0f0f' }));
    assert.equal(warnings(all, { held: [3, 4] }).get('near-duplicates')?.count, 2);
    // A detector sees the longer side at its size, a segmenter the shorter one.
    assert.equal(warnings(all, { input: { task: 'detection', size: 101 } }).get('small-pictures')?.count, 20);
    const segmenter = (size: number) => warnings(all, { input: { task: 'segmentation', size } });
    assert.equal(segmenter(81).get('small-pictures')?.count, 20);
    assert.equal(segmenter(80).has('small-pictures'), false);
  });

  test('tell of each thing that is not learned from as it stands, once and with its pictures', () => {
    const dropped: Dropped = {
      noArea: ['a.jpg', 'a.jpg', 'b.jpg'],
      outside: ['c.jpg'],
      repeated: ['d.jpg'],
      noMask: ['e.jpg'],
      unusedMask: ['f.jpg'],
      unmarked: ['g.jpg'],
      relabelled: ['h.jpg'],
    };
    const found = warnings(pictures(20, both), { dropped });
    assert.deepEqual(
      [...found.values()].map(({ message }) => message),
      [
        '3 boxes have no area and are left out, such as in a.jpg.',
        'One box lies outside of its picture and is left out, such as in c.jpg.',
        'One object is marked more than once at the same place and counts once, such as in d.jpg.',
        'One object has a box and no mask, such as in e.jpg, so nothing is learned of what lies in it.',
        'One object has a mask, such as in f.jpg, but others have none, so the model learns boxes alone.',
        'One picture is left out, in which no pixel is marked, such as g.jpg.',
        'One picture is left out, whose label by a person is none of what is marked there, such as h.jpg.',
      ],
    );
    assert.deepEqual([found.get('no-area')?.count, found.get('no-area')?.paths], [3, ['a.jpg', 'b.jpg']]);
  });
});
