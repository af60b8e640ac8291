import type { AppArguments } from '../../../electron/shared/app-api.ts';
import { kindsOf } from '../../../electron/shared/kinds.ts';
import type { Run } from '../../../electron/shared/run.ts';
import type { LabelRule } from '../../../electron/shared/run.ts';
import { TASKS } from '../../../electron/shared/tasks.ts';
import { taskOf } from '../../lib/runs/task.ts';

/** What is found before it is labelled, as the form has it; null leaves a number to the default. */
export interface FindFirst {
  /** `model:<name>` or `run:<number>`; '' while nothing is chosen. */
  source: string;
  above: number | null; // smallest score of a box, 0 to 1
  margin: number | null; // share of a box's longer side
  rule: LabelRule;
  pass: string; // kinds that keep the finder's label, with commas; '' leaves them to the default, none is none
}

export const NOTHING_FIRST: FindFirst = { source: '', above: null, margin: null, rule: 'best', pass: '' };

type FindArguments = NonNullable<AppArguments<'queueRun'>['find']>;

/** The form as an argument of a run; undefined while nothing is chosen. */
export function findArguments({ source, above, margin, rule, pass }: FindFirst): FindArguments | undefined {
  const [kind = '', ...rest] = source.split(':');
  const name = rest.join(':');
  if (name === '') return undefined;
  const from = kind === 'run' ? { runId: Number(name) } : { model: name };
  return {
    ...from,
    rule,
    ...(typeof above === 'number' && { above }),
    ...(typeof margin === 'number' && { margin }),
    ...(pass.trim() !== '' && { pass: kindsOf(pass) }),
  };
}

/** Runs on just these folders that have boxes. */
export function runsWithBoxes(runs: readonly Run[], folders: readonly string[]): Run[] {
  return runs.filter(
    ({ spec, counts }) =>
      TASKS[taskOf(spec)].hasScores &&
      (spec.find === undefined || spec.imported !== undefined) &&
      counts.ok > 0 &&
      spec.folders.length === folders.length &&
      spec.folders.every((path) => folders.includes(path)),
  );
}
