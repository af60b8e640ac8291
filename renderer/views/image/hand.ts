import type { Point } from './boxes.ts';

/** What the mouse does on a stage besides moving the picture. Points are pixels of the picture. */
export interface Hand {
  /** Of the mouse, as CSS names it; undefined leaves it to the stage. */
  cursor: string | undefined;
  /** The button goes down; true when what follows is not to move the picture. `scale`: CSS pixels per pixel. */
  press(at: Point, scale: number): boolean;
  /** The mouse moves, with the button down or not. */
  move(at: Point, scale: number): void;
  release(at: Point): void;
  leave(): void;
}
