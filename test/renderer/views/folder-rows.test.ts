import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { FacetFolder } from '../../../electron/shared/api/results.ts';
import { shownRows, treeStep } from '../../../renderer/views/results/folder-rows.ts';

/** A row of the tree: `+` is open, `-` has folders and is not, ` ` has none. */
function folder(path: string, sign: '+' | '-' | ' ' = ' ', folderId = 1): FacetFolder {
  const names = path === '' ? [] : path.split('/');
  return {
    folderId,
    path,
    name: names.at(-1) ?? 'root',
    depth: names.length,
    images: 1,
    isOpen: sign === '+',
    hasFolders: sign !== ' ',
  };
}

const tree = [
  folder('', '+'),
  folder('a', '+'),
  folder('a/x', '-'),
  folder('a/y'),
  folder('b', '+'),
  folder('b/x'),
  folder('', '-', 2),
];
const NONE = new Set<string>();

suite('the rows of the tree of folders', () => {
  test('what lies in a closed folder is not seen, at any depth', () => {
    const paths = (closed: string[]) => shownRows(tree, new Set(closed)).map(({ key }) => key);
    assert.deepEqual(paths([]), ['1/', '1/a', '1/a/x', '1/a/y', '1/b', '1/b/x', '2/']);
    assert.deepEqual(paths(['1/a']), ['1/', '1/a', '1/b', '1/b/x', '2/']);
    assert.deepEqual(paths(['1/', '1/a']), ['1/', '2/']);
    assert.equal(shownRows(tree, new Set(['1/a']))[1]?.isOpen, false);
  });

  test('each has its place among the folders beside it', () => {
    const counted = shownRows(tree, NONE).map(({ position, siblings }) => `${position} of ${siblings}`);
    assert.deepEqual(counted, ['1 of 2', '1 of 2', '1 of 2', '2 of 2', '2 of 2', '1 of 1', '2 of 2']);
  });

  test('arrows move, open, close and go to the parent, Home and End to the ends', () => {
    const rows = shownRows(tree, NONE);
    const steps = (index: number) =>
      ['ArrowDown', 'ArrowUp', 'ArrowRight', 'ArrowLeft'].map((key) => treeStep(rows, index, key));
    assert.deepEqual(steps(0), [{ to: 1 }, { to: 0 }, { to: 1 }, { open: false }]);
    assert.deepEqual(steps(2), [{ to: 3 }, { to: 1 }, { open: true }, { to: 1 }]);
    assert.deepEqual(steps(3), [{ to: 4 }, { to: 2 }, { to: 3 }, { to: 1 }]);
    assert.deepEqual(steps(6), [{ to: 6 }, { to: 5 }, { open: true }, { to: 6 }]);
    assert.deepEqual(treeStep(rows, 3, 'Home'), { to: 0 });
    assert.deepEqual(treeStep(rows, 3, 'End'), { to: 6 });
    assert.equal(treeStep(rows, 3, 'a'), undefined);
  });
});
