import { once } from 'node:events';
import type { FileContent } from '../core/files/write-file.ts';
import { print, rawOutput, tell } from './terminal.ts';

/** What a person says in place of a file for standard output. */
export const STANDARD_OUTPUT = '-';

/** Writes content to standard output, no faster than it is read. */
export async function writeOut(content: FileContent): Promise<void> {
  for await (const piece of content) {
    if (!rawOutput().write(piece)) await once(rawOutput(), 'drain');
  }
}

/** How a command says what it did: on standard error where standard output holds results. */
export function sayer(out: string | undefined): (text: string) => void {
  return out === STANDARD_OUTPUT ? tell : print;
}
