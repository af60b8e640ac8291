import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { builtinModules } from 'node:module';
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { extractAll, listPackage } from '@electron/asar';
import { FuseV1Options, getCurrentFuseWire } from '@electron/fuses';
import electronPackage from 'electron/package.json' with { type: 'json' };
import { root } from '../../build/setup.mjs';
import { dng } from '../electron/support/dng.ts';
import { everydayLabels } from '../electron/support/models.ts';
import { draw } from '../electron/support/pictures.ts';
import { temporaryFolder } from '../electron/support/temporary-folder.ts';
import { drawShapes } from '../electron/support/shapes.ts';
import { writeElectronDistribution } from './electron-distribution.ts';

/** Everything that may be in the archive. */
const EXPECTED = [
  /^package\.json$/,
  /^electron\/(main\/main\.mjs|preload\/preload\.cjs|engine\/(engine-host|training-host|decoder-worker)\.mjs)$/,
  /^electron\/core\/library-reader\.mjs$/,
  /^electron\/core\/store\/migrations\/\d{4}-[a-z-]+\.sql$/,
  /^resources\/(labels\/[\w-]+\.(txt|tsv)|models\/(everyday10|parts)\.(md|safetensors)|samples\/(everyday|parts\/[a-z ]+)\/[\w-]+\.jpg)$/,
  /^out\/native\/(winnow\.node|lib\w+\.so\.\d+|libwinnow-(cuda\.so|metal\.dylib))$/,
  /^out\/renderer\/(index\.html|icon\.svg|assets\/[\w.-]+\.(js|css|woff2|svg))$/,
  /^node_modules\/(better-sqlite3|libheif-js|libraw-wasm|jxl-oxide-wasm|@cornerstonejs\/codec-openjpeg|sharp|detect-libc|semver|@img\/[\w-]+)\/(package\.json|[\w./-]+\.([cm]?js|bnf))$/,
  /^node_modules\/(libraw-wasm\/dist\/libraw|jxl-oxide-wasm\/jxl_oxide_wasm_bg|@cornerstonejs\/codec-openjpeg\/dist\/openjpegwasm_decode)\.wasm$/,
  /^node_modules\/better-sqlite3\/prebuilds\/linux-x64\.node$/,
  /^node_modules\/@img\/sharp-linux-x64\/lib\/sharp-linux-x64-[\d.]+\.node$/,
  /^node_modules\/@img\/sharp-libvips-linux-x64\/lib\/libvips-cpp\.so\.[\d.]+$/,
];

/** What lies beside the archive, because the system or the engine reads it. */
const UNPACKED =
  /^((electron\/engine|node_modules|out\/native|resources\/(models|samples))\/|electron\/core\/library-reader\.mjs$)/;

const NETWORK = ['http', 'https', 'http2', 'net', 'tls', 'dgram', 'dns', 'dns/promises', 'inspector'];

const isHere = process.platform === 'linux' && process.arch === 'x64';

suite('the package', { skip: isHere ? false : 'the stand-in distribution is for Linux on x64' }, () => {
  const cleanups: (() => void)[] = [];
  const temporary = () => temporaryFolder({ after: (cleanup: () => void) => void cleanups.push(cleanup) });
  process.on('exit', () => cleanups.forEach((cleanup) => cleanup()));
  const distribution = temporary();
  writeElectronDistribution(distribution, electronPackage.version);
  const command = ['build/package.ts', '--dir', '--electron-dist', distribution];
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
    cpSync(join(root, 'test/electron/engine/heic'), pictures, { recursive: true });
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

  test('asks nothing of the network: no process of it can', () => {
    for (const name of [
      'electron/main/main.mjs',
      'electron/engine/engine-host.mjs',
      'electron/engine/training-host.mjs',
      'electron/engine/decoder-worker.mjs',
      'electron/core/library-reader.mjs',
      'electron/preload/preload.cjs',
    ]) {
      const text = readFileSync(join(extracted, name), 'utf8');
      const imported = [...text.matchAll(/(?:from|import|require\()\s*["'](?:node:)?([\w/]+)["']/g)].map(
        ([, id]) => id,
      );
      const known = imported.filter((id) => id !== undefined && builtinModules.includes(id));
      assert.deepEqual(
        known.filter((id) => id !== undefined && NETWORK.includes(id)),
        [],
        name,
      );
      assert.doesNotMatch(text, /\bfetch\s*\(|new (WebSocket|EventSource|XMLHttpRequest)\b/, name);
    }
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
    const wire = await getCurrentFuseWire(join(folder, 'winnow'));
    const states = Object.entries({
      RunAsNode: '0',
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
