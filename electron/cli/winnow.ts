#!/usr/bin/env node
import { CommanderError } from 'commander';
import { EXIT, exitCodeOf, reportError } from './exit.ts';
import { commandLine } from './program.ts';
import { rawOutput } from './terminal.ts';

/** Runs the command line and returns the exit code. */
async function main(args: string[]): Promise<number> {
  let exitCode: number = EXIT.done;
  const program = commandLine((code) => (exitCode = code));
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
