import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { builtinModules } from 'node:module';
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { extractAll, listPackage } from '@electron/asar';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import { transformSync } from 'esbuild';
import electronPackage from 'electron/package.json' with { type: 'json' };
import { packNpm } from '../../build/package/npm.ts';
import packageJson from '../../package.json' with { type: 'json' };
import { root } from '../../build/setup.mjs';
import { alteredFiles } from '../../electron/main/installed-files.ts';
import { dng } from '../electron/support/dng.ts';
import { everydayLabels } from '../electron/support/models.ts';
import { draw } from '../electron/support/pictures.ts';
import { temporaryFolder } from '../electron/support/temporary-folder.ts';
import { drawShapes } from '../electron/support/shapes.ts';
import { writeElectronDistribution } from './electron-distribution.ts';

/** Everything that may be in the archive. */
const EXPECTED = [
  /^package\.json$/,
  /^electron\/(main\/(main\.mjs|installed-files\.json)|cli\/winnow\.mjs|preload\/preload\.cjs|engine\/(engine-host|training-host|decoder-worker)\.mjs)$/,
  /^electron\/core\/(library-reader|download\/http)\.mjs$/,
  /^electron\/core\/store\/migrations\/\d{4}-[a-z-]+\.sql$/,
  /^resources\/(labels\/[\w-]+\.(txt|tsv)|models\/((everyday10|parts|parts-boxes)\.(md|safetensors)|catalogue(\.schema)?\.json)|samples\/(scenes\.json|(everyday|scenes|parts\/[a-z ]+)\/[\w-]+\.jpg))$/,
  /^out\/native\/(winnow\.node|lib\w+\.so\.\d+|libwinnow-(cuda\.so|metal\.dylib))$/,
  /^out\/renderer\/(index\.html|icon\.svg|assets\/[\w.-]+\.(js|css|woff2|svg))$/,
  /^node_modules\/(better-sqlite3|libheif-js|libraw-wasm|jxl-oxide-wasm|@cornerstonejs\/codec-openjpeg|sharp|detect-libc|semver|@img\/[\w-]+)\/(package\.json|[\w./-]+\.([cm]?js|bnf))$/,
  /^node_modules\/(libraw-wasm\/dist\/libraw|jxl-oxide-wasm\/jxl_oxide_wasm_bg|@cornerstonejs\/codec-openjpeg\/dist\/openjpegwasm_decode)\.wasm$/,
  /^node_modules\/better-sqlite3\/prebuilds\/linux-x64\.node$/,
  /^node_modules\/@img\/sharp-linux-x64\/lib\/sharp-linux-x64-[\d.]+\.node$/,
  /^node_modules\/@img\/sharp-libvips-linux-x64\/lib\/libvips-cpp\.so\.[\d.]+$/,
];

/** What lies beside the archive, because the system, the engine or the command line reads it. */
const UNPACKED = /^(electron\/(cli|core|engine)|node_modules|out|resources)\//;

const NETWORK = ['http', 'https', 'http2', 'net', 'tls', 'dgram', 'dns', 'dns/promises', 'inspector'];

/** Errors of npm that mean that there is no network here. */
const NO_NETWORK = /\b(ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|ENETUNREACH|ENOTCACHED)\b/;

const isHere = process.platform === 'linux' && process.arch === 'x64';

/** What a bundle has of other modules than those of a package. */
function withoutPackage(bundle: string, name: string): string {
  const [head = '', ...modules] = bundle.split(/^(?=\/\/ (?:node_modules|electron)\/\S+$)/m);
  return head + modules.filter((module) => !module.startsWith(`// node_modules/${name}/`)).join('');
}

/** A program's text without comments, which may mention what nobody calls. */
const withoutComments = (text: string) => transformSync(text, { minifyWhitespace: true }).code;

suite('the package', { skip: isHere ? false : 'the stand-in distribution is for Linux on x64' }, () => {
  const cleanups: (() => void)[] = [];
  const temporary = () => temporaryFolder({ after: (cleanup: () => void) => void cleanups.push(cleanup) });
  process.on('exit', () => cleanups.forEach((cleanup) => cleanup()));
  const distribution = temporary();
  writeElectronDistribution(distribution, electronPackage.version);
  const command = ['build/package/package.ts', '--dir', '--electron-dist', distribution];
  const { status, stderr, stdout } = spawnSync(process.execPath, command, { cwd: root, encoding: 'utf8' });
  assert.equal(status, 0, stderr + stdout);

  const folder = join(root, 'out/packages/linux-unpacked');
  const archive = join(folder, 'resources/app.asar');
  const beside = join(folder, 'resources/app.asar.unpacked');
  // The same two folders, for a Node that cannot look into the archive.
  const extracted = join(temporary(), 'app.asar');
  extractAll(archive, extracted);
  cpSync(beside, `${extracted}.unpacked`, { recursive: true });
  const files = listPackage(archive, { isPack: false })
    .map((name) => name.replace(/^[\\/]/, '').replaceAll('\\', '/'))
    .filter((name) => existsSync(join(extracted, name)) && !isFolder(join(extracted, name)));

  function isFolder(path: string): boolean {
    try {
      return readdirSync(path).length >= 0;
    } catch {
      return false;
    }
  }

  test('has nothing in it that is not loaded', () => {
    const others = files.filter((name) => !EXPECTED.some((pattern) => pattern.test(name)));
    assert.deepEqual(others, []);
    for (const pattern of EXPECTED)
      assert.ok(
        files.some((name) => pattern.test(name)),
        String(pattern),
      );
  });

  test('has beside the archive what the system and the engine read', () => {
    const unpacked = readdirSync(beside, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(beside.length + 1));
    assert.deepEqual(unpacked.sort(), files.filter((name) => UNPACKED.test(name)).sort());
  });

  test('has the libraries that the engine loads, but for the system’s own', () => {
    const { stdout: loaded } = spawnSync('ldd', [join(beside, 'out/native/winnow.node')], {
      encoding: 'utf8',
    });
    const others = [...loaded.matchAll(/^\s*(lib\S+) => (\S+)/gm)]
      .filter(([, , file = '']) => !file.startsWith(beside))
      .map(([, name = '']) => name.replace(/\.so.*/, ''));
    assert.deepEqual(others.sort(), ['libc', 'libgcc_s', 'libm', 'libstdc++']);
  });

  test('runs from its own files: labels pictures, imports, teaches, shows page and pictures', async () => {
    const preview = await draw(64, 48).jpeg().toBuffer();
    const checkpoint = join(root, 'test/golden/vim-micro-cifar10/checkpoint.pth');
    const script = join(import.meta.dirname, 'packed-app.ts');
    const pictures = temporary();
    cpSync(join(root, 'test/electron/engine/formats/heic'), pictures, { recursive: true });
    writeFileSync(join(pictures, 'raw.dng'), dng({ preview, previewSize: { width: 64, height: 48 } }));
    const classes = temporary();
    for (const name of ['disc', 'ring'] as const) await drawShapes(classes, name, 8);
    const run = spawnSync(process.execPath, [script, extracted, checkpoint, pictures, classes], {
      env: { ...process.env, WINNOW_DATA: temporary(), NODE_PATH: '' },
      encoding: 'utf8',
    });
    assert.equal(run.status, 0, run.stderr);
    const found = JSON.parse(run.stdout) as {
      run: { run: { state: string; counts: object } };
      taught: { training: { state: string; model: string } };
    } & Record<string, unknown>;
    assert.equal(found.run.run.state, 'done');
    assert.deepEqual(found.run.run.counts, { total: 15, pending: 0, ok: 15, failed: 0 });
    assert.equal(found['listed'], 15);
    assert.equal(found['page'], '200 text/html; charset=utf-8');
    assert.equal(found['image'], '200 image/jpeg');
    assert.equal(found['thumbnail'], '200 image/webp');
    assert.deepEqual(found['labels'], everydayLabels);
    assert.deepEqual([found.taught.training.state, found.taught.training.model], ['done', 'taught']);
  });

  test('asks nothing of the network: no process of it can, but undici in the main process', () => {
    const readProgram = (name: string) => readFileSync(join(extracted, name), 'utf8');
    const main = withoutPackage(readProgram('electron/main/main.mjs'), 'undici');
    const others = [
      'electron/engine/engine-host.mjs',
      'electron/engine/training-host.mjs',
      'electron/engine/decoder-worker.mjs',
      'electron/core/library-reader.mjs',
      'electron/preload/preload.cjs',
    ].map((name) => [name, readProgram(name)] as const);
    for (const [name, program] of [['electron/main/main.mjs', main] as const, ...others]) {
      const text = withoutComments(program);
      const imported = [...text.matchAll(/(?:from|import|require\()\s*["'](?:node:)?([\w/]+)["']/g)].map(
        ([, id]) => id,
      );
      const known = imported.filter((id) => id !== undefined && builtinModules.includes(id));
      assert.deepEqual(
        known.filter((id) => id !== undefined && NETWORK.includes(id)),
        [],
        name,
      );
      assert.doesNotMatch(text, /(?<![#.\w])fetch\s*\(|new (WebSocket|EventSource|XMLHttpRequest)\b/, name);
    }
  });

  test('is a command, without a window, through its launcher and links to it', async () => {
    const installed = temporary();
    for (const name of ['bin', 'resources'])
      cpSync(join(folder, name), join(installed, name), { recursive: true });
    // As Electron's binary does with this variable.
    const binary = '#!/bin/sh\n[ "$ELECTRON_RUN_AS_NODE" = 1 ] || exit 99\nexec "$NODE" "$@"\n';
    writeFileSync(join(installed, 'winnow-window'), binary, { mode: 0o755 });
    const link = join(temporary(), 'winnow');
    symlinkSync(join(installed, 'bin/winnow'), link);
    const environment = { PATH: process.env['PATH'], NODE: process.execPath, WINNOW_DATA: temporary() };
    const winnow = (...args: string[]) => spawnSync(link, args, { encoding: 'utf8', env: environment });
    assert.equal(winnow('--version').stdout, `${packageJson.version}\n`);
    assert.equal(winnow('nothing').status, 2);
    const pictures = temporary();
    writeFileSync(join(pictures, 'one picture.jpg'), await draw(64, 48).jpeg().toBuffer());
    const run = winnow('run', pictures);
    assert.deepEqual(
      [run.status, run.stdout],
      [0, 'Run 1 is done: 1 image labelled, 0 failed.\n'],
      run.stderr,
    );
    const rows = winnow('export', '1', '--format', 'csv', '--out', '-').stdout.trimEnd().split('\n');
    assert.equal(rows.length, 2);
    assert.match(rows[1] ?? '', /^one picture\.jpg,/);
  });

  test('for npm installs without a compiler and labels a folder', (t) => {
    const tarball = packNpm({ platform: process.platform, arch: process.arch });
    const place = temporary();
    writeFileSync(join(place, 'package.json'), '{}');
    // A path on which there are node, npm and a shell, and nothing that builds.
    const programs = temporary();
    const npm = spawnSync('which', ['npm'], { encoding: 'utf8' }).stdout.trim();
    for (const [name, file] of Object.entries({
      node: process.execPath,
      npm,
      sh: '/bin/sh',
      env: '/usr/bin/env',
    }))
      symlinkSync(file, join(programs, name));
    const { HOME, NODE_EXTRA_CA_CERTS } = process.env;
    const environment = { HOME, NODE_EXTRA_CA_CERTS, PATH: programs, WINNOW_DATA: temporary() };
    const start = (program: string, ...args: string[]) =>
      spawnSync(program, args, { cwd: place, encoding: 'utf8', env: environment });
    const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--fetch-retries=0'];
    const installed = start(join(programs, 'npm'), 'install', ...flags, tarball);
    if (installed.status !== 0 && NO_NETWORK.test(installed.stderr)) {
      t.skip('npm cannot fetch packages here');
      return;
    }
    assert.equal(installed.status, 0, installed.stderr);
    const winnow = (...args: string[]) => start(join(place, 'node_modules/.bin/winnow'), ...args);
    assert.equal(winnow('--version').stdout, `${packageJson.version}\n`);
    const run = winnow('run', join(root, 'resources/samples/everyday'));
    assert.deepEqual(
      [run.status, run.stdout],
      [0, 'Run 1 is done: 12 images labelled, 0 failed.\n'],
      run.stderr,
    );
    assert.equal(
      winnow('export', '1', '--format', 'csv', '--out', '-').stdout.trimEnd().split('\n').length,
      13,
    );
  });

  test('knows which of its files are not as they were packed', async () => {
    assert.deepEqual(await alteredFiles(extracted), []);
    const changed = join(temporary(), 'app.asar');
    cpSync(join(extracted, 'electron/main'), join(changed, 'electron/main'), { recursive: true });
    cpSync(`${extracted}.unpacked`, `${changed}.unpacked`, { recursive: true });
    const [addon, host] = ['out/native/winnow.node', 'electron/engine/engine-host.mjs'];
    const place = (name: string) => join(`${changed}.unpacked`, name);
    const bytes = readFileSync(place(addon));
    bytes[1000] = (bytes[1000] ?? 0) ^ 1; // one bit
    writeFileSync(place(addon), bytes);
    rmSync(place(host));
    writeFileSync(place('node_modules/added.js'), '');
    assert.deepEqual(await alteredFiles(changed), [host, 'node_modules/added.js', addon]);
  });

  test('says whose work it holds', () => {
    const licences = readFileSync(join(folder, 'resources/LICENCES.txt'), 'utf8');
    for (const name of [
      'better-sqlite3@',
      'sharp@',
      'zod@',
      'svelte@',
      '@img/sharp-libvips-linux-x64@',
      'libdnnl',
    ])
      assert.ok(licences.includes(`\n${name}`) || licences.startsWith(name), name);
    assert.match(readFileSync(join(folder, 'resources/LICENSE.txt'), 'utf8'), /Apache License/);
  });

  test('has its switches burned in', async () => {
    const wire = await getCurrentFuseWire(join(folder, 'winnow-window'));
    const states = Object.entries({
      RunAsNode: '1', // which is the command line
      EnableCookieEncryption: '1',
      EnableNodeOptionsEnvironmentVariable: '0',
      EnableNodeCliInspectArguments: '0',
      EnableEmbeddedAsarIntegrityValidation: '1',
      OnlyLoadAppFromAsar: '1',
      GrantFileProtocolExtraPrivileges: '0',
    } as const);
    for (const [name, state] of states) {
      const found = wire[FuseV1Options[name as keyof typeof FuseV1Options]];
      assert.equal(String.fromCharCode(Number(found)), state, name);
    }
  });
});
