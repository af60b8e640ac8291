import type { Command } from 'commander';
import { Option } from 'commander';
import type { AppArguments } from '../shared/app-api.ts';
import { LABEL_RULES } from '../shared/run.ts';
import type { LabelRule } from '../shared/run.ts';
import { AppError } from '../shared/errors.ts';
import { number } from './options.ts';
import { runNumber } from './runs.ts';
import { kindsOf } from '../shared/kinds.ts';

type FindArguments = NonNullable<AppArguments<'run'>['find']>;

/** Options of a run that finds first. */
export interface FindOptions {
  find?: string;
  findRun?: number;
  findPreset?: NonNullable<FindArguments['preset']>;
  findAbove?: number;
  margin?: number;
  labelRule?: LabelRule;
  pass?: string;
}

export function addFindOptions(command: Command): Command {
  return command
    .option('--find <name|file>', 'a detection model that finds first; --model labels each box')
    .option('--find-run <run>', 'or a run whose boxes are labelled, ours or imported', runNumber)
    .addOption(
      new Option('--find-preset <name>', 'speed or accuracy of what finds (default: balanced)').choices([
        'fast',
        'balanced',
        'accurate',
      ]),
    )
    .option('--find-above <x>', 'the smallest score of a box that is labelled (default: 0.2)', number)
    .option('--margin <x>', 'around a box that is cut out: a share of its longer side (default: 0.1)', number)
    .addOption(
      new Option(
        '--label-rule <rule>',
        "an image's label: its best box's, that of most boxes, or all with their counts (default: best)",
      ).choices(LABEL_RULES),
    )
    .option(
      '--pass <kinds>',
      "kinds that keep the finder's label, with commas; none for none (default: person, human, vehicle)",
    );
}

const OWN = ['find', 'findRun', 'findPreset', 'findAbove', 'margin', 'labelRule', 'pass'] as const;

/** Options without those of a run that finds first, and what is to be found. */
export function splitFind<Options extends FindOptions>(
  options: Options,
): Omit<Options, keyof FindOptions> & { find: FindArguments | undefined } {
  const others = { ...options };
  for (const name of OWN) Reflect.deleteProperty(others, name);
  return { ...others, find: findOf(options) };
}

/** What is to be found first; undefined where nothing is. Throws BAD_ARGUMENT for options that would mean nothing. */
function findOf(options: FindOptions): FindArguments | undefined {
  const {
    find: model,
    findRun: runId,
    findPreset: preset,
    findAbove: above,
    margin,
    labelRule: rule,
  } = options;
  const pass = options.pass === undefined ? undefined : kindsOf(options.pass);
  const how = { preset, above, margin, rule, pass };
  if (model !== undefined || runId !== undefined) return { model, runId, ...how };
  if (Object.values(how).every((value) => value === undefined)) return undefined;
  throw new AppError(
    'BAD_ARGUMENT',
    'Expected --find or --find-run beside options of what is found first',
    'Name a detection model, or a run that has boxes.',
  );
}
