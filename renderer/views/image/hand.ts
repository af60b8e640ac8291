import type { Point } from './boxes.ts';

/** What the mouse does on a stage besides moving the picture. Points are in pixels of the picture. */
export interface Hand {
  /** The mouse cursor, as in CSS; undefined leaves it to the stage. */
  cursor: string | undefined;
  /** The button is pressed; true when the picture is not to move with it. `scale`: CSS pixels per pixel. */
  press(at: Point, scale: number): boolean;
  /** The mouse moves, with or without the button pressed. */
  move(at: Point, scale: number): void;
  release(at: Point): void;
  leave(): void;
}
