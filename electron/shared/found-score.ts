import type { RunSpec } from './run.ts';

/** Detections below this count as not found where nobody says otherwise; an image without any above it is blank. */
export const SHOWN_SCORE = 0.5;

/**
 * The same of one run: where boxes were labelled, each of them was found already, whatever the two scores make together; where
 * another tool says from which score on its boxes count, that holds.
 */
export function shownScore({ find, imported }: Pick<RunSpec, 'find' | 'imported'>): number {
  return find === undefined ? (imported?.shownScore ?? SHOWN_SCORE) : 0;
}
