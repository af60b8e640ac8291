import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import Database from 'better-sqlite3';

/** The program: of the sources or, of a whole test run, a bundle of them that starts in a third of the time. */
export const entry =
  process.env['WINNOW_TEST_PROGRAM'] ??
  fileURLToPath(new URL('../../../electron/cli/winnow.ts', import.meta.url));

export interface Ended {
  code: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The command line in a process of its own, with data folder `data`; its end comes with what it printed. */
export function start(data: string, ...args: string[]): { child: ChildProcess; ended: Promise<Ended> } {
  const child = spawn(process.execPath, [entry, ...args], {
    env: { ...process.env, WINNOW_DATA: data, WINNOW_DEBUG: undefined },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = once(child, 'close').then(([code, signal]: (number | NodeJS.Signals | null)[]) => ({
    code: code as number | null,
    signal: signal as NodeJS.Signals | null,
    stdout,
    stderr,
  }));
  return { child, ended };
}

/** Runs the command line to its end. */
export function winnow(data: string, ...args: string[]): Promise<Ended> {
  return start(data, ...args).ended;
}

/** Rows of the library in `data` by status; undefined while there is no library. */
export function countResults(data: string): Record<string, number> | undefined {
  const path = join(data, 'library.db');
  if (!existsSync(path)) return undefined;
  const database = new Database(path, { readonly: true });
  try {
    const rows = database.prepare('SELECT status, count(*) AS count FROM results GROUP BY status').all();
    return Object.fromEntries(
      (rows as { status: string; count: number }[]).map((row) => [row.status, row.count]),
    );
  } catch (error) {
    if (error instanceof Database.SqliteError) return undefined; // its tables are being made
    throw error;
  } finally {
    database.close();
  }
}

/** Waits until a run has saved some results and has others to do. */
export async function untilUnderWay(data: string, child: ChildProcess): Promise<void> {
  for (;;) {
    const counts = countResults(data);
    if (counts?.['ok'] !== undefined && counts['pending'] !== undefined) return;
    if (child.exitCode !== null) throw new Error('The run ended before it could be interrupted');
    await wait(20);
  }
}
