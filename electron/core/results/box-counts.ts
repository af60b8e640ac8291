import type { FinderSays } from '../../shared/api/results.ts';
import type { RunSpec } from '../../shared/run.ts';
import type { StoredDetection } from '../store/tables/found.ts';
import type { ResultRow } from '../store/tables/results.ts';
import type { HeldLabel } from './held-label.ts';

/** What an image without boxes is called where boxes are labelled: a class of its own. */
export const BLANK = 'blank';

/** How many boxes of an image have a label. */
export interface LabelAmount {
  label: string;
  count: number;
}

/**
 * The labels of an image's boxes, most frequent first and of equally many the one with the better box: a person's boxes where
 * there are any, else those of at least `minScore`. `found`: best first; `names`: of the run's classes, as they are shown.
 */
export function countBoxes(
  { humanBoxes }: Pick<ResultRow, 'humanBoxes'>,
  found: readonly StoredDetection[],
  names: readonly string[],
  minScore: number,
): LabelAmount[] {
  const labels =
    humanBoxes?.map(({ label }) => label) ??
    found.filter(({ score }) => score >= minScore).map(({ classIndex }) => names[classIndex] ?? '');
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const amounts = [...counts].map(([label, count]) => ({ label, count }));
  return amounts.sort((one, other) => other.count - one.count); // stable
}

/** The amounts in one text: `deer 3; fox 1`. */
export function amountsText(amounts: readonly LabelAmount[]): string {
  return amounts.map(({ label, count }) => `${label} ${count}`).join('; ');
}

/**
 * What an image is called outside of the window: of a run that finds first a blank one is called so, and with the rule `all` an
 * image that nobody has named has all labels of its boxes. '' of a blank image of another run.
 */
export function calledLabel(
  { label, source }: Pick<HeldLabel, 'label' | 'source'>,
  { find }: Pick<RunSpec, 'find'>,
  amounts: readonly LabelAmount[] | undefined,
): string | undefined {
  if (find === undefined || label === undefined) return label;
  if (label === '') return BLANK;
  return find.rule === 'all' && source === 'model' && amounts !== undefined ? amountsText(amounts) : label;
}

/** What the finder said of a box; undefined where one model says all. `kinds`: the finder's, as they are shown. */
export function finderSays(
  { scores }: Pick<StoredDetection, 'scores'>,
  kinds: readonly string[] = [],
): FinderSays | undefined {
  return scores && { label: kinds[scores.classIndex] ?? '', score: scores.found, labelScore: scores.label };
}
