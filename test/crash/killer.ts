import { execFileSync, spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { codeOf } from '../../electron/shared/errors.ts';

/** A library that kills the process which it is preloaded into at one of the calls by which it changes files. */
export class Killer {
  readonly #library: string;

  private constructor(library: string) {
    this.#library = library;
  }

  /** Compiles it into a folder; a sentence where there can be none. */
  static build(folder: string): Killer | string {
    if (process.platform !== 'linux') return 'needs LD_PRELOAD of Linux';
    const library = join(folder, 'kill-at.so');
    const source = join(import.meta.dirname, 'kill-at.c');
    try {
      execFileSync('gcc', ['-O1', '-Wall', '-Werror', '-shared', '-fPIC', '-o', library, source, '-ldl']);
    } catch (error) {
      if (codeOf(error) === 'ENOENT') return 'needs gcc';
      throw error;
    }
    return new Killer(library);
  }

  /** Runs a program to its end, or to its `at`th call. `torn`: when that writes, half of it is written. */
  run(program: readonly string[], { at, torn = false, links = true, env = {} }: KillOptions): Promise<Ended> {
    const tally = `${this.#library}.${process.hrtime.bigint()}.tally`;
    const [command = '', ...args] = program;
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        NODE_DISABLE_COMPILE_CACHE: '1', // which is written when it likes, by calls that are counted
        ...env,
        LD_PRELOAD: this.#library,
        KILL_TALLY: tally,
        ...(at === undefined ? {} : { KILL_AT: String(at) }),
        ...(torn ? { KILL_TORN: '1' } : {}),
        ...(links ? {} : { KILL_NO_LINKS: '1' }),
      },
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text));
    return new Promise((resolve, reject) => {
      child.once('error', reject);
      child.once('close', (code, signal) => {
        const calls = existsSync(tally) ? Number(readFileSync(tally, 'utf8')) : undefined;
        resolve({ code, killed: signal === 'SIGKILL', output, calls });
      });
    });
  }
}

export interface KillOptions {
  at?: number | undefined; // counted from 1
  torn?: boolean;
  /** Whether there are hard links; without them they fail as on FAT. */
  links?: boolean;
  env?: Record<string, string>;
}

export interface Ended {
  code: number | null;
  killed: boolean;
  output: string; // both streams
  calls: number | undefined; // that changed files, of a program that was not killed
}
