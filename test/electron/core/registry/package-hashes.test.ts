import assert from 'node:assert/strict';
import {
  copyFileSync,
  openSync,
  readFileSync,
  readSync,
  closeSync,
  statSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { PackageHashes } from '../../../../electron/core/registry/package-hashes.ts';
import { sha256OfFile } from '../../../../electron/core/packages/sha256.ts';
import { writeFiles } from '../../support/files.ts';
import { testApp } from '../../support/test-app.ts';
import { everyday10 } from '../../support/models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** Flips a bit of the last weight, and leaves size and time of the file as they were. */
function alter(path: string): void {
  const { size, atime, mtime } = statSync(path);
  const file = openSync(path, 'r+');
  const byte = Buffer.alloc(1);
  readSync(file, byte, 0, 1, size - 1);
  byte[0] = (byte[0] ?? 0) ^ 1;
  writeSync(file, byte, 0, 1, size - 1);
  closeSync(file);
  utimesSync(path, atime, mtime);
}

function copied(t: TestContext): { path: string; cache: string } {
  const folder = temporaryFolder(t);
  const path = join(folder, 'copy.safetensors');
  copyFileSync(everyday10, path);
  return { path, cache: join(folder, 'data', 'package-hashes.json') };
}

const altered = {
  code: 'BAD_MODEL',
  message: /weights in .* are not those that the model package was written with/,
};

suite('the hash of a package', () => {
  test('is that of the whole file', async (t) => {
    const { path } = copied(t);
    assert.equal(await new PackageHashes().of(path), await sha256OfFile(path));
  });

  test('is refused for altered weights, also when size and time are as before', async (t) => {
    const { path, cache } = copied(t);
    const hashes = new PackageHashes(cache);
    await hashes.of(path);
    alter(path);
    await assert.rejects(hashes.of(path), altered);
    await assert.rejects(new PackageHashes(cache).of(path), altered);
  });

  test('is taken from what the process before has found, without reading the package', async (t) => {
    const { path, cache } = copied(t);
    const sha256 = await new PackageHashes(cache).of(path);
    const kept = readFileSync(cache, 'utf8');
    assert.ok(kept.includes(sha256));
    writeFileSync(cache, kept.replace(sha256, 'found before'));
    assert.equal(await new PackageHashes(cache).of(path), 'found before');
  });

  test('is found anew where what was kept cannot be understood, or kept', async (t) => {
    const { path, cache } = copied(t);
    writeFiles(dirname(cache), { 'package-hashes.json': '{"a": 1}' });
    const sha256 = await sha256OfFile(path);
    assert.equal(await new PackageHashes(cache).of(path), sha256);
    assert.equal(await new PackageHashes(join(path, 'not', 'a', 'folder.json')).of(path), sha256);
  });
});

suite('a model whose weights were altered on disk', () => {
  test('is not used for a run, its resumption, a calibration or a training', async (t) => {
    const { app, folder, engine, libraryPath } = testApp(t, 2);
    const model = join(dirname(libraryPath), 'copy.safetensors');
    copyFileSync(everyday10, model);
    const { id: runId } = await app.run({ folders: [folder], model });
    writeFiles(folder, { '002.jpg': '002.jpg' });
    await app.queueRun({ folders: [folder], model, start: false });
    alter(model);
    const before = engine.predicted.length;
    await assert.rejects(app.run({ folders: [folder], model }), altered);
    await assert.rejects(app.resume({ runId }), altered);
    await assert.rejects(app.calibrate({ images: folder, model }), altered);
    await assert.rejects(app.startTraining({ folder, from: model, method: 'head' }), altered);
    assert.equal(engine.predicted.length, before);
  });
});
