import type { ComparableRun, ImageDetails, ResultItem } from '../../../electron/shared/api/results.ts';
import type { Preset, Run } from '../../../electron/shared/run.ts';
import type { Formats } from '../../lib/text/format.ts';
import type { Translate } from '../../lib/text/messages.ts';
import { presetName } from '../../lib/text/preset-name.ts';

/** The name of the order by disagreement: "Fast and Accurate disagree", as far as the presets tell the runs apart. */
export function disagreementName(preset: Preset | undefined, other: Run | undefined, t: Translate): string {
  const [name, otherName] = [preset, other?.spec.preset].map((one) => one && presetName(one, t));
  if (name === undefined || otherName === undefined || name === otherName)
    return t('results.sort.disagreement-any');
  return t('results.sort.disagreement', { preset: name, other: otherName });
}

/** A run by its number and, where it is among those known, its preset. */
export function comparedName(runId: number, runs: readonly ComparableRun[], t: Translate): string {
  const known = runs.find(({ run }) => run.id === runId)?.run;
  if (known === undefined) return t('runs.name', { run: runId });
  return t('compare.run', { run: runId, preset: presetName(known.spec.preset, t) });
}

/** Why an image has its place in the order by margin; undefined where the model had no two classes to choose from. */
export function marginReason(
  { top }: Pick<ImageDetails, 'top'>,
  format: Pick<Formats, 'share'>,
  t: Translate,
): string | undefined {
  const [first, second] = top;
  if (first === undefined || second === undefined) return undefined;
  const margin = format.share(first.confidence - second.confidence);
  return t('results.reason.margin', { label: first.label, other: second.label, margin });
}

/** What a run predicted for an image. */
type Said = Pick<ResultItem, 'modelLabel' | 'confidence'>;

/**
 * Why an image has its place in the order by disagreement: what the other run, `name`, predicted; undefined for an image
 * without a prediction of this run.
 */
export function disagreementReason(
  { here, there, name }: { here: Said; there: Said | undefined; name: string },
  format: Pick<Formats, 'share'>,
  t: Translate,
): string | undefined {
  if (here.modelLabel === undefined) return undefined;
  if (there?.modelLabel === undefined) return t('results.reason.not-there', { name });
  if (there.modelLabel === '') return t('results.reason.nothing', { name });
  const share = format.share(there.confidence ?? 0);
  if (here.modelLabel !== there.modelLabel)
    return t('results.reason.other-label', { name, label: there.modelLabel, share });
  return t('results.reason.same', { name, share, own: format.share(here.confidence ?? 0) });
}
