import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { root } from '../setup.mjs';

const SAMPLE_EVERY = 200; // milliseconds between looks at the memory

export interface RunFigures {
  seconds: number;
  /** Resident memory of the command line and its engine host together, MB, in the order of time. */
  memory: number[];
}

/** `winnow run` on `folder` with further arguments, its library beside the folder, watched from outside. */
export async function watchRun(folder: string, model: string, options: string[]): Promise<RunFigures> {
  const cli = path.join(root, 'electron/cli/winnow.ts');
  const library = `${folder}-${options.join('')}.db`;
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [cli, 'run', folder, '--model', model, '--library', library, ...options],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const ended = new Promise<number | null>((resolve) => child.on('exit', resolve));
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  const memory: number[] = [];
  while (child.exitCode === null && child.signalCode === null) {
    memory.push(residentMegabytes(child.pid ?? 0));
    await Promise.race([ended, sleep(SAMPLE_EVERY)]);
  }
  const code = await ended;
  if (code !== 0) throw new Error(`winnow run ended with exit code ${code}:\n${said}`);
  return { seconds: (performance.now() - started) / 1000, memory };
}

/** Resident memory of a process and all below it, from /proc; what several processes share counts once. */
function residentMegabytes(pid: number): number {
  try {
    const kilobytes = /^Pss: +(\d+) kB$/m.exec(fs.readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1];
    const children = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean);
    const below = children.map(Number).map(residentMegabytes);
    return (Number(kilobytes ?? 0) * 1024) / 1e6 + below.reduce((a, b) => a + b, 0);
  } catch {
    return 0; // it has just ended
  }
}
