/**
 * npm test: every check there is and one line of totals at the end. Steps that are not JavaScript tests count as one
 * each; as many of them run at a time as there are cores, for most keep one core busy.
 */
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, globSync, readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import PQueue from 'p-queue';
import { bundle, PROGRAMS } from '../test/crash/bundle.ts';
import { alone, buildNative, hashFiles, nativeInputs, releaseBuild, root, sanitizerBuild } from './setup.mjs';

interface Step {
  name: string;
  command: string[];
  environment?: Record<string, string>;
  says?: RegExp; // what it must print
}

const check = (name: string) => ['npm', 'run', '--silent', `check:${name}`];
const nativeTests = path.join(releaseBuild.folder, 'winnow-test');
const metalTests = path.join(releaseBuild.folder, 'winnow-test-metal'); // where there is clang
const goldenDirectories = globSync('test/golden/*/config.json', { cwd: root }).map((file) =>
  path.dirname(file),
);
const golden = [process.execPath, 'build/native/golden.ts', ...goldenDirectories];

/** Tests that no instruction set of the processor's makes a difference to are left out: of GPUs, and of slow formulas alone. */
const DEPENDENT = '--test-case-exclude=gpu *,cuda:*,gradients of plain * are those of finite differences*';
/** The best instruction set is the one that all tests run on. */
const FORCED = '--test-case=the forced instruction set is the one in use';

/** The longest first. */
const steps: Step[] = [
  { name: 'lint', command: check('lint') },
  { name: 'native tests', command: [nativeTests] },
  ...instructionSets().map((name, index, all) => ({
    name: `native tests on ${name}`,
    command: [nativeTests, index === all.length - 1 ? FORCED : DEPENDENT],
    environment: { WINNOW_ISA: name },
    says: /test cases: +[1-9]/,
  })),
  { name: 'types', command: check('types') },
  { name: 'format', command: check('format') },
  { name: 'golden numbers', command: golden },
  {
    name: "the window's types and templates",
    command: check('window'),
  },
  ...(existsSync(path.join(root, metalTests)) ? [{ name: 'the Metal library', command: [metalTests] }] : []),
  { name: 'format of the engine', command: check('native-format') },
];

/** What takes longest of all and depends on the engine alone. */
const sanitizerSteps: Step[] = [
  { name: 'native tests with sanitizers', command: [path.join(sanitizerBuild.folder, 'winnow-test')] },
  { name: 'golden numbers with sanitizers', command: [...golden, '--programs', sanitizerBuild.folder] },
];

/** Instruction sets of this machine that the engine can be forced to, the lowest among them. */
function instructionSets(): string[] {
  const { stdout, status } = spawnSync(path.join(root, nativeTests), ['--list-isa'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n').filter(Boolean) : [];
}

/** Runs a step to its end and prints what it said. */
async function passes({ name, command, environment, says }: Step): Promise<boolean> {
  const started = performance.now();
  const [program = '', ...args] = command;
  const child = spawn(program, args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('close', (code, signal) => resolve(code === 0 ? '' : `ended with ${signal ?? code}`));
  });
  const [said, complained, end] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  const failure = end === '' && says?.test(said) === false ? `did not say ${String(says)}` : end;
  console.log(`\n== ${name}\n${said}${complained}${failure}`.trimEnd());
  console.log(`== ${name}: ${failure === '' ? 'passed' : 'FAILED'} in ${seconds(started)} s`);
  return failure === '';
}

/** Names of the steps that failed. */
async function failuresOf(all: readonly Step[]): Promise<string[]> {
  const queue = new PQueue({ concurrency: availableParallelism() });
  const passed = await queue.addAll(all.map((step) => () => passes(step)));
  return all.flatMap(({ name }, index) => (passed[index] ? [] : [name]));
}

/** Sanitized tests pass again when nothing has changed that they are made of. */
const sanitizerStamp = path.join(root, sanitizerBuild.folder, 'passed');

function sanitizerInputs(): string {
  const hash = createHash('sha256').update(nativeInputs(sanitizerBuild.flags));
  for (const place of ['test/golden', 'build/native/golden.ts']) hashFiles(hash, path.join(root, place));
  return hash.digest('hex');
}

function sanitizersHavePassed(): boolean {
  return existsSync(sanitizerStamp) && readFileSync(sanitizerStamp, 'utf8') === sanitizerInputs();
}

const seconds = (started: number) => ((performance.now() - started) / 1000).toFixed(1);

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Runs test/**\/*.test.ts, each file in a process of its own. */
async function runJavaScriptTests(): Promise<Counts> {
  console.log('\n== JavaScript tests');
  [process.env['WINNOW_TEST_PROGRAM']] = await bundle(path.join(root, 'out/test-programs'), PROGRAMS);
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const concurrency = availableParallelism() + 1; // a third of their time is waiting, for other processes and for clocks
  const stream = run({ cwd: root, globPatterns: ['test/**/*.test.ts'], concurrency, timeout: 600_000 });
  stream.on('test:summary', ({ file, counts: total }) => {
    if (file !== undefined) return; // the totals come without a file
    counts.passed = total.passed;
    counts.skipped = total.skipped + total.todo;
    counts.failed = total.tests - total.passed - counts.skipped;
  });
  for await (const line of stream.compose(new spec())) process.stdout.write(String(line));
  return counts;
}

async function main(): Promise<number> {
  const started = performance.now();
  // Node keeps there what it has compiled: hundreds of processes start in half the time.
  process.env['NODE_COMPILE_CACHE'] ??= path.join(root, 'out/compile-cache');
  const sanitized = sanitizersHavePassed() ? [] : sanitizerSteps;
  if (sanitized.length === 0) console.log('The engine is the one that has passed its tests with sanitizers');
  else alone(() => buildNative(sanitizerBuild.folder, sanitizerBuild.flags));
  const all = [...sanitized, ...steps];
  const failedSteps = await failuresOf(all);
  if (sanitized.every(({ name }) => !failedSteps.includes(name))) {
    writeFileSync(sanitizerStamp, sanitizerInputs());
  }
  const { passed, failed, skipped } = await runJavaScriptTests();
  if (failedSteps.length > 0) console.log(`\nFailed: ${failedSteps.join(', ')}`);
  console.log(`\nAll of it took ${seconds(started)} s`);
  const total = { passed: passed + all.length - failedSteps.length, failed: failed + failedSteps.length };
  console.log(`${total.passed} passed, ${total.failed} failed, ${skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
}

process.exitCode = await main();
