import type { Box } from '../../../electron/shared/engine-api.ts';
import { boxBetween, hitBox, hitHandle, moveBox, resizeBox } from './boxes.ts';
import type { Handle, Point } from './boxes.ts';
import type { Found } from './found.svelte.ts';
import type { Hand } from './hand.ts';
import type { Size } from './zoom.ts';

const REACH = 7; // CSS pixels around a handle within which a press takes it
const SLOP = 3; // CSS pixels that the mouse may move in a click without moving a box

const CURSORS: Record<Handle, string> = {
  n: 'ns-resize',
  s: 'ns-resize',
  e: 'ew-resize',
  w: 'ew-resize',
  nw: 'nwse-resize',
  se: 'nwse-resize',
  ne: 'nesw-resize',
  sw: 'nesw-resize',
};

/** What is under way between a press and its release. */
type Grip = { kind: 'draw'; from: Point } | { kind: 'move' | Handle; from: Point; box: Box; moved: boolean };

/** The mouse on the boxes of a picture: selects, moves, resizes and draws them. */
export class BoxHand implements Hand {
  cursor: string | undefined = $state();
  readonly #found: Found;
  readonly #picture: () => Size;
  /** Called when a box was drawn, which needs a class then. */
  readonly #onDrawn: () => void;
  #grip: Grip | undefined;

  constructor(found: Found, picture: () => Size, onDrawn: () => void) {
    this.#found = found;
    this.#picture = picture;
    this.#onDrawn = onDrawn;
  }

  press(at: Point, scale: number): boolean {
    const found = this.#found;
    if (!found.isDetection) return false;
    if (found.isDrawing) {
      this.#grip = { kind: 'draw', from: at };
      found.draft = undefined;
      return true;
    }
    const { current } = found;
    const handle = current && hitHandle(current, at, REACH / scale);
    const index = handle === undefined ? this.#boxAt(at, scale) : found.selected;
    found.selected = index;
    const box = found.current;
    if (box === undefined) return false;
    this.#grip = { kind: handle ?? 'move', from: at, box, moved: false };
    return true;
  }

  move(at: Point, scale: number): void {
    const found = this.#found;
    if (!found.isDetection) return;
    const grip = this.#grip;
    if (grip === undefined) {
      this.#hover(at, scale);
    } else if (grip.kind === 'draw') {
      found.draft = boxBetween(grip.from, at, this.#picture());
    } else {
      const by = { x: at.x - grip.from.x, y: at.y - grip.from.y };
      grip.moved ||= Math.hypot(by.x, by.y) * scale > SLOP;
      if (!grip.moved) return;
      const picture = this.#picture();
      found.drag(
        grip.kind === 'move' ? moveBox(grip.box, by, picture) : resizeBox(grip.box, grip.kind, by, picture),
      );
    }
  }

  release(): void {
    const found = this.#found;
    const grip = this.#grip;
    this.#grip = undefined;
    if (grip === undefined) return;
    if (grip.kind !== 'draw') {
      if (grip.moved) found.drop();
      return;
    }
    if (found.draft === undefined) return; // a click: the next movement may draw
    found.place(found.draft);
    this.#onDrawn();
  }

  leave(): void {
    this.#found.hovered = undefined;
    this.cursor = undefined;
  }

  #hover(at: Point, scale: number): void {
    const found = this.#found;
    const handle = found.current && hitHandle(found.current, at, REACH / scale);
    found.hovered = this.#boxAt(at, scale);
    if (found.isDrawing) this.cursor = 'crosshair';
    else if (handle !== undefined) this.cursor = CURSORS[handle];
    else this.cursor = found.hovered === undefined ? undefined : 'move';
  }

  #boxAt(at: Point, scale: number): number | undefined {
    const boxes = this.#found.boxes.map((box) => ({ ...box, shown: this.#found.isShown(box) }));
    return hitBox(boxes, at, 2 / scale);
  }
}
