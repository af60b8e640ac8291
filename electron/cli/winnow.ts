import { Command, CommanderError } from 'commander';
import packageJson from '../../package.json' with { type: 'json' };
import { addCalibrateCommand } from './calibrate.ts';
import { addDevicesCommand } from './devices.ts';
import { addEvaluateCommand } from './evaluate.ts';
import { addEstimateCommand } from './estimate.ts';
import { EXIT, exitCodeOf, reportError } from './exit.ts';
import { addExportCommand } from './export.ts';
import { addLibraryCommands } from './library.ts';
import { addModelsCommands } from './models.ts';
import { addQueueCommands } from './queue.ts';
import { addRunCommands } from './run.ts';
import { addRunsCommands } from './runs.ts';
import { addServeCommand } from './serve.ts';
import { addSortCommands } from './sort.ts';
import { print, rawOutput, tell } from './terminal.ts';
import { addTrainCommands } from './train.ts';

/** Runs the command line and returns the exit code. */
async function main(args: string[]): Promise<number> {
  const program = new Command('winnow')
    .description('Labels folders of images offline with Dynamic Vision Mamba')
    .version(packageJson.version)
    .addHelpText(
      'after',
      '\nExit codes: 0 done, 1 failed or interrupted, 2 bad arguments, 3 done but some images failed',
    )
    .configureOutput({
      ...{ writeOut: print, writeErr: tell },
      outputError: (text) => tell(text.replace(/^error: /, 'winnow: ')),
    })
    .exitOverride();
  let exitCode: number = EXIT.done;
  const finish = (code: number) => (exitCode = code);
  addRunCommands(program, finish);
  addRunsCommands(program);
  addQueueCommands(program, finish);
  addEstimateCommand(program);
  addExportCommand(program, finish);
  addSortCommands(program, finish);
  addEvaluateCommand(program, finish);
  addTrainCommands(program, finish);
  addCalibrateCommand(program);
  addModelsCommands(program);
  addDevicesCommand(program);
  addLibraryCommands(program, finish);
  addServeCommand(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has already said what is wrong with the arguments, or printed the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.badArguments;
    reportError(error);
    return exitCodeOf(error);
  }
}

// A reader such as `head` may close the pipe early; that is no failure.
rawOutput().on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  throw error;
});

process.exitCode = await main(process.argv.slice(2));
