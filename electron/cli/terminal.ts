import { terminalText } from '../shared/terminal-text.ts';

/**
 * What a command says goes through here and nowhere else (a rule of ESLint sees to it), for names, labels and errors may hold
 * what a terminal takes for commands. What is written for programs goes to `rawOutput`.
 */
export function print(text: string): void {
  process.stdout.write(terminalText(text));
}

/** Beside what was asked for: progress, notices, errors. */
export function tell(text: string): void {
  process.stderr.write(terminalText(text));
}

/** Tells a line in place of the one before it, on a terminal. */
export function rewriteLine(text: string): void {
  process.stderr.write(`\r${terminalText(text)}`);
}

/** Whether somebody watches what is told. */
export function isWatched(): boolean {
  return process.stderr.isTTY;
}

/** Bytes for programs, such as CSV and JSON, as they are. */
export function rawOutput(): NodeJS.WriteStream {
  return process.stdout;
}
