import type { Command } from 'commander';
import type { DialPoint, RunEstimate } from '../shared/api/runs.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { count, duration, finePercent, percent, ratios } from './format.ts';
import { addDialOptions } from './options.ts';
import type { DialOptions, LibraryOption } from './options.ts';
import { print } from './terminal.ts';
import { isDense } from '../shared/tasks.ts';

/** `winnow estimate`. */
export function addEstimateCommand(program: Command): void {
  const command = program
    .command('estimate')
    .description('what a run would take, at every point of the dial')
    .argument('<folder...>', 'folders; their sub-folders are included');
  addDialOptions(command).action(
    async (folders: string[], { library, ...dial }: DialOptions & LibraryOption) => {
      print(describe(await withApp(library, (app) => app.estimateRun({ folders, ...dial }))));
    },
  );
}

function describe({ model, device, images, chosen, points, uncalibrated }: RunEstimate): string {
  const known =
    images === undefined || chosen.pending === undefined
      ? 'the folders were not scanned yet'
      : `${count(images, 'image')}, ${chosen.pending.toLocaleString('en')} to be labelled`;
  const all = points.includes(chosen) ? points : [chosen, ...points];
  const sizes = all.some(({ preset }) => preset.inputSize !== undefined);
  const rows = all.map((point) => [
    point === chosen ? '*' : '',
    ...describePoint(point, sizes ? model.manifest.imageSize : undefined),
  ]);
  const size = sizes ? ['SIZE'] : [];
  const heading = [
    '',
    'PRESET',
    'KEEP',
    'THRESHOLD',
    'PRECISION',
    ...size,
    'WORK',
    'IMAGES/S',
    'AGREEMENT',
    'TIME',
  ];
  const notes = [
    ...(points.length > 1 ? [] : [`${noChoice(model)}\n`]),
    ...(uncalibrated === undefined ? [] : [`Speeds are not known: ${uncalibrated}.\n`]),
  ];
  return [`${model.name} on ${device}; ${known}\n\n`, table([heading, ...rows]), ...notes].join('');
}

/** Why all presets are one. */
function noChoice({ name, manifest }: RunEstimate['model']): string {
  if (manifest.tokenKeep.length > 0)
    return 'There is nothing to choose: fast, balanced and accurate are the same setting.';
  return isDense(manifest)
    ? `There is nothing to choose but the size: ${name} leaves out no patches, and --input-size sets what it sees pictures at.`
    : `There is nothing to choose: ${name} leaves out no patches, so fast, balanced and accurate are the same.`;
}

/** `imageSize`: the trained one, where some points have another. */
function describePoint(
  { preset, names, workShare, expected, seconds }: DialPoint,
  imageSize: number | undefined,
): string[] {
  const size = imageSize === undefined ? [] : [String(preset.inputSize ?? imageSize)];
  return [
    names.join(', '),
    ratios(preset.tokenKeep),
    String(preset.blockThreshold),
    preset.precision,
    ...size,
    percent(workShare),
    expected === undefined ? '-' : expected.imagesPerSecond.toFixed(1),
    expected === undefined ? '-' : finePercent(expected.agreement),
    seconds === undefined ? '-' : duration(seconds),
  ];
}
