/**
 * npm run check:windows: builds the engine, its tests and the addon for Windows by MinGW and runs them on Wine, the tests
 * and golden numbers of the processor's backend first, then the command line with Windows' own Node and packages. For
 * Debian; everything is in out/windows, and what was built is not built again.
 */
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { alone, buildNative, requirePackages, root } from '../setup.mjs';
import { tryCommandLine } from './command-line.ts';
import { builtLibraries, windowsFolder } from './libraries.ts';
import { runLogged, startWine, stopWine, wine, wineEnvironment } from './wine.ts';

const packages = ['g++-mingw-w64-x86-64-posix', 'wine64', 'ccache', 'dpkg-dev', 'gpgv'];
const nativeFolder = 'out/windows/native';
const programs = path.join(root, nativeFolder);

/** DLLs of the compiler that everything is linked with. */
const RUNTIME = ['libstdc++-6.dll', 'libgcc_s_seh-1.dll', 'libgomp-1.dll', 'libwinpthread-1.dll'];
const RUNTIME_FOLDERS = ['/usr/x86_64-w64-mingw32/lib'];

const counts = { passed: 0, failed: 0, skipped: 0 };

function report(name: string, failure: string | undefined, said = ''): void {
  counts[failure === undefined ? 'passed' : 'failed']++;
  console.log(`${name}: ${failure === undefined ? `passed ${said}`.trimEnd() : `FAILED\n${failure}`}`);
}

function skip(name: string, reason: string): void {
  counts.skipped++;
  console.log(`${name}: skipped: ${reason}`);
}

/** The file of a DLL of the compiler. */
function runtimeFile(name: string): string {
  const compilers = fs.globSync('/usr/lib/gcc/x86_64-w64-mingw32/*-posix').sort();
  const found = [...compilers, ...RUNTIME_FOLDERS]
    .map((folder) => path.join(folder, name))
    .find(fs.existsSync);
  if (found === undefined) throw new Error(`MinGW's ${name} is nowhere.`);
  return found;
}

/** A folder with the addon and all DLLs that it needs, as a package for Windows has it. */
function addonFolder(libraries: string): string {
  const folder = path.join(windowsFolder, 'addon');
  fs.rmSync(folder, { recursive: true, force: true });
  fs.mkdirSync(folder, { recursive: true });
  const ours = [path.join(programs, 'winnow.node'), ...fs.globSync(path.join(libraries, 'bin/*.dll'))];
  for (const file of [...ours, ...RUNTIME.map(runtimeFile)]) {
    fs.copyFileSync(file, path.join(folder, path.basename(file)));
  }
  return folder;
}

async function main(): Promise<number> {
  os.setPriority(os.constants.priority.PRIORITY_LOW);
  requirePackages(packages);
  let libraries = '';
  alone(() => {
    libraries = builtLibraries();
    buildNative(nativeFolder, ['--preset', 'windows', `-DCMAKE_PREFIX_PATH=${libraries}`]);
  });
  const folder = addonFolder(libraries);
  startWine();
  try {
    checkNative(folder);
    await checkCommandLine(folder);
  } finally {
    stopWine();
  }
  console.log(`Windows: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0 ? 0 : 1;
}

function checkNative(folder: string): void {
  const settings = { cwd: root, env: wineEnvironment([folder]), minutes: 60 };
  const tests = runLogged([wine, path.join(programs, 'winnow-test.exe')], settings);
  const totals = /test cases:\s*(\d+) \|\s*(\d+) passed/.exec(tests.output);
  report(
    'Native tests',
    tests.status === 0 ? undefined : tests.output,
    totals ? `(${totals[2]} test cases)` : '',
  );
  const directories = fs
    .globSync('test/golden/*/config.json', { cwd: root })
    .map((file) => path.dirname(file));
  const golden = ['build/native/golden.ts', ...directories, '--programs', nativeFolder, '--runner', wine];
  for (const device of ['cpu', 'reference']) {
    const { status, output } = runLogged([process.execPath, ...golden, '--device', device], settings);
    report(
      `Golden numbers, ${device}`,
      status === 0 ? undefined : output,
      `(${directories.length} directories)`,
    );
  }
}

async function checkCommandLine(folder: string): Promise<void> {
  const trial = await tryCommandLine(folder);
  const name = 'Command line';
  if ('skipped' in trial) skip(name, trial.skipped);
  else if ('failure' in trial) report(name, trial.failure);
  else
    report(name, undefined, `(${trial.images} pictures labelled as on this system, with Node ${trial.node})`);
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
