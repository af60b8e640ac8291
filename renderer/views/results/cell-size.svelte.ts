import { CELL_SIZES } from './grid-layout.ts';
import type { CellSize } from './grid-layout.ts';

const KEY = 'winnow.cell-size';

/** Size of thumbnails, kept in the window's local storage. */
class ChosenSize {
  current: CellSize = $state(read());

  set(size: CellSize): void {
    this.current = size;
    localStorage.setItem(KEY, size);
  }
}

function read(): CellSize {
  const stored = localStorage.getItem(KEY);
  return stored !== null && stored in CELL_SIZES ? (stored as CellSize) : 'medium';
}

export const cellSize = new ChosenSize();
