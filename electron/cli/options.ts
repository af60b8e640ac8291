import { InvalidArgumentError, Option } from 'commander';
import type { Command } from 'commander';
import { PRECISIONS } from '../shared/run.ts';
import type { Precision } from '../shared/run.ts';

/** Options of every command that predicts. */
export interface DialOptions {
  model?: string;
  preset?: 'fast' | 'balanced' | 'accurate';
  tokenKeep?: string;
  blockThreshold?: number;
  precision?: Precision;
  inputSize?: number;
  minScore?: number;
  nmsIou?: number;
  maxDetections?: number;
  slideStride?: number;
  device?: string;
  threads?: number;
  batch?: number;
}

/** Those of a command that looks at one picture. */
export type LookOptions = Pick<DialOptions, 'model' | 'preset' | 'tokenKeep' | 'blockThreshold'>;

export interface LibraryOption {
  library?: string;
}

/** A decimal number; its range is checked where it is used. */
export function number(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isFinite(value)) throw new InvalidArgumentError('Expected a number.');
  return value;
}

/** Numbers with commas between. */
export function numbers(text: string): number[] {
  return text.split(',').map(number);
}

export function addLibraryOption(command: Command): Command {
  return command.option('--library <file>', "SQLite library (default: in the user's data folder)");
}

export function addThreadsOption(command: Command): Command {
  return command.option(
    '--threads <n>',
    'threads of the engine (default: as set, else one per core)',
    number,
  );
}

export function addModelOption(command: Command): Command {
  return command.option(
    '--model <name|file>',
    'model package (default: everyday10, which comes with Winnow)',
  );
}

export function addDeviceOption(command: Command): Command {
  return command.option(
    '--device <name>',
    'auto, a name that `winnow devices` lists, or cuda for all of them',
  );
}

export function addWorkOptions(command: Command): Command {
  return addThreadsOption(addLibraryOption(command)).option(
    '--batch <n>',
    'images that are predicted and saved together',
    number,
  );
}

/** How much a classifier looks at. */
export function addLookOptions(command: Command): Command {
  return addModelOption(command)
    .addOption(
      new Option('--preset <name>', 'speed or accuracy (default: balanced)').choices([
        'fast',
        'balanced',
        'accurate',
      ]),
    )
    .option('--token-keep <r>', 'share of patches kept: r for r, r^2, r^3, or one per stage with commas')
    .option('--block-threshold <t>', 'a scan direction runs where its probability is above this', number);
}

export function addDialOptions(command: Command): Command {
  const dial = addLookOptions(command)
    .addOption(
      new Option('--precision <name>', 'of the matrix products, where the device computes in it').choices(
        PRECISIONS,
      ),
    )
    .option(
      '--input-size <pixels>',
      'of segmentation and detection: what pictures are seen at, a multiple of 32 (default: as trained)',
      number,
    )
    .option('--min-score <x>', 'of detection: the smallest score that is kept (default: 0.05)', number)
    .option('--nms-iou <x>', 'of detection: the most that boxes of a class overlap (default: 0.5)', number)
    .option('--max-detections <n>', 'of detection: objects per image (default: 100)', number)
    .option('--slide-stride <pixels>', 'of segmentation: between two windows (default: as trained)', number);
  return addWorkOptions(addDeviceOption(dial));
}

export function addOutputOptions(command: Command): Command {
  return addForceOption(
    command
      .option('--csv <file>', 'write the results as CSV when done; - writes to standard output')
      .option('--json <file>', 'write the results as JSON when done; - writes to standard output'),
  );
}

export function addForceOption(command: Command): Command {
  return command.option('--force', 'replace a file that is there already');
}
