import type { AppArguments } from '../../../electron/shared/app-api.ts';
import type { CalibratedPreset } from '../../../electron/shared/calibration.ts';
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
  preset: CalibratedPreset | null; // of a model that finds
  inputSize: number | null; // of a model that finds, in pixels
}

export const NOTHING_FIRST: FindFirst = {
  source: '',
  above: null,
  margin: null,
  rule: 'best',
  pass: '',
  preset: null,
  inputSize: null,
};

type FindArguments = NonNullable<AppArguments<'queueRun'>['find']>;

/** The name of the model that finds; undefined where it is a run, or nothing. */
export function finderName({ source }: Pick<FindFirst, 'source'>): string | undefined {
  return source.startsWith('model:') ? source.slice('model:'.length) : undefined;
}

/** The form as an argument of a run; undefined while nothing is chosen. */
export function findArguments(form: FindFirst): FindArguments | undefined {
  const { source, above, margin, rule, pass, preset } = form;
  if (source === '') return undefined;
  const model = finderName(form);
  const from =
    model === undefined
      ? { runId: Number(source.slice('run:'.length)) }
      : { model, ...(preset !== null && { preset }) };
  return {
    ...from,
    rule,
    ...(typeof above === 'number' && { above }),
    ...(typeof margin === 'number' && { margin }),
    ...(pass.trim() !== '' && { pass: kindsOf(pass) }),
  };
}

/** The size that what finds sees pictures at, as an argument of a run, where it is chosen. */
export function finderSize(form: FindFirst): Pick<AppArguments<'queueRun'>, 'inputSize'> {
  const { inputSize } = form;
  return finderName(form) !== undefined && typeof inputSize === 'number' ? { inputSize } : {};
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
