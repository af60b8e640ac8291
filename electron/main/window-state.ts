import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Rectangle } from 'electron';
import { z } from 'zod';
import { PRIVATE_FOLDER } from '../core/files/private.ts';

const coordinate = z.int();
const stateSchema = z.object({
  x: coordinate,
  y: coordinate,
  width: coordinate.min(1),
  height: coordinate.min(1),
  maximized: z.boolean(),
});

/** Where the window was: its place when it is not maximized, in pixels of the desktop. */
export type WindowState = z.infer<typeof stateSchema>;

export const SMALLEST = { width: 900, height: 600 };
const FIRST = { width: 1360, height: 860 };
const GRIP = 100; // pixels of the window's top edge that must be on a screen, so that it can be moved

/** Where to open the window: where it was, unless that is on no screen now. */
export function restoredState(path: string, screens: readonly Rectangle[]): Partial<WindowState> {
  const state = read(path);
  if (state === undefined) return FIRST;
  const isReachable = screens.some((screen) => {
    const across = Math.min(state.x + state.width, screen.x + screen.width) - Math.max(state.x, screen.x);
    return across >= GRIP && state.y >= screen.y && state.y <= screen.y + screen.height - GRIP;
  });
  const { width, height, maximized } = state;
  return isReachable ? state : { width, height, maximized };
}

/** Throws what the disk throws. */
export function saveState(path: string, state: WindowState): void {
  mkdirSync(dirname(path), PRIVATE_FOLDER);
  writeFileSync(path, JSON.stringify(state));
}

/** The state that was kept; undefined when there is none or it is damaged, which costs nothing but a place. */
function read(path: string): WindowState | undefined {
  try {
    return stateSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}
