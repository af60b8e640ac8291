import { spawn } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { mutationFolder, sandbox } from './sandbox.ts';

export type TestEnd = 'passed' | 'failed' | 'too slow';

const HOOK = path.join(import.meta.dirname, 'coverage-hook.ts');

/** Tests of so many images take long, and others come by the same code. */
const SKIPPED = String.raw`--test-skip-pattern=/^[\d,]{5,} /`;

/** What every test file has in its environment: Node keeps what it has compiled. */
const ENVIRONMENT = { ...process.env, NODE_COMPILE_CACHE: path.join(mutationFolder, 'compile-cache') };

/** Runs a test file of the sandbox, with a mutant switched on if one is named. */
export function runTest(file: string, limit: number, environment: NodeJS.ProcessEnv): Promise<TestEnd> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--import', HOOK, SKIPPED, file], {
      cwd: sandbox,
      stdio: 'ignore',
      detached: true, // so that its own children can be ended with it
      env: { ...ENVIRONMENT, ...environment },
    });
    let isLate = false;
    const timer = setTimeout(() => {
      isLate = true;
      endGroup(child.pid);
    }, limit);
    child.once('error', reject);
    child.once('close', (code) => {
      clearTimeout(timer);
      resolve(isLate ? 'too slow' : code === 0 ? 'passed' : 'failed');
    });
  });
}

function endGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // it has ended
  }
}

/** A test file, how long it takes without a mutant, and which mutants it comes by. */
export interface MeasuredTest {
  file: string; // relative to the root, with slashes
  milliseconds: number;
  covers: ReadonlySet<string>;
}

const LONGEST = 600_000; // milliseconds of a test file without a mutant

/** Runs a test file without a mutant; undefined when it fails, for nothing can be told by it then. */
export async function measureTest(file: string): Promise<MeasuredTest | undefined> {
  const folder = fs.mkdtempSync(path.join(mutationFolder, 'coverage-'));
  const started = performance.now();
  const end = await runTest(file, LONGEST, { WINNOW_MUTATION_COVERAGE: folder });
  const milliseconds = performance.now() - started;
  const covers = new Set<string>();
  for (const part of fs.readdirSync(folder))
    for (const id of JSON.parse(fs.readFileSync(path.join(folder, part), 'utf8')) as string[]) covers.add(id);
  fs.rmSync(folder, { recursive: true });
  return end === 'passed' ? { file, milliseconds, covers } : undefined;
}
