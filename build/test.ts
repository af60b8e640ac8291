/**
 * npm test: every check there is, one after the other, and one line of totals at the end. Each step that is not a
 * JavaScript test counts as one.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, globSync } from 'node:fs';
import path from 'node:path';
import { run } from 'node:test';
import { spec } from 'node:test/reporters';
import { alone, buildNative, releaseBuild, root, sanitizerBuild } from './setup.mjs';

interface Step {
  name: string;
  command: string[];
  environment?: Record<string, string>;
}

const nativeTests = path.join(releaseBuild.folder, 'winnow-test');
const metalTests = path.join(releaseBuild.folder, 'winnow-test-metal'); // where there is clang
const goldenDirectories = globSync('test/golden/*/expected.safetensors', { cwd: root }).map((file) =>
  path.dirname(file),
);
const golden = [process.execPath, 'build/golden.ts', ...goldenDirectories];

const steps: Step[] = [
  { name: 'types, lint and format', command: ['npm', 'run', '--silent', 'check'] },
  { name: 'native tests', command: [nativeTests] },
  ...instructionSets().map((name) => ({
    name: `native tests on ${name}`,
    command: [nativeTests, '--test-case-exclude=gpu *,cuda:*'], // which have no instruction set of the processor's
    environment: { WINNOW_ISA: name },
  })),
  ...(existsSync(path.join(root, metalTests)) ? [{ name: 'the Metal library', command: [metalTests] }] : []),
  { name: 'native tests with sanitizers', command: [path.join(sanitizerBuild.folder, 'winnow-test')] },
  { name: 'golden numbers', command: golden },
  { name: 'golden numbers with sanitizers', command: [...golden, '--programs', sanitizerBuild.folder] },
];

/** Instruction sets of this machine that the engine can be forced to, the lowest among them. */
function instructionSets(): string[] {
  const { stdout, status } = spawnSync(path.join(root, nativeTests), ['--list-isa'], { encoding: 'utf8' });
  return status === 0 ? stdout.split('\n').filter(Boolean) : [];
}

function passes({ name, command, environment }: Step): boolean {
  console.log(`\n== ${name}`);
  const started = performance.now();
  const [program = '', ...args] = command;
  const { status, error } = spawnSync(program, args, {
    cwd: root,
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  });
  if (error) console.error(error.message);
  console.log(`== ${name}: ${status === 0 ? 'passed' : 'FAILED'} in ${seconds(started)} s`);
  return status === 0;
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
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const stream = run({ cwd: root, globPatterns: ['test/**/*.test.ts'], concurrency: 2, timeout: 600_000 });
  stream.on('test:summary', ({ file, counts: total }) => {
    if (file !== undefined) return; // the totals come without a file
    counts.passed = total.passed;
    counts.skipped = total.skipped + total.todo;
    counts.failed = total.tests - total.passed - counts.skipped;
  });
  for await (const text of stream.compose(new spec())) process.stdout.write(String(text));
  return counts;
}

async function main(): Promise<number> {
  const started = performance.now();
  alone(() => buildNative(sanitizerBuild.folder, sanitizerBuild.flags));
  const failedSteps = steps.filter((step) => !passes(step)).map(({ name }) => name);
  const { passed, failed, skipped } = await runJavaScriptTests();
  if (failedSteps.length > 0) console.log(`\nFailed: ${failedSteps.join(', ')}`);
  console.log(`\nAll of it took ${seconds(started)} s`);
  const total = { passed: passed + steps.length - failedSteps.length, failed: failed + failedSteps.length };
  console.log(`${total.passed} passed, ${total.failed} failed, ${skipped} skipped`);
  return total.failed === 0 ? 0 : 1;
}

process.exitCode = await main();
