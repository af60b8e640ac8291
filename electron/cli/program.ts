import { Command } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { addCalibrateCommand } from './calibrate.ts';
import { addDevicesCommand } from './devices.ts';
import { addEvaluateCommand } from './evaluate.ts';
import { addEstimateCommand } from './estimate.ts';
import { addExplainCommand } from './explain.ts';
import { addExportCommand } from './export.ts';
import { addLabelsCommands } from './labels.ts';
import { addLibraryCommands } from './library.ts';
import { addModelsCommands } from './models.ts';
import { addQueueCommands } from './queue.ts';
import { addRunCommands } from './run.ts';
import { addRunsCommands } from './runs.ts';
import { exitCodes } from './exit.ts';
import { addServeCommand } from './serve.ts';
import { addSortCommands } from './sort.ts';
import { addTrainCommands } from './train.ts';
import { print, tell } from './terminal.ts';

/** All commands of `winnow`. `finish` hears with which exit code a command ends that did not throw. */
export function commandLine(finish: (code: number) => void): Command {
  const program = new Command('winnow')
    .description('Labels folders of images offline with Dynamic Vision Mamba')
    .version(packageJson.version)
    .addHelpText(
      'after',
      `\nExit codes: ${exitCodes()
        .map(([code, meaning]) => `${code} ${meaning}`)
        .join('; ')}`,
    )
    .configureOutput({
      writeOut: print,
      writeErr: tell,
      outputError: (text) => tell(text.replace(/^error: /, 'winnow: ')),
    })
    .exitOverride();
  addRunCommands(program, finish);
  addRunsCommands(program);
  addQueueCommands(program, finish);
  addEstimateCommand(program);
  addExplainCommand(program);
  addExportCommand(program, finish);
  addSortCommands(program, finish);
  addEvaluateCommand(program, finish);
  addTrainCommands(program, finish);
  addLabelsCommands(program);
  addCalibrateCommand(program);
  addModelsCommands(program);
  addDevicesCommand(program);
  addLibraryCommands(program, finish);
  addServeCommand(program);
  return program;
}
