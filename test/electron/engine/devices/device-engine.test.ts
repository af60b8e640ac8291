import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { keptText } from '../../../../electron/core/files/kept-text.ts';
import type { DeviceEngineOptions } from '../../../../electron/engine/devices/device-engine.ts';
import type { EngineModel, ImageOutcome } from '../../../../electron/shared/engine-api.ts';
import { AppError } from '../../../../electron/shared/errors.ts';
import { abandonedPath } from '../../support/abandoned-path.ts';
import { FakeGpus } from '../../support/fake-gpus.ts';
import type { FakeGpu, FakeMachine } from '../../support/fake-gpus.ts';
import { writeFiles } from '../../support/files.ts';
import { everyday10, parts } from '../../support/models.ts';
import { drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { everydayDial as dial } from '../../support/engine-client.ts';

const onCuda: EngineModel = {
  packagePath: everyday10,
  device: 'cuda',
  threads: 2,
  precision: 'bf16',
  input: { task: 'classification', resize: 32, crop: 32 },
};

function machine(
  t: TestContext,
  machineParts: FakeMachine,
  options: Partial<DeviceEngineOptions> = {},
): FakeGpus {
  return new FakeGpus(t, temporaryFolder(t), machineParts, options);
}

const withGpus = (t: TestContext, ...gpus: FakeGpu[]) => machine(t, { gpus });

/** Paths of drawn pictures. */
async function pictures(t: TestContext, count: number): Promise<string[]> {
  const folder = temporaryFolder(t);
  await drawFolder(folder, count);
  return Array.from({ length: count }, (_, index) => join(folder, `${String(index).padStart(3, '0')}.jpg`));
}

/** What the processor says of pictures: the fake GPUs compute on it too. */
async function expected(t: TestContext, paths: string[]): Promise<unknown[]> {
  const { engine } = machine(t, { gpus: [] });
  await engine.open({ ...onCuda, device: 'cpu', precision: 'fp32' });
  return (await engine.predict(paths, dial)).map(answerOf);
}

function answerOf(outcome: ImageOutcome): unknown {
  assert.equal(outcome.status, 'ok');
  return [outcome.top[0]?.classIndex, [...outcome.receipt.survived]];
}

suite('the trial of a GPU', () => {
  test('is made once, in a process of its own, and remembered by GPU and driver', async (t) => {
    const data = temporaryFolder(t);
    const gpus: FakeGpu[] = [{ name: 'cuda:0' }, { name: 'cuda:1', reason: 'Its driver is too old.' }];
    const first = new FakeGpus(t, data, { gpus });
    const devices = await first.engine.devices();
    assert.deepEqual(
      devices.map(({ name, available, reason }) => [name, available, reason]),
      [
        ['cuda:0', true, undefined],
        ['cuda:1', false, 'Its driver is too old.'],
        ['cpu', true, undefined],
        ['reference', true, undefined],
      ],
    );
    assert.deepEqual(first.log(), ['trial cuda:0']);
    const second = new FakeGpus(t, data, { gpus });
    await second.engine.devices();
    assert.deepEqual(second.log(), ['trial cuda:0']);
    const third = new FakeGpus(t, data, { gpus: [{ name: 'cuda:0', driver: 'driver 2' }] });
    await third.engine.devices();
    assert.deepEqual(third.log(), ['trial cuda:0', 'trial cuda:0']);
    await third.engine.devices(true);
    assert.equal(third.log().length, 3);
  });

  test('leaves nothing of a process that was killed while it kept what came out', async (t) => {
    const data = temporaryFolder(t);
    const dead = abandonedPath(data);
    writeFileSync(dead, '{');
    await new FakeGpus(t, data, { gpus: [{ name: 'cuda:0' }] }).engine.devices();
    assert.equal(existsSync(dead), false);
    assert.ok(existsSync(join(data, 'devices.json')));
  });

  const faults: [NonNullable<FakeGpu['trial']>, RegExp][] = [
    ['crashes', /^It did not pass its trial: its process ended unexpectedly \(exit code 139\)\.$/],
    ['wrong', /^It did not pass its trial: its confidences differ from the processor's by [01]\.\d\d\.$/],
    [
      'prunes otherwise',
      /^It did not pass its trial: it keeps another number of patches than the processor\.$/,
    ],
  ];
  for (const [trial, reason] of faults) {
    test(`refuses one that ${trial}, and remembers it`, async (t) => {
      const place = withGpus(t, { name: 'cuda:0', trial });
      const [gpu, cpu] = await place.engine.devices();
      assert.equal(gpu?.available, false);
      assert.match(gpu.reason ?? '', reason);
      assert.deepEqual([cpu?.name, cpu?.available, place.crashes], ['cpu', true, []]);
      const again = machine(
        t,
        { gpus: [{ name: 'cuda:0', trial }] },
        { trials: keptText(join(place.folder, 'devices.json')) },
      );
      assert.match((await again.engine.devices())[0]?.reason ?? '', reason);
      assert.deepEqual(again.log(), []);
    });
  }

  test('is not counted when the GPU has too little memory now', async (t) => {
    const place = withGpus(t, { name: 'cuda:0', fits: 0 });
    const [busy] = await place.engine.devices();
    assert.match(busy?.reason ?? '', /^It did not pass its trial: Expected memory for the weights/);
    place.change({ gpus: [{ name: 'cuda:0' }] });
    const later = machine(
      t,
      { gpus: [{ name: 'cuda:0' }] },
      { trials: keptText(join(place.folder, 'devices.json')) },
    );
    assert.equal((await later.engine.devices())[0]?.available, true);
  });

  test('needs a model and pictures to compare with', async (t) => {
    const place = machine(
      t,
      { gpus: [{ name: 'cuda:0' }] },
      { trial: { packagePath: parts, pictures: '/nowhere' } },
    );
    assert.match(
      (await place.engine.devices())[0]?.reason ?? '',
      /trial: there is nothing to compare with: ENOENT/,
    );
  });
});

suite('a driver that crashes while GPUs are searched for', () => {
  test('leaves the processor, and a reason', async (t) => {
    const { engine } = machine(t, { gpus: [{ name: 'cuda:0' }], searchCrashes: true });
    const [gpu, cpu] = await engine.devices();
    assert.deepEqual([gpu?.name, gpu?.available], ['gpu', false]);
    assert.match(gpu?.reason ?? '', /^The search for GPUs failed: .*exit code 139/);
    assert.deepEqual([cpu?.name, cpu?.available], ['cpu', true]);
  });
});

suite('a run on GPUs', () => {
  test('is shared by all of a backend, or goes to the one that was named', async (t) => {
    const paths = await pictures(t, 16);
    const slow = { slow: 30 };
    const place = withGpus(t, { name: 'cuda:0', later: slow }, { name: 'cuda:1', later: slow });
    const { batchesUnderWay } = await place.engine.open(onCuda);
    assert.equal(batchesUnderWay, 4);
    const batches = [0, 4, 8, 12].map((from) => place.engine.predict(paths.slice(from, from + 4), dial));
    const outcomes = (await Promise.all(batches)).flat().map(answerOf);
    assert.deepEqual(outcomes, await expected(t, paths));
    assert.deepEqual([place.imagesOf('cuda:0'), place.imagesOf('cuda:1')], [8, 8]);

    assert.equal((await place.engine.open({ ...onCuda, device: 'cuda:1' })).batchesUnderWay, 2);
    await Promise.all([
      place.engine.predict(paths.slice(0, 4), dial),
      place.engine.predict(paths.slice(4, 8), dial),
    ]);
    assert.deepEqual([place.imagesOf('cuda:0'), place.imagesOf('cuda:1')], [8, 16]);
    assert.deepEqual(place.notes, []);
  });

  test('cuts its batches when they are too large for the memory, and says so once', async (t) => {
    const paths = await pictures(t, 20);
    const place = withGpus(t, { name: 'cuda:0', later: { fits: 3 } });
    await place.engine.open(onCuda);
    const [first, second] = [paths.slice(0, 16), paths.slice(16)];
    const outcomes = await place.engine.predict(first, dial);
    outcomes.push(...(await place.engine.predict(second, dial)));
    assert.deepEqual(outcomes.map(answerOf), await expected(t, paths));
    assert.equal(place.imagesOf('cuda:0'), 20); // each once
    assert.deepEqual(place.notes, [
      'cuda:0 has too little memory for 16 images at a time, so it goes on with 2.',
    ]);
  });

  test('goes on with the processor when not even one image fits', async (t) => {
    const paths = await pictures(t, 4);
    const place = withGpus(t, { name: 'cuda:0', later: { fits: 0.5 } });
    await place.engine.open(onCuda);
    assert.deepEqual((await place.engine.predict(paths, dial)).map(answerOf), await expected(t, paths));
    assert.equal(place.imagesOf('cpu'), 4);
    assert.deepEqual(place.notes, [
      'cuda:0 has too little memory for a single image (Expected memory for 1 images); the run goes on with cpu.',
    ]);
  });

  test('goes on with another GPU when the model does not fit', async (t) => {
    const paths = await pictures(t, 2);
    const place = withGpus(t, { name: 'cuda:0', later: { fits: 0 } }, { name: 'cuda:1' });
    await place.engine.open({ ...onCuda, device: 'cuda:0' });
    await place.engine.predict(paths, dial);
    assert.equal(place.imagesOf('cuda:1'), 2);
    assert.deepEqual(place.notes, [
      'cuda:0 has too little memory for the model (Expected memory for the weights, but 1 MB are free); the run goes on with cuda:1.',
    ]);
  });

  test('loses and repeats nothing when a GPU is lost', async (t) => {
    const paths = await pictures(t, 24);
    const place = withGpus(t, { name: 'cuda:0', later: { lostAt: 2, slow: 20 } }, { name: 'cuda:1' });
    await place.engine.open({ ...onCuda, device: 'cuda:0' });
    const batches = [0, 8, 16].map((from) => place.engine.predict(paths.slice(from, from + 8), dial));
    const outcomes = (await Promise.all(batches)).flat().map(answerOf);
    assert.deepEqual(outcomes, await expected(t, paths));
    assert.deepEqual([place.imagesOf('cuda:0'), place.imagesOf('cuda:1'), place.imagesOf('cpu')], [8, 16, 0]);
    assert.deepEqual(place.notes, [
      'cuda:0 was lost (The GPU has fallen off the bus); the run goes on with cuda:1.',
    ]);
    assert.deepEqual(place.crashes, []);
  });

  test('ends on the processor when all GPUs are lost', async (t) => {
    const paths = await pictures(t, 8);
    const gpus = ['cuda:0', 'cuda:1'].map((name) => ({ name, later: { lostAt: 1 } }));
    const place = withGpus(t, ...gpus);
    await place.engine.open(onCuda);
    const batches = [0, 4].map((from) => place.engine.predict(paths.slice(from, from + 4), dial));
    assert.deepEqual((await Promise.all(batches)).flat().map(answerOf), await expected(t, paths));
    assert.equal(place.imagesOf('cpu'), 8);
    assert.equal(place.notes.length, 2);
    assert.match(place.notes[0] ?? '', /was lost .*; the run goes on with cuda:[01]\.$/);
    assert.match(place.notes[1] ?? '', /was lost .*; the run goes on with cpu\.$/);
  });

  test('takes a GPU whose process dies on every image for lost, and no image for bad', async (t) => {
    const paths = await pictures(t, 6);
    const place = withGpus(t, { name: 'cuda:0', later: { crashesAt: 1 } });
    await place.engine.open(onCuda);
    assert.deepEqual((await place.engine.predict(paths, dial)).map(answerOf), await expected(t, paths));
    assert.equal(place.imagesOf('cpu'), 6);
    assert.match(place.notes[0] ?? '', /^cuda:0 was lost \(.*exit code 139.*\); the run goes on with cpu\.$/);
  });

  test('throws what is no fault of a device', async (t) => {
    const place = withGpus(t, { name: 'cuda:0' });
    const folder = temporaryFolder(t);
    writeFiles(folder, { 'model.safetensors': 'nothing' });
    await assert.rejects(
      place.engine.open({ ...onCuda, packagePath: join(folder, 'model.safetensors') }),
      (error) => error instanceof AppError && error.code === 'BAD_MODEL',
    );
    assert.deepEqual(place.notes, []);
  });

  test('is cancelled by closing the engine', async (t) => {
    const paths = await pictures(t, 4);
    const place = withGpus(t, { name: 'cuda:0', later: { slow: 60_000 } });
    await place.engine.open(onCuda);
    const batch = assert.rejects(place.engine.predict(paths, dial), { code: 'CANCELLED' });
    await place.engine.close();
    await batch;
    assert.deepEqual(place.notes, []);
  });
});
