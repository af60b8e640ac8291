import { inspect } from 'node:util';
import { AppError } from '../shared/errors.ts';
import type { ErrorCode } from '../shared/errors.ts';
import type { Run } from '../shared/run.ts';
import { tell } from './terminal.ts';

export const EXIT = {
  done: 0,
  failed: 1,
  badArguments: 2,
  someImagesFailed: 3,
} as const;

/** What each exit code says; the help and the manual page are made of it. */
const EXIT_MEANINGS: Record<keyof typeof EXIT, string> = {
  done: 'done',
  failed: 'failed or interrupted',
  badArguments: 'bad arguments',
  someImagesFailed: 'done, but some images failed',
};

/** The codes with what they say, from 0 on. */
export function exitCodes(): [code: number, meaning: string][] {
  const names = Object.keys(EXIT) as (keyof typeof EXIT)[];
  return names.map((name) => [EXIT[name], EXIT_MEANINGS[name]]);
}

/** Codes of errors that other arguments would mend. */
const ARGUMENTS: readonly ErrorCode[] = ['BAD_ARGUMENT', 'NOT_FOUND', 'FILE_EXISTS', 'TOO_FEW_PICTURES'];

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  const isArgument = error instanceof AppError && ARGUMENTS.includes(error.code);
  return isArgument ? EXIT.badArguments : EXIT.failed;
}

/** The exit code for a run as it stands after a command. */
export function exitCodeOfRun({ state, counts }: Run): number {
  if (state !== 'done') return EXIT.failed;
  return counts.failed > 0 ? EXIT.someImagesFailed : EXIT.done;
}

/** One sentence and what to do about it; the stack only for those who set WINNOW_DEBUG. */
export function reportError(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  tell(`winnow: ${message.replace(/[.!?]?$/, '.')}\n`);
  if (error instanceof AppError && error.hint !== undefined) tell(`${error.hint}\n`);
  if (!(error instanceof AppError)) tell('This is a mistake in Winnow; WINNOW_DEBUG=1 shows where.\n');
  if (process.env['WINNOW_DEBUG'] !== undefined) tell(`${inspect(error)}\n`);
}
