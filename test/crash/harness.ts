/**
 * Kills commands at random calls by which they change files, and checks that nothing is lost, nothing is left, and that
 * going on leads where it would have led without the kill:
 *
 *   node test/crash/harness.ts [--kills 1000 | --seconds 60] [--seed 1] [--only 'sort --move,run']
 */
import assert from 'node:assert/strict';
import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seededRandom } from '../electron/core/random.ts';
import { bundle, PROGRAMS } from './bundle.ts';
import { Killer } from './killer.ts';
import { prepareWorld, scenarios } from './scenarios.ts';
import type { Scenario } from './scenarios.ts';
import { World } from './world.ts';

/** Backups are made when they are due, and what a restore replaced is one. */
const BACKUP = /^data\/backups\/library\.(daily|replaced)\.[#TZ-]+\.db$/;

export interface HarnessOptions {
  kills?: number | undefined; // without it as many as there is time for
  seconds?: number | undefined;
  seed: number;
  /** Names of scenarios; without them all. */
  only?: readonly string[] | undefined;
  log: (line: string) => void;
}

export interface Tally {
  kills: Record<string, number>; // by scenario
  failures: string[];
}

/** Kills and checks; the sentence is why nothing can be killed here. */
export async function crash(options: HarnessOptions): Promise<Tally | string> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'winnow-crash-')));
  try {
    const killer = Killer.build(folder);
    if (typeof killer === 'string') return killer;
    const [program = ''] = await bundle(join(folder, 'bundle'), PROGRAMS);
    const world = new World(folder, killer, program);
    await prepareWorld(world);
    return await killMany(world, options);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A scenario with what happens when nothing is killed. */
interface Measured {
  scenario: Scenario;
  calls: number;
  facts: unknown;
  names: Set<string>;
}

async function killMany(world: World, options: HarnessOptions): Promise<Tally> {
  const { kills = Infinity, seconds = Infinity, seed, only, log } = options;
  const random = seededRandom(seed);
  const chosen = scenarios(world).filter(({ name }) => only === undefined || only.includes(name));
  assert.ok(
    chosen.length > 0,
    `Expected some of ${scenarios(world)
      .map(({ name }) => name)
      .join(', ')}`,
  );
  const tally: Tally = { kills: Object.fromEntries(chosen.map(({ name }) => [name, 0])), failures: [] };
  const end = performance.now() + seconds * 1000;
  const measured = new Map<string, Measured>();
  for (let number = 0; number < kills && performance.now() < end; number++) {
    const scenario = chosen[number % chosen.length];
    assert.ok(scenario !== undefined);
    const known = measured.get(scenario.name) ?? (await measure(world, scenario));
    measured.set(scenario.name, known);
    const [at, torn] = [1 + random(known.calls), random(2) === 1];
    const what = `${scenario.name} killed at call ${at} of ${known.calls}${torn ? ', torn' : ''}`;
    try {
      await killOnce(world, known, { at, torn }, () => {
        tally.kills[scenario.name] = (tally.kills[scenario.name] ?? 0) + 1;
      });
    } catch (error) {
      const failure = `${what} (seed ${seed}, number ${number}): ${error instanceof Error ? error.message : String(error)}`;
      tally.failures.push(failure);
      log(failure);
    }
  }
  return tally;
}

async function measure(world: World, scenario: Scenario): Promise<Measured> {
  world.restore(scenario.start);
  const { code, output, calls = 0 } = await world.run(scenario.command);
  if (code !== 0) throw new Error(`${scenario.name}, which nobody killed, ended with ${code}: ${output}`);
  const names = world.names();
  return { scenario, calls, facts: scenario.facts(world), names };
}

/** Kills once, and tells `onKilled` when the command had not come to its end before. */
async function killOnce(
  world: World,
  { scenario, facts, names }: Measured,
  { at, torn }: { at: number; torn: boolean },
  onKilled: () => void,
): Promise<void> {
  world.restore(scenario.start);
  const ended = await world.run(scenario.command, { at, torn });
  if (ended.killed) onKilled();
  else if (ended.code !== 0) throw new Error(`it ended with ${ended.code}: ${ended.output}`);
  scenario.assertSafe?.(world, scenario.start);
  if (scenario.goOn !== undefined) await scenario.goOn(world);
  else {
    const next = await world.run(scenario.command);
    // What is there and whole already may be refused the second time.
    if (next.code !== 0 && !isEqual(scenario.facts(world), facts))
      throw new Error(`the next command ended with ${next.code}: ${next.output}`);
  }
  assert.deepEqual(scenario.facts(world), facts);
  const left = [...world.names()].filter((name) => !names.has(name) && !BACKUP.test(name));
  assert.deepEqual(left, [], 'something is left');
  if (scenario.takeBack !== undefined) {
    await scenario.takeBack(world);
    const after = scenario.facts(world);
    world.restore(scenario.start);
    assert.deepEqual(after, scenario.facts(world), 'it could not be taken back');
  }
}

function isEqual(one: unknown, other: unknown): boolean {
  try {
    assert.deepEqual(one, other);
    return true;
  } catch {
    return false;
  }
}

/** The tally as lines. */
export function describeTally({ kills, failures }: Tally): string {
  const total = Object.values(kills).reduce((sum, count) => sum + count, 0);
  const lines = Object.entries(kills).map(([name, count]) => `${String(count).padStart(6)}  ${name}`);
  return [...lines, `${String(total).padStart(6)}  kills, ${failures.length} of them not survived`].join(
    '\n',
  );
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      kills: { type: 'string' },
      seconds: { type: 'string' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      only: { type: 'string' },
    },
  });
  const { kills, seconds, seed, only } = values;
  console.log(`seed ${seed}`);
  const tally = await crash({
    kills: kills === undefined ? undefined : Number(kills),
    seconds:
      seconds === undefined && kills === undefined ? 60 : seconds === undefined ? undefined : Number(seconds),
    seed: Number(seed),
    only: only?.split(','),
    log: (line) => console.log(line),
  });
  console.log(typeof tally === 'string' ? tally : describeTally(tally));
  process.exitCode = typeof tally === 'string' || tally.failures.length > 0 ? 1 : 0;
}
