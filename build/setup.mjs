// Makes a fresh clone ready: Debian packages, npm packages, the native engine, the window. A second run finds nothing
// to do. --without-window leaves the window out, for programs that have none; --with-programs adds the native tests and
// benchmarks, --with-browser the browser that tests of the window run in and --with-clang the compiler that knows Metal's
// limits, where they can be had; --quiet says nothing then; --ask asks before it installs Debian packages.
// Plain JavaScript without dependencies, for it runs before there are any, on any Node from 20 on.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(fileURLToPath(import.meta.url), '../..');

const debianPackages = 'cmake make g++ libdnnl-dev libhwy-dev doctest-dev nlohmann-json3-dev'.split(' ');
/** Packages that some tests need, which are skipped without: what each is for. */
const testPackages = {
  'chromium-headless-shell': 'tests of the window',
  clang: 'the checks of the Metal library',
};
const logFile = path.join(root, 'out/setup.log');

/** Ends the setup with a sentence that says what to do. */
class SetupError extends Error {}

/** Runs a command with its output in the log; shows the end of it when the command fails.
 * @param {string} command @param {string[]} args @param {Record<string, string>} variables added to the environment */
export function run(command, args, variables = {}) {
  fs.mkdirSync(path.dirname(logFile), { recursive: true });
  const log = fs.openSync(logFile, 'w');
  const env = { ...process.env, ...variables };
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    env,
    stdio: ['inherit', log, log],
  });
  fs.closeSync(log);
  if (status === 0) return;
  const tail = fs.readFileSync(logFile, 'utf8').trimEnd().split('\n').slice(-40).join('\n');
  const reason = error?.message ?? (signal ? `ended by ${signal}` : `exit code ${String(status)}`);
  throw new SetupError(
    `${tail}\n\n${command} ${args.join(' ')}\nfailed: ${reason}. All of its output: ${logFile}`,
  );
}

/** What a command prints, or undefined when it cannot be started.
 * @param {string} command @param {string[]} args */
function output(command, args) {
  const { error, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return error ? undefined : stdout;
}

/** @param {string} file */
const readText = (file) => (fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '');

/** @param {unknown} error */
const codeOf = (error) => /** @type {NodeJS.ErrnoException} */ (error).code;

// ---- Debian packages --------------------------------------------------------------------------------------

/** Those packages that are installed as `name version` lines; undefined on a system without dpkg. */
function installedPackages(names = debianPackages) {
  const format = '${db:Status-Status} ${Package} ${Version}\n';
  const listed = output('dpkg-query', ['--show', `--showformat=${format}`, ...names]);
  return listed?.split('\n').flatMap((line) => (line.startsWith('installed ') ? [line.slice(10)] : []));
}

/** Whether the libraries come from elsewhere: `ready`, they are there; `pinned`, vcpkg builds those of native/vcpkg.json. */
const packagesAreGiven = ['ready', 'pinned'].includes(process.env.WINNOW_PACKAGES ?? '');

function missingPackages() {
  if (packagesAreGiven) return [];
  const installed = installedPackages();
  if (!installed) {
    throw new SetupError(
      'Winnow builds its engine with packages that setup can install on Debian and Ubuntu only. There it is:\n' +
        `  sudo apt-get install ${debianPackages.join(' ')}\n` +
        'Install CMake, a C++20 compiler, oneDNN, Highway, doctest and nlohmann-json in the way of this system,\n' +
        'then set WINNOW_PACKAGES=ready and try again. Or, with vcpkg at VCPKG_ROOT and a network, set\n' +
        'WINNOW_PACKAGES=pinned: the libraries are built in the versions of native/vcpkg.json.',
    );
  }
  return debianPackages.filter((name) => !installed.some((line) => line.startsWith(`${name} `)));
}

function mayInstall() {
  return process.getuid?.() === 0 || spawnSync('sudo', ['-n', 'true']).status === 0;
}

/** Asks on the terminal; nobody there agrees to nothing.
 * @param {string[]} missing */
function isAgreed(missing) {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return false;
  process.stdout.write(`Debian packages are missing: ${missing.join(' ')}.\nInstall them now? [y/N] `);
  const answer = Buffer.alloc(16);
  const length = fs.readSync(0, answer);
  return /^y(es)?$/i.test(answer.toString('utf8', 0, length).trim());
}

/** @param {string[]} missing */
function installPackages(missing) {
  const isRoot = process.getuid?.() === 0;
  if (!mayInstall()) {
    throw new SetupError(
      `Debian packages are missing, and only root may install them. Please run:\n` +
        `  sudo apt-get install ${missing.join(' ')}`,
    );
  }
  if (process.argv.includes('--ask') && !isAgreed(missing)) {
    throw new SetupError(
      `Winnow builds its engine with Debian packages that are missing. Please run:\n` +
        `  sudo apt-get install ${missing.join(' ')}`,
    );
  }
  console.log(`Installing Debian packages: ${missing.join(' ')}`);
  const apt = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-o', 'DPkg::Lock::Timeout=300'];
  const [command = '', ...args] = isRoot ? apt : ['sudo', '-n', ...apt];
  run(command, [...args, 'update']);
  run(command, [...args, 'install', '--yes', '--no-install-recommends', ...missing]);
}

/** Installs those of some packages that are not there. Throws where that is not possible, or not agreed to.
 * @param {string[]} names */
export function requirePackages(names) {
  const installed = installedPackages(names) ?? [];
  const missing = names.filter((name) => !installed.some((line) => line.startsWith(`${name} `)));
  if (missing.length > 0) installPackages(missing);
}

/** Those packages for tests that could be installed and are not there; any other place of them is none of setup's
 * business. */
function lackedTestPackages() {
  if (packagesAreGiven) return [];
  return wantedTestPackages.filter((name) => installedPackages([name])?.length === 0 && mayInstall());
}

/** Tests do without it, and say so.
 * @param {keyof typeof testPackages} name */
function installTestPackage(name) {
  try {
    installPackages([name]);
  } catch (error) {
    if (!(error instanceof SetupError)) throw error;
    const skipped = `where there is no other, ${testPackages[name]} will be skipped`;
    console.log(`${name} cannot be installed; ${skipped}: see ${logFile}`);
  }
}

// ---- npm packages -----------------------------------------------------------------------------------------

const privateNode = path.join(root, 'node_modules/.bin/node');

/**
 * The packages of a lock file by their place; none when there is no such file.
 * @param {string} file relative to the repository
 * @returns {Record<string, { version?: string, integrity?: string, optional?: boolean }>}
 */
function lockedPackages(file) {
  /** @type {unknown} */
  const lock = JSON.parse(readText(path.join(root, file)) || '{ "packages": {} }');
  return /** @type {{ packages: ReturnType<typeof lockedPackages> }} */ (lock).packages;
}

/** Whether node_modules holds exactly what the lock file says (packages for other platforms may be absent). */
function npmIsCurrent() {
  const wanted = lockedPackages('package-lock.json');
  const found = lockedPackages('node_modules/.package-lock.json');
  const names = Object.keys(wanted).filter((name) => name !== '');
  return (
    fs.existsSync(privateNode) &&
    Object.keys(found).every((name) => name in wanted) &&
    names.every((name) =>
      found[name] ? found[name].integrity === wanted[name]?.integrity : wanted[name]?.optional,
    )
  );
}

function installNpmPackages() {
  console.log('Installing npm packages from the lock file');
  run('npm', ['ci', '--no-audit', '--no-fund']);
  const version = output(privateNode, ['--version'])?.trim();
  if (!version) {
    throw new SetupError(
      'node_modules/.bin/node does not start. It is fetched by an install script: allow npm to run those\n' +
        '(npm config set ignore-scripts false), delete node_modules and try again.',
    );
  }
  console.log(`  done, with Node ${version} for Winnow's programs`);
}

// ---- the native engine ------------------------------------------------------------------------------------

/** A hash of everything that the native build depends on.
 * @param {string[]} flags */
export function nativeInputs(flags) {
  const hash = createHash('sha256');
  const environment = ['CC', 'CXX', 'CFLAGS', 'CXXFLAGS', 'LDFLAGS'].map((name) => process.env[name]);
  const npm = lockedPackages('package-lock.json');
  const headers = ['node-addon-api', 'node-api-headers'].map((name) => npm[`node_modules/${name}`]?.version);
  hash.update(
    JSON.stringify([
      root,
      flags,
      environment,
      headers,
      installedPackages([...debianPackages, 'clang']),
      output('nvcc', ['--version']), // makes the library for NVIDIA's GPUs where it is there
    ]),
  );
  hashFiles(hash, path.join(root, 'native'));
  return hash.digest('hex');
}

/** Adds the names and contents of a folder's files, or of one file.
 * @param {import('node:crypto').Hash} hash @param {string} place absolute */
export function hashFiles(hash, place) {
  const names = fs.statSync(place).isFile()
    ? ['']
    : fs.readdirSync(place, { encoding: 'utf8', recursive: true }).sort();
  for (const name of names) {
    const file = path.join(place, name);
    if (fs.statSync(file).isFile()) hash.update(`\0${name}\0`).update(fs.readFileSync(file));
  }
}

const ADDON_STAMP = 'addon.stamp';
const STAMP = 'stamp'; // of the addon and all programs

/** Whether `folder` was built to the end from the present sources; the addon alone or everything.
 * @param {string} folder @param {string[]} flags @param {boolean} everything */
function nativeIsCurrent(folder, flags, everything) {
  const inputs = nativeInputs(flags);
  const built = (/** @type {string} */ stamp) => readText(path.join(root, folder, stamp)) === inputs;
  return built(STAMP) || (!everything && built(ADDON_STAMP));
}

/**
 * Configures and builds native/ into `folder` unless that was done: the addon, or also the tests and benchmarks, which
 * take longer. Several builds differ in their CMake flags.
 * @param {string} folder relative to the repository @param {string[]} flags @param {boolean} everything
 */
export function buildNative(folder, flags, everything = true) {
  if (nativeIsCurrent(folder, flags, everything)) return;
  const target = path.join(root, folder);
  const inputs = nativeInputs(flags);
  console.log(`Building the native engine into ${folder} (a minute or two)`);
  const cache = readText(path.join(target, 'CMakeCache.txt'));
  const isMoved =
    cache !== '' && !cache.includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${path.join(root, 'native')}\n`);
  if (isMoved) fs.rmSync(target, { recursive: true });
  for (const stamp of [STAMP, ADDON_STAMP]) fs.rmSync(path.join(target, stamp), { force: true });
  // Where ccache is installed, another clone's build is found again: paths are kept relative to the clone.
  const cached = output('ccache', ['--version']) !== undefined;
  const launcher = cached ? ['-DCMAKE_CXX_COMPILER_LAUNCHER=ccache'] : [];
  const variables = {
    ...(cached ? { CCACHE_BASEDIR: root, CCACHE_NOHASHDIR: '1' } : {}),
    // Where GitHub's machines have it.
    VCPKG_ROOT: process.env.VCPKG_ROOT ?? process.env.VCPKG_INSTALLATION_ROOT ?? '',
  };
  run('cmake', ['-S', 'native', '-B', folder, ...flags, ...launcher], variables);
  const wanted = everything ? [] : ['--target', 'winnow-addon'];
  run('cmake', ['--build', folder, '--parallel', String(availableParallelism()), ...wanted], variables);
  fs.writeFileSync(path.join(target, everything ? STAMP : ADDON_STAMP), inputs); // last: one cut short is done again
}

const withPinned = process.env.WINNOW_PACKAGES === 'pinned';
export const releaseBuild = { folder: 'out/native', flags: ['--preset', withPinned ? 'pinned' : 'release'] };
export const sanitizerBuild = { folder: 'out/native-asan', flags: ['--preset', 'sanitizers'] };

// ---- the window -------------------------------------------------------------------------------------------

const windowFolder = path.join(root, 'out/renderer');
const windowStamp = path.join(root, 'out/renderer.stamp');

/** A hash of everything that the build of the window depends on. */
function windowInputs() {
  const hash = createHash('sha256').update(readText(path.join(root, 'package-lock.json')));
  for (const folder of ['renderer', 'electron/shared', 'build/vite.config.ts']) {
    hashFiles(hash, path.join(root, folder));
  }
  return hash.digest('hex');
}

/** Whether the window was built to the end from the present sources. */
function windowIsCurrent() {
  return fs.existsSync(windowFolder) && readText(windowStamp) === windowInputs();
}

/** Builds renderer/ into out/renderer unless that was done. */
export function buildWindow() {
  if (windowIsCurrent()) return;
  const inputs = windowInputs();
  console.log('Building the window into out/renderer (a few seconds)');
  fs.rmSync(windowStamp, { force: true });
  const vite = path.join(root, 'node_modules/vite/bin/vite.js');
  run(privateNode, [vite, 'build', '--config', 'build/vite.config.ts', '--logLevel', 'warn']);
  fs.writeFileSync(windowStamp, inputs); // last, so that a build cut short is done again
}

// ---- the setup --------------------------------------------------------------------------------------------

/** @param {number} pid */
function isRunning(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}

/** Gives `file` a second name unless that is taken.
 * @param {string} file @param {string} name */
function linked(file, name) {
  try {
    fs.linkSync(file, name);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** Runs `work` while no other setup of this clone does; a lock that a killed setup left behind is taken over.
 * @param {() => void} work */
export function alone(work) {
  const lock = path.join(root, 'out/setup.lock');
  const mine = `${lock}.${String(process.pid)}`;
  fs.mkdirSync(path.dirname(lock), { recursive: true });
  fs.writeFileSync(mine, String(process.pid));
  for (let waited = false; !linked(mine, lock); waited = true) {
    if (!waited) console.log('Waiting for another setup of this clone');
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    const owner = Number(readText(lock));
    if (owner === 0 || isRunning(owner)) continue;
    for (const left of [lock, `${lock}.${String(owner)}`]) fs.rmSync(left, { force: true });
  }
  try {
    work();
  } finally {
    fs.rmSync(lock, { force: true });
    fs.rmSync(mine);
  }
}

const withWindow = !process.argv.includes('--without-window');
const withPrograms = process.argv.includes('--with-programs');
/** @type {(keyof typeof testPackages)[]} */
const wantedTestPackages = [];
if (process.argv.includes('--with-browser')) wantedTestPackages.push('chromium-headless-shell');
if (process.argv.includes('--with-clang')) wantedTestPackages.push('clang');

function isReady() {
  return (
    missingPackages().length === 0 &&
    npmIsCurrent() &&
    nativeIsCurrent(releaseBuild.folder, releaseBuild.flags, withPrograms) &&
    (!withWindow || windowIsCurrent()) &&
    lackedTestPackages().length === 0
  );
}

function setUp() {
  const missing = missingPackages();
  if (missing.length > 0) installPackages(missing);
  for (const name of lackedTestPackages()) installTestPackage(name); // before what is built where they are
  if (!npmIsCurrent()) installNpmPackages();
  buildNative(releaseBuild.folder, releaseBuild.flags, withPrograms);
  if (withWindow) buildWindow();
}

function main() {
  if (Number.parseInt(process.versions.node, 10) < 20) {
    throw new SetupError(`Winnow's setup needs Node 20 or newer; this is Node ${process.versions.node}.`);
  }
  if (!isReady()) alone(setUp);
  else if (!process.argv.includes('--quiet')) console.log('Setup: nothing to do');
}

if (process.argv[1] && path.resolve(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    main();
  } catch (error) {
    console.error(error instanceof SetupError ? error.message : error);
    process.exitCode = 1;
  }
}
