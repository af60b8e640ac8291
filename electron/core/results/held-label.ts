import type { ClassProbability } from '../../shared/engine-api.ts';
import { shownScore } from '../../shared/found-score.ts';
import type { Task } from '../../shared/model-package.ts';
import type { RunSpec } from '../../shared/run.ts';
import type { ResultRow } from '../store/tables/results.ts';
import { TASKS } from '../../shared/tasks.ts';

/** Where a label comes from: the model; a person who gave another; a person who confirmed the model's. */
export type LabelSource = 'model' | 'person' | 'verified';

/** What an image is called. */
export interface HeldLabel {
  /**
   * What holds: the person's label, else the model's; '' where nothing is in the image, undefined where nobody has looked.
   */
  label: string | undefined;
  predicted: string | undefined; // the model's
  confidence: number | undefined; // the model's in `predicted`; undefined where it found nothing
  source: LabelSource | undefined; // undefined without a label
}

/** The score below which what a model of the task found counts as not found; only detections have one. `wanted`: 0 to 1; `spec`: of the run. */
export function leastScore(task: Task, wanted: number | undefined, spec: Pick<RunSpec, 'find'>): number {
  return TASKS[task].hasScores ? (wanted ?? shownScore(spec)) : 0;
}

/** The best classes of an image, as far as they count at a threshold; none of a blank image. */
export function foundClasses(top: readonly ClassProbability[], minScore: number): ClassProbability[] {
  return top.filter(({ confidence }) => confidence >= minScore);
}

/**
 * The label of a result at a threshold (see leastScore). `names`: of the model's classes, as they are shown. This is the one
 * place that says so for rows; in SQL it is result-filter.ts.
 */
export function heldLabel(
  { top, status, humanLabel }: Pick<ResultRow, 'top' | 'status' | 'humanLabel'>,
  names: readonly string[],
  minScore: number,
): HeldLabel {
  const [best] = foundClasses(top, minScore);
  const predicted = best === undefined ? (status === 'ok' ? '' : undefined) : (names[best.classIndex] ?? '');
  const own = humanLabel === predicted ? 'verified' : 'person';
  return {
    label: humanLabel ?? predicted,
    predicted,
    confidence: best?.confidence,
    source: humanLabel !== undefined ? own : predicted === undefined ? undefined : 'model',
  };
}
