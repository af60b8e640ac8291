import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  inspectMarked,
  withoutMarkedClass,
} from '../../../../../electron/core/training/pictures/inspect-marked.ts';
import type {
  Dropped,
  MarkedFile,
  MarkedObject,
  MarkedSet,
} from '../../../../../electron/core/training/pictures/marked-run.ts';
import { writeFiles } from '../../../support/files.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';
import { TrainerDouble } from '../../../support/trainer-double.ts';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

const NONE: Dropped = {
  noArea: [],
  outside: [],
  repeated: [],
  noMask: [],
  unusedMask: [],
  unmarked: [],
  relabelled: [],
};
const object = (className: string): MarkedObject => ({ className, box: { x: 0, y: 0, width: 4, height: 4 } });

/** Files that the double reads as 48 x 40 pixels: their sizes when they were marked, and the classes of their objects. */
function setOf(
  t: TestContext,
  files: Record<string, { size?: [number, number]; classes: string[] }>,
): MarkedSet {
  const folder = temporaryFolder(t);
  writeFiles(folder, Object.fromEntries(Object.keys(files).map((name) => [name, name])));
  const marked = Object.entries(files).map(([name, { size, classes }]): MarkedFile => {
    const [width, height] = size ?? [0, 0];
    return {
      path: join(folder, name),
      relativePath: name,
      fileSize: 1,
      modifiedMs: 1,
      size: size && { width, height },
      objects: classes.map(object),
    };
  });
  const unreadable = [{ relativePath: 'gone.jpg', error: 'the file is not there any more' }];
  return { task: 'segmentation' as const, source: 'run 1', files: marked, unreadable, dropped: NONE };
}

function inspect(set: MarkedSet, signal = new AbortController().signal) {
  const progress: [number, number][] = [];
  const onProgress = (done: number, total: number) => progress.push([done, total]);
  const options = { resize: 64, isSampled: true, mayKeep: () => false, signal, onProgress };
  const inspected = inspectMarked(new TrainerDouble(), set, options);
  return { inspected, progress };
}

suite('marked pictures are read before training', () => {
  test('and left out where they cannot be read, or have another size than when they were marked', async (t) => {
    const set = setOf(t, {
      'a.jpg': { size: [48, 40], classes: ['cat'] },
      'b.jpg': { classes: [] },
      'bad.jpg': { size: [48, 40], classes: ['cat'] },
      'c.jpg': { size: [48, 41], classes: ['cat'] },
      'd.jpg': { size: [40, 48], classes: [] },
    });
    const { inspected, progress } = inspect(set);
    const { pictures, unreadable, otherSize } = await inspected;
    assert.deepEqual(
      pictures.map(({ relativePath, width, height, objects }) => [relativePath, width, height, objects]),
      [
        ['a.jpg', 48, 40, [object('cat')]],
        ['b.jpg', 48, 40, []],
      ],
    );
    assert.ok(pictures.every(({ sha256 }) => sha256.length === 64));
    assert.deepEqual(
      unreadable.map(({ relativePath }) => relativePath),
      ['gone.jpg', 'bad.jpg'],
    );
    assert.deepEqual(otherSize, [
      { relativePath: 'c.jpg', now: '48 x 40', then: '48 x 41' },
      { relativePath: 'd.jpg', now: '48 x 40', then: '40 x 48' },
    ]);
    assert.deepEqual(progress, [
      [0, 5],
      [5, 5],
    ]);
  });

  test('and refused where a class is left without any', async (t) => {
    const gone = setOf(t, {
      'a.jpg': { size: [48, 40], classes: ['cat'] },
      'bad.jpg': { size: [48, 40], classes: ['dog'] },
    });
    await assert.rejects(inspect(gone).inspected, {
      code: 'TOO_FEW_PICTURES',
      className: 'dog',
      message: 'Every class needs pictures that can be read, but none of dog can',
    });
    const other = setOf(t, {
      'a.jpg': { size: [48, 40], classes: ['cat'] },
      'b.jpg': { size: [96, 80], classes: ['dog', 'cat'] },
    });
    await assert.rejects(inspect(other).inspected, {
      code: 'TOO_FEW_PICTURES',
      className: 'dog',
      message: 'Every class needs pictures that have the size at which they were marked, but none of dog has',
    });
  });

  test('until somebody stops it', async (t) => {
    const set = setOf(t, { 'a.jpg': { size: [48, 40], classes: ['cat'] } });
    await assert.rejects(inspect(set, AbortSignal.abort()).inspected, { code: 'CANCELLED' });
  });
});

test('a class is left out of a set with what is marked as it', (t) => {
  const set = setOf(t, {
    'a.jpg': { classes: ['cat', 'dog', 'cat'] },
    'b.jpg': { classes: ['cat'] },
    'c.jpg': { classes: ['dog'] },
    'd.jpg': { classes: [] },
  });
  const left = (task: 'detection' | 'segmentation') => {
    const { set: rest, images } = withoutMarkedClass({ ...set, task }, 'cat');
    return [
      images,
      rest.files.map(({ relativePath, objects }) => [relativePath, ...objects.map((one) => one.className)]),
    ];
  };
  assert.deepEqual(left('detection'), [2, [['a.jpg', 'dog'], ['b.jpg'], ['c.jpg', 'dog'], ['d.jpg']]]);
  assert.deepEqual(left('segmentation'), [2, [['a.jpg', 'dog'], ['c.jpg', 'dog'], ['d.jpg']]]);
  assert.equal(set.files[0]?.objects.length, 3);
});
