import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gpuBatch } from '../../../../electron/core/models/batch-size.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import { noticesOf } from '../../support/events.ts';
import { gpu } from '../../support/gpus.ts';
import { testApp, session } from '../../support/test-app.ts';

suite('the device of a run', () => {
  test('is by default all GPUs that can be used, in a precision of theirs', async (t) => {
    const { app, engine, folder } = testApp(t, 3);
    engine.gpus = [gpu('cuda:0', {}, 'too old'), gpu('cuda:1'), gpu('cuda:2')];
    const run = await app.run({ folders: [folder] });
    assert.deepEqual([run.spec.device, run.spec.preset?.precision], ['cuda', 'bf16']);
    assert.deepEqual([engine.models[0]?.device, engine.models[0]?.precision], ['cuda', 'bf16']);
    const named = await app.run({ folders: [folder], device: 'cuda:2' });
    assert.equal(named.spec.device, 'cuda:2');
    assert.notEqual(named.id, run.id);
    const same = await app.run({ folders: [folder], device: 'cuda' });
    assert.equal(same.id, run.id);
  });

  test('is the processor where no GPU can be used', async (t) => {
    const { app, engine, folder } = testApp(t, 1);
    engine.gpus = [gpu('cuda:0', {}, 'Its driver is too old.')];
    const { spec } = await app.run({ folders: [folder] });
    assert.deepEqual([spec.device, spec.preset?.precision], ['cpu', 'fp32']);
    for (const device of ['cuda', 'cuda:0']) {
      await assert.rejects(app.run({ folders: [folder], device }), {
        code: 'BAD_ARGUMENT',
        message: `The device ${device} cannot be used: Its driver is too old.`,
        hint: /Devices that can be used: cpu, reference/,
      });
    }
    await assert.rejects(app.run({ folders: [folder], device: 'cuda:1' }), { message: /no device cuda:1/ });
  });

  test('is another when that of a paused run cannot be used any more, and the run says so', async (t) => {
    const place = testApp(t, 40);
    place.engine.gpus = [gpu('cuda:0')];
    place.engine.beforeAnswer = () => void place.app.cancel({ runId: 1 });
    const paused = await place.app.run({ folders: [place.folder], batch: 4 });
    assert.deepEqual([paused.state, paused.spec.device], ['paused', 'cuda']);
    await place.app.close();

    const later = session(t, place.libraryPath);
    later.engine.gpus = [gpu('cuda:0', {}, 'It has overheated.')];
    const done = await later.app.resume({ runId: 1 });
    assert.equal(done.state, 'done');
    assert.deepEqual([later.engine.models[0]?.device, later.engine.models[0]?.precision], ['cpu', 'fp32']);
    const note = 'The device cuda cannot be used: It has overheated; the run goes on with cpu.';
    assert.deepEqual(done.notes, [note]);
    assert.ok(noticesOf(later.events).includes(note));
    const predicted = [...place.engine.predicted, ...later.engine.predicted];
    assert.deepEqual([predicted.length, new Set(predicted).size], [40, 40]);
  });
});

suite('what becomes of the devices under a run', () => {
  test('is kept with it, each once, and told', async (t) => {
    const { app, engine, events, folder, libraryPath } = testApp(t, 8);
    engine.beforeAnswer = () => {
      engine.note('cuda:0 was lost (dust); the run goes on with cpu.');
      engine.note('cuda:0 was lost (dust); the run goes on with cpu.');
      engine.note('Another.');
    };
    const run = await app.run({ folders: [folder], batch: 4 });
    const notes = ['cuda:0 was lost (dust); the run goes on with cpu.', 'Another.'];
    assert.deepEqual(run.notes, notes);
    assert.deepEqual((await app.listRuns({}))[0]?.notes, notes);
    assert.ok(noticesOf(events).includes('Another.'));
    await app.close();
    const library = Library.open(libraryPath);
    t.after(() => library.close());
    assert.deepEqual(library.runs.get(run.id)?.notes, notes);
  });

  test('is no run’s when none is under way', async (t) => {
    const { app, engine, events, folder } = testApp(t, 1);
    const run = await app.run({ folders: [folder] });
    engine.note('A note.');
    assert.deepEqual((await app.showRun({ runId: run.id })).run.notes, []);
    assert.ok(noticesOf(events).includes('A note.'));
  });
});

suite('the batches of a run', () => {
  test('are as many at a time as the engine wants', async (t) => {
    for (const batchesUnderWay of [1, 4]) {
      const { app, engine, folder } = testApp(t, 24);
      let [underWay, most] = [0, 0];
      engine.batchesUnderWay = batchesUnderWay;
      engine.beforeAnswer = async () => {
        most = Math.max(most, ++underWay);
        await new Promise((resolve) => setTimeout(resolve, 5));
        underWay--;
      };
      await app.run({ folders: [folder], batch: 2 });
      assert.deepEqual([most, engine.predicted.length], [batchesUnderWay, 24]);
    }
  });

  test('do not wait for a slow one', async (t) => {
    const { app, engine, folder } = testApp(t, 12);
    const slow = Promise.withResolvers<undefined>();
    engine.beforeAnswer = async () => {
      if (engine.batches.length === 1) await slow.promise;
      if (engine.batches.length === 6) slow.resolve(undefined); // the last
    };
    const run = await app.run({ folders: [folder], batch: 2 });
    assert.equal(run.counts.ok, 12);
  });

  test('that fail stop the run, and the others are saved', async (t) => {
    const { app, engine, folder } = testApp(t, 12);
    engine.batchesUnderWay = 3;
    engine.beforeAnswer = () => {
      if (engine.batches.length === 3) throw new Error('broken');
    };
    await assert.rejects(app.run({ folders: [folder], batch: 2 }), /broken/);
    const [run] = await app.listRuns({});
    assert.equal(run?.state, 'failed');
    assert.ok(run.counts.ok >= 4 && run.counts.pending >= 2, JSON.stringify(run.counts));
  });

  test('are as large on a GPU as its free memory has room for', async (t) => {
    const { app, engine, folder } = testApp(t, 300);
    engine.gpus = [gpu('cuda:0'), gpu('cuda:1')];
    await app.run({ folders: [folder] });
    assert.deepEqual(
      engine.batches.map((paths) => paths.length),
      [256, 44],
    );
    const [model] = (await app.listModels({})).packages; // everyday10: 64 patches of width 96
    assert.ok(model);
    const perImage = 64 * 96 * 128;
    const room = (images: number) => (images * perImage + model.bytes) / 0.8 + 1;
    for (const [free, batch] of [
      [room(100), 64],
      [room(64), 64],
      [room(63.9), 32],
      [room(1), 1],
      [0, 1],
    ] as const) {
      assert.equal(gpuBatch(gpu('cuda:0', { freeBytes: free }), model), batch);
    }
    assert.equal(gpuBatch(engine.cpu, model), undefined);
  });

  test('are cut to what the GPU with the least free memory has room for', async (t) => {
    const { app, engine, folder } = testApp(t, 40);
    const [model] = (await app.listModels({})).packages;
    const freeBytes = (20 * 64 * 96 * 128 + (model?.bytes ?? 0)) / 0.8;
    engine.gpus = [gpu('cuda:0'), gpu('cuda:1', { freeBytes })];
    await app.run({ folders: [folder] });
    assert.equal(engine.batches[0]?.length, 16);
  });
});
