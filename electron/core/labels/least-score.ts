import type { LabelRequest } from '../../shared/api/labels.ts';
import { SHOWN_SCORE } from '../../shared/found-score.ts';
import type { Staging } from './staging.ts';

/**
 * The smallest score of boxes that come in, the finder's where there are two. Where nobody says one, a run of one model keeps
 * every box, as our own do, and shows those from the score on that the file states; of reviews, and of boxes that a second
 * model labelled, those below it are left out.
 */
export function leastScore({ minScore, purpose }: LabelRequest, { stages, shownScore }: Staging): number {
  if (minScore !== undefined) return minScore;
  if (purpose.kind === 'reviews') return shownScore ?? SHOWN_SCORE;
  return stages === undefined ? 0 : (shownScore ?? 0);
}

/** A sentence about the score that the file states, where it decides. */
export function scoreNotice({ minScore, purpose }: LabelRequest, { stages, shownScore }: Staging): string[] {
  if (minScore !== undefined || shownScore === undefined) return [];
  const areKept = purpose.kind === 'run' && stages === undefined;
  const rest = areKept
    ? 'the run keeps those below, and does not show them unasked'
    : 'those below are left out';
  return [`The file says that boxes count from a score of ${shownScore} on: ${rest}.`];
}
