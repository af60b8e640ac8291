import type { Command } from 'commander';
import type { Calibration, CalibrationPoint, CalibrationReport } from '../shared/calibration.ts';
import type { Task } from '../shared/model-package.ts';
import { table } from '../shared/table.ts';
import { withApp } from './app.ts';
import { count, finePercent, oneLine, points, quantity, ratios } from './format.ts';
import { watchCalibration } from './interrupt.ts';
import { addDeviceOption, addLibraryOption, addModelOption, addThreadsOption } from './options.ts';
import type { DialOptions, LibraryOption } from './options.ts';
import { print } from './terminal.ts';
import { TASKS } from '../shared/tasks.ts';

type CalibrateOptions = Pick<DialOptions, 'model' | 'device' | 'threads'> &
  LibraryOption & { images?: string };

/** `winnow calibrate`. */
export function addCalibrateCommand(program: Command): void {
  const command = program
    .command('calibrate')
    .description('measure speed and agreement of a model on this machine, and choose the presets from that');
  addModelOption(command).option(
    '--images <folder>',
    'images to measure with; sub-folders named like classes give accuracy (default: images of earlier runs)',
  );
  addLibraryOption(addThreadsOption(addDeviceOption(command)));
  command.action(async ({ library, ...options }: CalibrateOptions) => {
    const report = await withApp(library, (app) => watchCalibration(app, () => app.calibrate(options)));
    print(describe(report));
  });
}

function describe(report: CalibrationReport): string {
  const { calibration, presets, failed, modelName } = report;
  const { device, threads, images, population, folder } = calibration;
  const named = (point: CalibrationPoint) =>
    Object.entries(presets)
      .filter(([, chosen]) => chosen === point)
      .map(([name]) => name)
      .join(', ');
  const rows = calibration.points.map((point) => [...describePoint(point, calibration), named(point)]);
  const size = TASKS[calibration.task].isDense ? ['PIXELS'] : [];
  const heading = [
    'KEEP',
    'THRESHOLD',
    'PRECISION',
    ...size,
    'IMAGES/S',
    'FLOPS',
    'BLOCKS',
    AGREEMENT[calibration.task],
  ];
  const accuracy = calibration.labelled > 0 ? ['TOP-1', 'LOSS'] : [];
  const from = folder === undefined ? 'of earlier runs' : `in ${oneLine(folder)}`;
  return [
    `${modelName} on ${device}, ${count(threads, 'thread')}; ${count(images, 'image')} of ${population.toLocaleString('en')} ${from}`,
    ...(failed > 0
      ? [`${count(failed, 'image')} could not be read and ${failed === 1 ? 'is' : 'are'} left out`]
      : []),
    '',
    table([[...heading, ...accuracy, 'PRESET'], ...rows]),
    ...(calibration.points.length > 1
      ? (['balanced', 'fast'] as const).map((name) => describePreset(name, report))
      : [
          `There is nothing to choose: ${modelName} leaves out no patches, and ${device} computes in one precision.`,
        ]),
    '',
  ].join('\n');
}

/** What agreement with Accurate is counted in. */
const AGREEMENT: Record<Task, string> = {
  classification: 'AGREEMENT',
  segmentation: 'AGREEMENT (MIOU)',
  detection: 'AGREEMENT (AP50)',
};

function describePoint(point: CalibrationPoint, { task, images, labelled }: Calibration): string[] {
  const { tokenKeep, blockThreshold, precision, inputSize, imagesPerSecond, flops, blockKeep } = point;
  const size = TASKS[task].isDense ? [inputSize === undefined ? 'trained' : String(inputSize)] : [];
  const accuracy = [finePercent(point.right / labelled), points((point.lost - point.gained) / labelled)];
  return [
    ratios(tokenKeep),
    String(blockThreshold),
    precision,
    ...size,
    imagesPerSecond.toFixed(1),
    quantity(flops),
    blockKeep.toFixed(3),
    finePercent(point.agreeing / images),
    ...(labelled > 0 ? accuracy : []),
  ];
}

function describePreset(name: 'balanced' | 'fast', { presets }: CalibrationReport): string {
  const [point, { imagesPerSecond }] = [presets[name], presets.accurate];
  if (point === presets.accurate) return `${name} is accurate: no faster point keeps enough of its labels.`;
  return `${name} is ${(point.imagesPerSecond / imagesPerSecond).toFixed(2)} times as fast as accurate.`;
}
