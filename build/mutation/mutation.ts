/**
 * npm run mutation: changes the sources of electron/core in a copy, one change at a time, and counts how many of the changes
 * a test notices. All changes together are some ten thousand, so a sample is drawn by a seed.
 */
import fs from 'node:fs';
import { availableParallelism, setPriority } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import PQueue from 'p-queue';
import { root } from '../setup.mjs';
import { measureTest, runTest } from './run-test.ts';
import type { MeasuredTest } from './run-test.ts';
import { draw, score } from './sample.ts';
import type { Fate } from './sample.ts';
import { makeSandbox, mutationFolder } from './sandbox.ts';
import type { Mutant } from './sandbox.ts';

const SOURCES = 'electron/core';
const TESTS = ['test/electron/core/**/*.test.ts', 'test/electron/shared/**/*.test.ts'];
/** These take long, and others come by the same code. */
const LEFT_OUT = /(large-library|interruptions|full-disk|library-care)/;

const { values } = parseArgs({
  options: {
    sample: { type: 'string', default: '400' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    jobs: { type: 'string', default: String(availableParallelism()) },
  },
});
const queue = new PQueue({ concurrency: Number(values.jobs) });
setPriority(19);
fs.mkdirSync(mutationFolder, { recursive: true });

const all = (await makeSandbox(SOURCES)).filter(({ file }) => file.includes(values.only));
const drawn = draw(all, Number(values.sample), Number(values.seed));
const tests = await measureTests();
console.log(
  `${all.length} mutants, of which ${drawn.length} are drawn by seed ${values.seed}; ${tests.length} test files`,
);
const fates = new Map<Mutant, Fate>();
await queue.addAll(
  drawn.map((mutant) => async () => {
    const fate = await fateOf(mutant, tests);
    fates.set(mutant, fate);
    if (fate !== 'killed') console.log(describe(mutant, fate));
    if (fates.size % 25 === 0) console.log(`${fates.size} of ${drawn.length}: ${score([...fates.values()])}`);
  }),
);
report(fates);

async function measureTests(): Promise<MeasuredTest[]> {
  const files = fs
    .globSync(TESTS, { cwd: root })
    .map((file) => file.split(path.sep).join('/'))
    .filter((file) => !LEFT_OUT.test(file));
  const measured = await queue.addAll(files.map((file) => () => measureTest(file)));
  for (const [index, file] of files.entries())
    if (measured[index] === undefined) console.log(`${file} fails without a mutant and is left out`);
  return measured.filter((test) => test !== undefined);
}

/** What becomes of a mutant: the tests that come by are run until one notices, those that lie as the source does first. */
async function fateOf({ id, file }: Mutant, tests: readonly MeasuredTest[]): Promise<Fate> {
  const nearness = (test: MeasuredTest) => sharedParts(test.file.replace(/^test\//, ''), file);
  const covering = tests
    .filter(({ covers }) => covers.has(id))
    .sort((one, other) => nearness(other) - nearness(one) || one.milliseconds - other.milliseconds);
  for (const test of covering) {
    const limit = 10 * test.milliseconds + 20_000;
    const end = await runTest(test.file, limit, { __STRYKER_ACTIVE_MUTANT__: id });
    if (end === 'failed') return 'killed';
    if (end === 'too slow') return 'timed out';
  }
  return covering.length === 0 ? 'not covered' : 'survived';
}

/** How many parts of two paths are the same, from the start; a test that bears the source's name counts as one more. */
function sharedParts(test: string, source: string): number {
  const [parts, others] = [test.split('/'), source.split('/')];
  const differing = parts.findIndex((part, index) => part !== others[index]);
  const isNamesake = parts.at(-1) === others.at(-1)?.replace(/\.ts$/, '.test.ts');
  return differing + (isNamesake ? 1 : 0);
}

function describe({ file, line, mutator, original, replacement }: Mutant, fate: Fate): string {
  const short = (text: string) => (text.length > 100 ? `${text.slice(0, 100)} …` : text).replace(/\s+/g, ' ');
  return `${fate}: ${file}:${line} ${mutator}\n  - ${short(original)}\n  + ${short(replacement)}`;
}

/** Prints the score by folder and on the whole; the list lies in out/mutation. */
function report(fates: ReadonlyMap<Mutant, Fate>): void {
  const list = [...fates].map(([mutant, fate]) => ({ fate, ...mutant }));
  const file = path.join(mutationFolder, `seed-${values.seed}.json`);
  fs.writeFileSync(file, JSON.stringify(list, undefined, 1));
  const folders = Map.groupBy(list, ({ file }) => path.posix.dirname(file));
  console.log();
  for (const [folder, mutants] of [...folders].sort())
    console.log(`${folder}: ${score(mutants.map(({ fate }) => fate))}`);
  console.log(`\n${SOURCES}: ${score([...fates.values()])}\nThe list is in ${path.relative(root, file)}`);
}
