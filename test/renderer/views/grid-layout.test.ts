import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  CELL_SIZES,
  GAP,
  keepPlace,
  layoutGrid,
  moveInGrid,
  overlap,
} from '../../../renderer/views/results/grid-layout.ts';
import type { CellSize } from '../../../renderer/views/results/grid-layout.ts';

suite('the layout of thumbnails', () => {
  test('cells fill the width with less than a cell to spare, and are never larger than their size', () => {
    for (const size of Object.keys(CELL_SIZES) as CellSize[]) {
      for (const width of [60, 101, 320, 777, 1200, 1923, 3840]) {
        const { columns, cell } = layoutGrid({ width, size, count: 5000 });
        const used = columns * cell + (columns - 1) * GAP;
        assert.ok(used <= width, `${size} at ${width}: ${used} fits`);
        assert.ok(
          width - used < columns,
          `${size} at ${width}: ${width - used} pixels are left of ${columns} columns`,
        );
        assert.ok(cell <= CELL_SIZES[size]);
      }
    }
  });

  test('there is a row for every image, also before the width is known', () => {
    const { columns, rows } = layoutGrid({ width: 1000, size: 'medium', count: 100_001 });
    assert.ok(columns * rows >= 100_001 && columns * (rows - 1) < 100_001);
    assert.equal(layoutGrid({ width: 0, size: 'medium', count: 3 }).columns, 1);
    assert.equal(layoutGrid({ width: 1000, size: 'medium', count: 0 }).rows, 0);
  });
});

suite('keys in the grid', () => {
  // Four columns, ten images: rows of 4, 4 and 2.
  const grid = { columns: 4, count: 10, pageRows: 2 };
  const from = (index: number, key: string) => moveInGrid(key, index, grid);

  test('left and right go through the rows', () => {
    assert.equal(from(3, 'ArrowRight'), 4);
    assert.equal(from(4, 'k'), 3);
    assert.equal(from(0, 'ArrowLeft'), 0);
    assert.equal(from(9, 'j'), 9);
  });

  test('up and down keep the column where there is one', () => {
    assert.equal(from(1, 'ArrowDown'), 5);
    assert.equal(from(5, 'ArrowUp'), 1);
    assert.equal(from(2, 'ArrowUp'), 2, 'the first row has none above');
    assert.equal(from(7, 'ArrowDown'), 9, 'the last row is shorter');
    assert.equal(from(8, 'ArrowDown'), 8, 'the last row has none below');
  });

  test('pages and ends', () => {
    assert.equal(from(0, 'PageDown'), 8);
    assert.equal(from(9, 'PageUp'), 1);
    assert.equal(from(5, 'Home'), 0);
    assert.equal(from(5, 'End'), 9);
    assert.equal(from(5, 'Tab'), undefined);
  });

  test('a single column goes up and down, too', () => {
    assert.equal(moveInGrid('ArrowDown', 0, { columns: 1, count: 3, pageRows: 1 }), 1);
    assert.equal(moveInGrid('ArrowUp', 2, { columns: 1, count: 3, pageRows: 1 }), 1);
  });
});

suite('a list that changes', () => {
  test('how much of a screen stays', () => {
    assert.equal(overlap({ first: 0, end: 10 }, { first: 5, end: 15 }), 0.5);
    assert.equal(overlap({ first: 0, end: 10 }, { first: 500, end: 510 }), 0);
    assert.equal(overlap({ first: 0, end: 10 }, { first: 3, end: 3 }), 1);
  });

  test('an image keeps its place on the screen when others come before it', () => {
    const layout = { columns: 5, rowHeight: 100 };
    assert.equal(keepPlace(1030, { from: 50, to: 73 }, layout), 1430);
    assert.equal(keepPlace(30, { from: 0, to: 0 }, layout), 30);
    assert.equal(keepPlace(1030, { from: 50, to: -1 }, layout), undefined);
  });
});
