import type { RunSpec } from './run.ts';

/** Detections below this count as not found where nobody says otherwise; an image without any above it is blank. */
export const SHOWN_SCORE = 0.5;

/** The same of one run: where boxes were labelled, each of them was found already, whatever the two scores make together. */
export function shownScore({ find }: Pick<RunSpec, 'find'>): number {
  return find === undefined ? SHOWN_SCORE : 0;
}
