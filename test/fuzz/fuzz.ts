/**
 * Gives readers of what comes from outside damaged input, and expects a result or one AppError each time:
 *
 *   node test/fuzz/fuzz.ts [--only unpickler] [--seconds 10] [--seed 1] [--round 4711]
 *
 * `--round` repeats one round of a seed. A target runs in a process of its own, so that one that dies or hangs is seen;
 * the round that it was at is told.
 */
import { fork } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { AppError } from '../../electron/shared/errors.ts';
import { randomOf } from './mutate.ts';
import { targets } from './targets.ts';
import type { Target } from './targets.ts';

/** Seconds of processor time that one small input may take. */
const MOST_WORK = 5;
/** Megabytes that the process may grow over what it has after its first rounds. */
const MOST_MEMORY = 500;
const FIRST_ROUNDS = 50;
/** Characters of a sentence that names some things of a file, each of them shortened. */
const LONGEST_SENTENCE = 1000;
/** A target that does not end by itself within this many seconds after its time hangs. */
const GRACE = 120;

export interface Fuzzed {
  rounds: number;
  accepted: number; // inputs that gave a result
  failure?: string | undefined;
}

interface FuzzOptions {
  target: string;
  seconds: number;
  seed: number;
  round?: number | undefined;
}

/** Fuzzes a target in a process of its own. */
export async function fuzz(options: FuzzOptions): Promise<Fuzzed> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'winnow-fuzz-')));
  const { target, seconds, seed, round } = options;
  const where = join(folder, 'round');
  const args = ['--only', target, '--seconds', String(seconds), '--seed', String(seed), '--inside', where];
  const child = fork(import.meta.filename, round === undefined ? args : [...args, '--round', String(round)], {
    execArgv: ['--max-old-space-size=1024'],
  });
  const timer = setTimeout(() => child.kill('SIGKILL'), (seconds + GRACE) * 1000);
  try {
    return await new Promise<Fuzzed>((resolve, reject) => {
      let result: Fuzzed | undefined;
      child.on('message', (message) => (result = message as Fuzzed));
      child.once('error', reject);
      child.once('exit', (code, signal) => {
        const died = `the process ended with ${signal ?? code} in round ${readRound(where)}`;
        resolve(result ?? { rounds: 0, accepted: 0, failure: `${target}, seed ${seed}: ${died}` });
      });
    });
  } finally {
    clearTimeout(timer);
    rmSync(folder, { recursive: true, force: true });
  }
}

function readRound(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return 'none';
  }
}

/** Rounds of one target, until the time is over or one fails. */
async function fuzzHere(target: Target, options: FuzzOptions, where: string): Promise<Fuzzed> {
  const { seconds, seed, round: only } = options;
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'winnow-fuzz-')));
  const file = openSync(where, 'w');
  try {
    const { seeds, read, close } = await target.open(folder);
    const result: Fuzzed = { rounds: 0, accepted: 0 };
    for (const seedBytes of seeds) await read(seedBytes); // what is not damaged is read
    const end = performance.now() + seconds * 1000;
    let memory = Infinity;
    for (let round = only ?? 0; result.failure === undefined && performance.now() < end; round++) {
      writeSync(file, `${round}          `, 0);
      const random = randomOf(seed, round);
      const input = target.mutate(seeds[random(seeds.length)] ?? Buffer.alloc(0), seeds, random);
      const started = process.cpuUsage();
      const problem = await tryRead(() => read(input));
      const { user, system } = process.cpuUsage(started);
      if (problem === undefined) result.accepted++;
      result.rounds++;
      if (result.rounds === FIRST_ROUNDS) memory = process.resourceUsage().maxRSS / 1024 + MOST_MEMORY;
      const work = (user + system) / 1e6;
      const grown = process.resourceUsage().maxRSS / 1024 > memory;
      const failure =
        problem !== undefined && problem !== 'refused'
          ? problem
          : work > MOST_WORK
            ? `it took ${work.toFixed(1)} s of the processor for ${input.length} bytes`
            : grown
              ? `the process grew by more than ${MOST_MEMORY} MB`
              : undefined;
      if (failure !== undefined) result.failure = `${target.name}, seed ${seed}, round ${round}: ${failure}`;
      if (only !== undefined) break;
    }
    await close?.();
    return result;
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Undefined for a result, 'refused' for an AppError in a sentence, else what went wrong. */
async function tryRead(read: () => unknown): Promise<string | undefined> {
  try {
    await read();
    return undefined;
  } catch (error) {
    if (!(error instanceof AppError))
      return `it threw ${error instanceof Error ? error.stack : String(error)}`;
    if (error.message === '' || error.message.length > LONGEST_SENTENCE)
      return `its sentence has ${error.message.length} characters: ${error.message.slice(0, 200)}`;
    return 'refused';
  }
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      seconds: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      round: { type: 'string' },
      inside: { type: 'string' },
    },
  });
  const chosen = targets.filter(({ name }) => values.only === undefined || name === values.only);
  if (chosen.length === 0) throw new Error(`Expected one of ${targets.map(({ name }) => name).join(', ')}`);
  for (const target of chosen) {
    const options = {
      target: target.name,
      seconds: Number(values.seconds),
      seed: Number(values.seed),
      round: values.round === undefined ? undefined : Number(values.round),
    };
    if (values.inside !== undefined) {
      process.send?.(await fuzzHere(target, options, values.inside));
      process.disconnect();
      break;
    }
    const { rounds, accepted, failure } = await fuzz(options);
    console.log(`${target.name}: ${rounds} rounds of seed ${options.seed}, ${accepted} inputs accepted`);
    if (failure === undefined) continue;
    console.log(failure);
    process.exitCode = 1;
  }
}
