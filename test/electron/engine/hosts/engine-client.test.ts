import { problemText } from '../../../../electron/shared/picture-problem.ts';
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import sharp from 'sharp';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import { topClasses } from '../../../../electron/engine/predict/top-classes.ts';
import type { ImageOutcome } from '../../../../electron/shared/engine-api.ts';
import { AppError } from '../../../../electron/shared/errors.ts';
import { sharedData, writeFiles } from '../../support/files.ts';
import { drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { engineClient, everydayDial as dial, everydayModel as model } from '../../support/engine-client.ts';

const crashingHost = join(import.meta.dirname, 'crashing-host.ts');

/** A folder of drawn pictures, and the paths of everything in it. */
async function pictures(t: TestContext, count: number, others: Record<string, string> = {}) {
  const folder = temporaryFolder(t);
  await drawFolder(folder, count);
  writeFiles(folder, others);
  const paths = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name));
  return { folder, paths };
}

/** What a prediction says, without what differs between two computations of it. */
function essence(outcome: ImageOutcome | undefined) {
  assert.equal(outcome?.status, 'ok');
  return {
    facts: outcome.facts,
    classes: outcome.top.map(({ classIndex }) => classIndex),
    directions: [...outcome.receipt.directions],
    survived: [...outcome.receipt.survived],
  };
}

/** What is said of the failure, and what its cause said. */
function failureOf(outcome: ImageOutcome | undefined): string {
  assert.equal(outcome?.status, 'failed');
  const { problem } = outcome;
  return problem.details === undefined ? problemText(problem) : `${problemText(problem)}: ${problem.details}`;
}

suite('the engine', () => {
  test('tells its devices', async (t) => {
    const devices = await engineClient(t).devices();
    assert.ok(devices.some(({ name, available }) => name === 'cpu' && available));
    assert.ok(devices.every(({ available, reason }) => available === (reason === undefined)));
  });

  test('predicts files, with a receipt each', async (t) => {
    const engine = engineClient(t);
    const { paths } = await pictures(t, 5);
    await engine.open(model);
    const outcomes = await engine.predict(paths, dial);
    assert.equal(outcomes.length, 5);
    for (const outcome of outcomes) {
      const { facts, directions, survived } = essence(outcome);
      assert.deepEqual([facts.width, facts.height], [48, 40]);
      assert.ok(facts.version !== undefined && facts.version.fileSize > 0);
      assert.deepEqual([directions.length, survived.length], [8, 64]);
      assert.equal(survived.filter((stages) => stages === 3).length, 21); // trunc(0.343 * 64)
      assert.ok(outcome.status === 'ok' && outcome.receipt.milliseconds > 0 && outcome.top.length === 5);
      const confidences = outcome.top.map(({ confidence }) => confidence);
      assert.deepEqual(
        confidences,
        [...confidences].sort((one, other) => other - one),
      );
      assert.ok(confidences.reduce((sum, confidence) => sum + confidence, 0) <= 1 + 1e-6);
    }
  });

  test('gives an image the same result in any batch, beside failures and another batch', async (t) => {
    const engine = engineClient(t);
    const { paths } = await pictures(t, 7, { '002b.jpg': 'a text', '005b.png': '' });
    await engine.open(model);
    const [all, again] = await Promise.all([
      engine.predict(paths, dial),
      engine.predict(paths.slice(3), dial),
    ]);
    for (const [index, path] of paths.entries()) {
      const [alone] = await engine.predict([path], dial);
      if (/b\.\w+$/.test(path)) {
        assert.equal(failureOf(all[index]), failureOf(alone));
        continue;
      }
      assert.deepEqual(essence(all[index]), essence(alone));
      if (index >= 3) assert.deepEqual(essence(again[index - 3]), essence(alone));
    }
  });

  test('says of each file that it cannot read why', async (t) => {
    const engine = engineClient(t);
    const { folder } = await pictures(t, 0, { 'empty.jpg': '', 'text.jpg': 'text', 'folder.jpg/x': '' });
    spawnSync('mkfifo', [join(folder, 'pipe.jpg')]);
    await engine.open(model);
    const names = ['empty.jpg', 'text.jpg', 'folder.jpg', 'pipe.jpg', 'gone.jpg'];
    const outcomes = await engine.predict(
      names.map((name) => join(folder, name)),
      dial,
    );
    const patterns = [
      /is empty/,
      /no picture in a format/,
      /folder, pipe or device/,
      /pipe or device/,
      /does not exist/,
    ];
    for (const [index, pattern] of patterns.entries()) assert.match(failureOf(outcomes[index]), pattern);
    const known = outcomes.map(({ facts }) => facts.version !== undefined);
    assert.deepEqual(known, [true, true, false, false, false]);
  });

  test('refuses a model that is none, and goes on with another', async (t) => {
    const engine = engineClient(t);
    const { folder, paths } = await pictures(t, 1, { 'model.safetensors': 'nothing' });
    const broken = { ...model, packagePath: join(folder, 'model.safetensors') };
    await assert.rejects(
      engine.open(broken),
      (error) => error instanceof AppError && error.code === 'BAD_MODEL',
    );
    await engine.open(model);
    await engine.open({ ...model, threads: 1 });
    assert.equal((await engine.predict(paths.slice(0, 1), dial)).length, 1);
  });

  test('ends when it is closed, also in the middle of a batch', async (t) => {
    const engine = engineClient(t);
    const { paths } = await pictures(t, 20);
    await engine.open({ ...model, device: 'reference' });
    const batch = assert.rejects(engine.predict(paths, dial), { code: 'CANCELLED' });
    await engine.close();
    await batch;
    await assert.rejects(engine.predict(paths, dial), { code: 'CANCELLED' });
    await assert.rejects(engine.devices(), { code: 'CANCELLED' });
  });
});

suite('the engine client', () => {
  const crashing = { '003x.jpg': 'ABORT', '007x.jpg': 'EXIT', '011x.jpg': 'ABORT' };

  test('finds the files that crash the host, and predicts all others', async (t) => {
    const crashes: string[] = [];
    const engine = engineClient(t, { hostEntry: crashingHost });
    engine.onCrash((reason) => crashes.push(reason));
    const { paths } = await pictures(t, 13, crashing);
    await engine.open(model);
    const batches = [paths.slice(0, 8), paths.slice(8)];
    const outcomes = (await Promise.all(batches.map((batch) => engine.predict(batch, dial)))).flat();
    for (const [index, path] of paths.entries()) {
      const outcome = outcomes[index];
      if (!path.includes('x.jpg')) {
        essence(outcome);
        continue;
      }
      const how = path.includes('007x') ? /exit code 7/ : /SIGABRT/;
      assert.match(failureOf(outcome), /^the image crashes the engine: /);
      if (process.platform !== 'win32') assert.match(failureOf(outcome), how);
      assert.ok(outcome?.facts.version !== undefined); // so that it is not tried again until it changes
    }
    assert.ok(crashes.length >= 3 && new Set(crashes).size >= 2);
    assert.equal((await engine.predict(paths.slice(0, 2), dial)).length, 2);
  });

  test('takes a host for hung that does not answer, and finds the file', async (t) => {
    const engine = engineClient(t, { hostEntry: crashingHost, watchdog: () => 2500 });
    const { paths } = await pictures(t, 1, { '000x.jpg': 'HANG' });
    await engine.open(model);
    const outcomes = await engine.predict(paths, dial);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['ok', 'failed'],
    );
    assert.match(failureOf(outcomes[1]), /did not answer for 3 s/);
  });

  test('gives up when every image crashes the engine', async (t) => {
    const engine = engineClient(t, { hostEntry: crashingHost });
    const all = Object.fromEntries(Array.from({ length: 16 }, (_, index) => [`${index}.jpg`, 'EXIT']));
    const { paths } = await pictures(t, 0, all);
    await engine.open(model);
    await assert.rejects(engine.predict(paths, dial), {
      name: 'AppError',
      code: 'ENGINE',
      message: /crashed on 16 images in a row, the last one .*\.jpg: /,
    });
  });

  test('gives up on a host that does not start, and says why', async (t) => {
    const engine = engineClient(t, { hostEntry: join(import.meta.dirname, 'broken-host.ts') });
    const failure = {
      name: 'AppError',
      code: 'ENGINE',
      message: /3 attempts .*TypeError: the driver is missing/,
    };
    await assert.rejects(engine.devices(), failure);
    await assert.rejects(engine.open(model), failure);
  });
});

suite('topClasses', () => {
  test('are the five best by softmax, of equal ones the first', () => {
    const logits = Float32Array.from([1, 3, 3, -2, 0, 7, 2]);
    const sum = logits.reduce((total, logit) => total + Math.exp(logit), 0);
    const top = topClasses(logits);
    assert.deepEqual(
      top.map(({ classIndex }) => classIndex),
      [5, 1, 2, 6, 0],
    );
    for (const { classIndex, confidence } of top) {
      assert.ok(Math.abs(confidence - Math.exp(logits[classIndex] ?? 0) / sum) < 1e-12);
    }
    assert.deepEqual(topClasses(Float32Array.of(-5)), [{ classIndex: 0, confidence: 1 }]);
    assert.equal(topClasses(Float32Array.of(500, -500))[0]?.confidence, 1);
  });
});

const crops = sharedData('golden/preprocessing');
test('decoding, resize and crop meet the original byte for byte', { skip: crops.skip }, async () => {
  const { prepareDecoder } = await import('../../../../electron/engine/pictures/decode-image.ts');
  const [decoder, addon] = [prepareDecoder(), loadAddon()];
  const photos = join(dirname(crops.path), '../photos');
  const names = readdirSync(crops.path).filter((name) => name.endsWith('.png'));
  assert.ok(names.length > 0);
  for (const name of names) {
    const bytes = readFileSync(join(photos, name.replace('.png', '.JPEG')));
    const header = await decoder.readHeader(bytes);
    const { pixels, width, height } = await decoder.decode(bytes, header, 256);
    const crop = new Uint8Array(224 * 224 * 3);
    await addon.resizeAndCrop(pixels, width, height, { resize: 256, crop: 224 }, crop, 0);
    const expected = await sharp(join(crops.path, name), { ignoreIcc: true }).raw().toBuffer();
    assert.ok(Buffer.from(crop).equals(expected), name);
  }
});
