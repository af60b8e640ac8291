/** oneDNN and Highway for Windows: Debian's source packages, compiled by MinGW. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import { availableParallelism } from 'node:os';
import path from 'node:path';
import { hashFiles, root, run } from '../setup.mjs';

/** Where everything of the check for Windows is built. */
export const windowsFolder = path.join(root, 'out/windows');

/** The first release of Debian with oneDNN 3.x, which the packages for Windows have, too (native/vcpkg.json). */
const RELEASE = 'trixie';
const SOURCES = { onednn: '3.7.2+ds-2', highway: '1.2.0-2' };

const toolchain = path.join(root, 'native/platform/mingw.cmake');
const onednnOptions = path.join(root, 'build/windows/onednn.cmake');

const COMMON = [
  `-DCMAKE_TOOLCHAIN_FILE=${toolchain}`,
  '-DCMAKE_BUILD_TYPE=Release',
  '-DCMAKE_C_COMPILER_LAUNCHER=ccache',
  '-DCMAKE_CXX_COMPILER_LAUNCHER=ccache',
];

const HIGHWAY = [
  '-DBUILD_SHARED_LIBS=OFF',
  '-DHWY_ENABLE_TESTS=OFF',
  '-DHWY_ENABLE_EXAMPLES=OFF',
  '-DHWY_ENABLE_CONTRIB=OFF',
];

/** As the engine uses it. What runs for long is made by its own assembler at run time, whatever the compiler does. */
const ONEDNN = [
  `-DCMAKE_PROJECT_INCLUDE=${onednnOptions}`,
  '-DCMAKE_C_FLAGS_RELEASE=-O0',
  '-DCMAKE_CXX_FLAGS_RELEASE=-O0',
  '-DONEDNN_LIBRARY_TYPE=SHARED',
  '-DONEDNN_CPU_RUNTIME=OMP',
  '-DONEDNN_GPU_RUNTIME=NONE',
  '-DONEDNN_BUILD_TESTS=OFF',
  '-DONEDNN_BUILD_EXAMPLES=OFF',
  '-DONEDNN_BUILD_GRAPH=OFF',
  '-DONEDNN_ENABLE_WORKLOAD=INFERENCE',
  '-DONEDNN_ENABLE_PRIMITIVE=CONVOLUTION;INNER_PRODUCT;MATMUL;REORDER',
  '-DONEDNN_ENABLE_PRIMITIVE_CPU_ISA=AVX2',
  '-DONEDNN_ENABLE_GEMM_KERNELS_ISA=NONE', // those of sgemm, which only training uses: plain C++ does
  '-DONEDNN_ENABLE_JIT_PROFILING=OFF',
  '-DONEDNN_ENABLE_ITT_TASKS=OFF',
  '-DONEDNN_EXPERIMENTAL_LOGGING=OFF', // its library of messages would be another package
  '-DONEDNN_ARCH_OPT_FLAGS=',
];

/** What a command prints; throws when it fails. */
function output(command: string, args: string[]): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`${command} ${args.join(' ')}\nfailed: ${error?.message ?? stderr}`);
}

/** Options of apt for source packages, in a configuration of our own: the machine's lists stay as they are. */
function privateApt(): string[] {
  const folder = path.join(windowsFolder, 'apt');
  for (const name of ['lists/partial', 'cache/archives/partial']) {
    fs.mkdirSync(path.join(folder, name), { recursive: true });
  }
  const format = '$(REPO_URI) $(COMPONENT)';
  const servers = output('apt-get', [
    'indextargets',
    '--format',
    format,
    'Created-By: Packages',
    'Label: Debian',
  ]);
  const [server] = servers.split('\n').flatMap((line) => /^(\S+) main$/.exec(line)?.[1] ?? []);
  if (server === undefined) {
    throw new Error(
      'oneDNN and Highway are built from source packages of Debian, which this system does not know.',
    );
  }
  const list = path.join(folder, 'sources.list');
  fs.writeFileSync(list, `deb-src ${server} ${RELEASE} main\n`);
  const options = [
    `Dir::Etc::SourceList=${list}`,
    'Dir::Etc::SourceParts=-',
    `Dir::State::Lists=${path.join(folder, 'lists')}`,
    `Dir::Cache=${path.join(folder, 'cache')}`,
    'APT::Sandbox::User=root', // another user may not be able to write into this clone
  ];
  return options.flatMap((option) => ['-o', option]);
}

/** Fetches the source packages, which apt checks, and unpacks them; gives the folder of each. */
function fetchSources(): Record<keyof typeof SOURCES, string> {
  const apt = privateApt();
  const folder = path.join(windowsFolder, 'sources');
  fs.mkdirSync(folder, { recursive: true });
  run('apt-get', [...apt, 'update']);
  const unpacked = (name: keyof typeof SOURCES) => {
    const version = SOURCES[name];
    const target = path.join(folder, `${name}-${version.replace(/-[^-]*$/, '')}`);
    if (fs.existsSync(target)) return target;
    console.log(`Fetching the source package ${name} ${version}`);
    run('sh', [
      '-c',
      'cd "$0" && exec apt-get "$@"',
      folder,
      ...apt,
      'source',
      '--download-only',
      `${name}=${version}`,
    ]);
    // Without Debian's patches: they are for libraries of its own and for processors that Windows does not run on.
    const part = `${target}.part`;
    fs.rmSync(part, { recursive: true, force: true });
    run('dpkg-source', ['--skip-patches', '--extract', path.join(folder, `${name}_${version}.dsc`), part]);
    fs.renameSync(part, target);
    return target;
  };
  return { onednn: unpacked('onednn'), highway: unpacked('highway') };
}

/** A short hash of all that the libraries are made from. */
function inputs(): string {
  const hash = createHash('sha256').update(JSON.stringify([SOURCES, COMMON, HIGHWAY, ONEDNN]));
  const headers = ['nlohmann-json3-dev', 'doctest-dev'];
  hash.update(
    output('dpkg-query', ['--show', 'g++-mingw-w64-x86-64-posix', 'mingw-w64-x86-64-dev', ...headers]),
  );
  for (const file of [toolchain, onednnOptions]) hashFiles(hash, file);
  return hash.digest('hex').slice(0, 12);
}

/** The folder, below out/windows, with include/, lib/ and bin/ of the libraries; they are built unless that was done. */
export function builtLibraries(): string {
  const folder = path.join(windowsFolder, `libraries-${inputs()}`);
  if (fs.existsSync(folder)) return folder;
  const sources = fetchSources();
  const part = path.join(windowsFolder, 'libraries.part');
  fs.rmSync(part, { recursive: true, force: true });
  build('highway', sources.highway, part, HIGHWAY);
  build('onednn', sources.onednn, part, ONEDNN);
  for (const header of ['nlohmann', 'doctest']) {
    fs.cpSync(path.join('/usr/include', header), path.join(part, 'include', header), { recursive: true });
  }
  fs.renameSync(part, folder); // last, so that a build cut short is done again
  return folder;
}

function build(name: string, source: string, target: string, options: string[]): void {
  const folder = path.join(windowsFolder, 'build', name);
  console.log(`Building ${path.basename(source)} for Windows (oneDNN takes ten minutes and more)`);
  const variables = { CCACHE_BASEDIR: windowsFolder, CCACHE_NOHASHDIR: '1' };
  const prefix = `-DCMAKE_INSTALL_PREFIX=${target}`;
  const jobs = String(availableParallelism());
  try {
    run('cmake', ['-S', source, '-B', folder, '--fresh', ...COMMON, prefix, ...options], variables);
    run('cmake', ['--build', folder, '--parallel', jobs, '--target', 'install'], variables);
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`MinGW did not compile ${name}, so nothing was run on Wine.\n${said}`, { cause });
  }
}
