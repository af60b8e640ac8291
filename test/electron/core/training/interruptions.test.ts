import assert from 'node:assert/strict';
import { cpSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { AppEvent } from '../../../../electron/shared/app-api.ts';
import { abandonedPath } from '../../support/abandoned-path.ts';
import { noticesOf } from '../../support/events.ts';
import { hostError } from '../../support/host-answer.ts';
import { classFolders, trainingApp, smallest, train, trainingEnded } from '../../support/training-app.ts';
import { appError } from '../app-error.ts';

const counts = { cat: 20, dog: 20, fox: 20 };
const settings = { ...smallest, epochs: 3, batch: 8, name: 'animals' }; // 7 steps an epoch

function notFinite(): never {
  throw hostError('DIVERGED', 'The loss is not finite');
}

function diskFull(path: string): never {
  throw hostError('DISK_FULL', `The file ${path} cannot be written: the disk is full`);
}

/** Does something before the step of a number. */
function at(step: number, act: () => unknown): (number: number) => void {
  return (number) => {
    if (number === step) act();
  };
}

function modelOf(data: string): Buffer {
  return readFileSync(join(data, 'models/animals.safetensors'));
}

suite('a training that is cut off', () => {
  test('goes on from its last saved state after a sudden end', async (t) => {
    const folder = classFolders(t, counts);
    const [whole, cut] = [trainingApp(t), trainingApp(t)];
    await train(whole.app, { folder, ...settings });

    // What is on the disk at step 17 is what a process leaves that is killed there.
    const left = `${cut.data}-left`;
    t.after(() => rmSync(left, { recursive: true, force: true }));
    cut.trainer.beforeStep = (number) => {
      if (number === 17) cpSync(cut.data, left, { recursive: true });
    };
    await train(cut.app, { folder, ...settings });

    const later = trainingApp(t, left);
    const [found] = await later.app.listTrainings({});
    assert.deepEqual([found?.state, found?.progress.done, found?.progress.epoch], ['paused', 14, 3]);
    await later.app.resumeTraining({ trainingId: 1 });
    assert.equal((await trainingEnded(later.app, 1)).state, 'done');
    assert.deepEqual(later.trainer.steps, whole.trainer.steps.slice(14));
    assert.ok(modelOf(left).equals(modelOf(whole.data)));
    assert.deepEqual(
      (await later.app.showTraining({ trainingId: 1 })).steps,
      (await whole.app.showTraining({ trainingId: 1 })).steps,
    );
  });

  test('before its pictures were read begins anew', async (t) => {
    const folder = classFolders(t, counts);
    const first = trainingApp(t);
    const { promise: never, reject } = Promise.withResolvers<never>();
    first.trainer.inspect = () => never;
    first.trainer.close = () => {
      reject(hostError('CANCELLED', 'The training host was closed'));
      return Promise.resolve();
    };
    const { id, state } = await first.app.startTraining({ folder, ...settings });
    assert.equal(state, 'preparing');
    const left = `${first.data}-left`;
    t.after(() => rmSync(left, { recursive: true, force: true }));
    cpSync(first.data, left, { recursive: true });
    const later = trainingApp(t, left);
    await later.app.resumeTraining({ trainingId: id });
    assert.equal((await trainingEnded(later.app, id)).model, 'animals');
    await first.app.close();
    assert.equal((await first.app.listTrainings({}))[0]?.state, 'paused');
  });

  test('saves its state every few minutes', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, clock } = trainingApp(t);
    trainer.beforeStep = () => void (clock.now += 70_000);
    const saved: string[] = [];
    trainer.beforeSave = (path) => saved.push(path.replace(/.*state-/, ''));
    await train(app, { folder, ...settings, epochs: 1 });
    // A step is under way when three minutes are over.
    assert.deepEqual(saved, ['3.safetensors', '6.safetensors', '7.safetensors']);
  });

  test('is paused when the app closes', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, data } = trainingApp(t);
    let closing: Promise<void> | undefined;
    trainer.beforeStep = (number) => void (closing ??= number === 3 ? app.close() : undefined);
    await train(app, { folder, ...settings });
    await closing;
    const later = trainingApp(t, data);
    const [training] = await later.app.listTrainings({});
    assert.deepEqual([training?.state, training?.progress.done], ['paused', trainer.steps.length]);
    assert.ok(trainer.steps.length <= 4);
  });

  test('goes on when the training host dies, and gives up when it always does', async (t) => {
    const folder = classFolders(t, counts);
    const [whole, cut, dying] = [trainingApp(t), trainingApp(t), trainingApp(t)];
    await train(whole.app, { folder, ...settings });
    let deaths = 0;
    cut.trainer.beforeStep = (number) => {
      if (number !== 10 || deaths++ > 0) return;
      cut.trainer.die();
      throw hostError('ENGINE', 'Training stopped: the host ended by a signal');
    };
    assert.equal((await train(cut.app, { folder, ...settings })).state, 'done');
    assert.ok(modelOf(cut.data).equals(modelOf(whole.data)));
    assert.match(noticesOf(cut.events).join(), /started again from its last state: Training stopped/);

    dying.trainer.beforeStep = (number) => {
      if (number < 10) return;
      dying.trainer.die();
      throw hostError('ENGINE', 'Training stopped: the host ended by a signal');
    };
    const failed = await train(dying.app, { folder, ...settings });
    assert.deepEqual(
      [failed.state, failed.reason],
      ['failed', 'Training stopped: the host ended by a signal'],
    );
    dying.trainer.beforeStep = () => undefined;
    await dying.app.resumeTraining({ trainingId: 1 });
    assert.equal((await trainingEnded(dying.app, 1)).state, 'done');
  });
});

suite('a loss that is not finite', () => {
  test('ends the training with the best epoch, and says where and what to lower', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer } = trainingApp(t);
    trainer.beforeStep = at(17, notFinite);
    const training = await train(app, { folder, ...settings, learningRate: 0.01 });
    assert.deepEqual([training.state, training.model, training.best?.epoch], ['done', 'animals', 1]);
    assert.equal(
      training.reason,
      'The loss was not a number any more at step 17, so epoch 1 was kept; lower the learning rate, for example to 0.005',
    );
    assert.equal((await app.showTraining({ trainingId: 1 })).epochs.length, 2);
  });

  test('fails a training without an epoch to keep', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer } = trainingApp(t);
    trainer.beforeStep = at(5, notFinite);
    const { state, reason } = await train(app, { folder, ...settings });
    assert.equal(state, 'failed');
    assert.match(
      reason ?? '',
      /not a number any more at step 5, before an epoch was done: lower the learning rate/,
    );
  });
});

suite('a full disk', () => {
  test('pauses the training, which goes on when there is room', async (t) => {
    const folder = classFolders(t, counts);
    const [whole, cut] = [trainingApp(t), trainingApp(t)];
    await train(whole.app, { folder, ...settings });
    cut.trainer.beforeSave = (path) => {
      if (path.includes('state-14')) diskFull(path);
    };
    const paused = await train(cut.app, { folder, ...settings });
    assert.equal(paused.state, 'paused');
    assert.match(paused.reason ?? '', /the disk is full, so the training is paused; nothing is lost/);
    const [listed] = await cut.app.listTrainings({});
    assert.deepEqual(listed, paused);

    cut.trainer.beforeSave = () => undefined;
    await cut.app.resumeTraining({ trainingId: 1 });
    const { state, reason } = await trainingEnded(cut.app, 1);
    assert.deepEqual([state, reason], ['done', undefined]);
    assert.ok(modelOf(cut.data).equals(modelOf(whole.data)));
  });

  test('costs no epoch when the model itself cannot be written', async (t) => {
    const folder = classFolders(t, counts);
    const { app, data, trainer } = trainingApp(t);
    trainer.beforeStep = (number) => {
      if (number === 21) writeFileSync(join(data, 'models'), 'a file in the place of the folder');
    };
    const paused = await train(app, { folder, ...settings });
    assert.deepEqual([paused.state, paused.progress.phase], ['paused', 'finishing']);
    rmSync(join(data, 'models'));
    await app.resumeTraining({ trainingId: 1 });
    assert.equal((await trainingEnded(app, 1)).state, 'done');
    assert.equal(trainer.steps.length, 21);
  });
});

suite('pictures that go away under a training', () => {
  test('are left out while they are few', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, events } = trainingApp(t);
    let gone = '';
    trainer.beforeStep = (number, { examples }) => {
      if (number !== 3 || gone !== '') return;
      gone = examples[2]?.path ?? '';
      rmSync(gone);
    };
    assert.equal((await train(app, { folder, ...settings })).state, 'done');
    assert.equal(trainer.steps.length, 21);
    assert.ok(trainer.steps.slice(3).every(({ examples }) => examples.every(({ path }) => path !== gone)));
    assert.deepEqual(noticesOf(events), [`${gone} cannot be read any more; the training goes on without.`]);
  });

  test('pause it when their folder is gone, and it goes on when that is back', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer } = trainingApp(t);
    trainer.beforeStep = at(10, () => renameSync(folder, `${folder}-away`));
    const { state, reason } = await train(app, { folder, ...settings });
    assert.equal(state, 'paused');
    assert.match(reason ?? '', /is not there any more, so the training is paused: connect its drive again/);
    renameSync(`${folder}-away`, folder);
    trainer.beforeStep = () => undefined;
    await app.resumeTraining({ trainingId: 1 });
    assert.equal((await trainingEnded(app, 1)).state, 'done');
  });

  test('pause it when they are many', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer } = trainingApp(t);
    trainer.beforeStep = at(10, () => rmSync(join(folder, 'cat'), { recursive: true, force: true }));
    const { state, reason } = await train(app, { folder, ...settings });
    assert.equal(state, 'paused', reason);
    assert.match(reason ?? '', /of 51 pictures cannot be read any more/);
  });
});

suite('trainings that are kept', () => {
  test('do not hide each other when a journal is damaged', async (t) => {
    const folder = classFolders(t, counts);
    const { app, data } = trainingApp(t);
    await train(app, { folder, ...settings, epochs: 1 });
    await train(app, { folder, ...settings, epochs: 1, name: 'others' });
    await app.close();
    const later = trainingApp(t, data);
    const path = join(data, 'trainings/1/training.json');
    for (const content of ['{"format":1,', '{"format":2}', '[]']) {
      writeFileSync(path, content);
      const [second, first] = await later.app.listTrainings({});
      assert.deepEqual([second?.name, second?.state], ['others', 'done']);
      assert.deepEqual([first?.id, first?.state], [1, 'failed']);
      assert.match(
        first?.reason ?? '',
        /The journal of training 1 is damaged: .*training\.json is not as Winnow writes it/,
      );
    }
    for (const call of [later.app.showTraining, later.app.resumeTraining])
      await assert.rejects(
        call({ trainingId: 1 }),
        appError('FILE_SYSTEM', /journal of training 1 is damaged/),
      );
    await later.app.removeTraining({ trainingId: 1 });
    assert.equal((await later.app.listTrainings({})).length, 1);
  });

  test('are none yet when they were killed before their journal was whole, and leave nothing', async (t) => {
    const folder = classFolders(t, counts);
    const { app, data } = trainingApp(t);
    const left = abandonedPath(join(data, 'trainings/1'));
    mkdirSync(dirname(left), { recursive: true });
    writeFileSync(left, '{"format":1,');
    assert.deepEqual(await app.listTrainings({}), []);
    const { id, state } = await train(app, { folder, ...settings, epochs: 1 });
    assert.deepEqual([id, state], [1, 'done']);
    assert.deepEqual(readdirSync(join(data, 'trainings/1')).sort(), ['pictures.json', 'training.json']);
  });

  test('leave nothing but their journal when they are done, and nothing when they are removed', async (t) => {
    const folder = classFolders(t, counts);
    const { app, data } = trainingApp(t);
    await train(app, { folder, ...settings });
    const files = () => readdirSync(join(data, 'trainings/1')).sort();
    assert.deepEqual(files(), ['pictures.json', 'training.json']);
    // As a process leaves it that is killed between the last two steps.
    for (const name of ['lock', 'state-21.safetensors']) writeFileSync(join(data, 'trainings/1', name), '');
    assert.equal((await app.listTrainings({}))[0]?.state, 'done');
    assert.deepEqual(files(), ['pictures.json', 'training.json']);
    await app.removeTraining({ trainingId: 1 });
    assert.deepEqual(await app.listTrainings({}), []);
    assert.ok(modelOf(data).length > 0);
    await assert.rejects(app.removeTraining({ trainingId: 1 }), appError('NOT_FOUND', /no training 1/));
    await assert.rejects(app.showTraining({ trainingId: 1 }), appError('NOT_FOUND', /no training 1/));
  });

  test('go on one at a time, in all processes', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, data } = trainingApp(t);
    const other = trainingApp(t, data);
    const tried = Promise.withResolvers<undefined>();
    trainer.beforeStep = async (number) => {
      if (number !== 3) return;
      const busy = /one training goes on at a time/;
      const request = { folder, ...settings, name: 'others' };
      await assert.rejects(app.startTraining(request), appError('BAD_ARGUMENT', busy));
      await assert.rejects(other.app.startTraining(request), appError('BAD_ARGUMENT', busy));
      await assert.rejects(other.app.resumeTraining({ trainingId: 1 }), appError('BAD_ARGUMENT', busy));
      await assert.rejects(
        other.app.removeTraining({ trainingId: 1 }),
        appError('BAD_ARGUMENT', /under way/),
      );
      await assert.rejects(app.removeTraining({ trainingId: 1 }), appError('BAD_ARGUMENT', /under way/));
      await assert.rejects(
        other.app.pauseTraining({ trainingId: 1 }),
        appError('BAD_ARGUMENT', /under way in another Winnow/),
      );
      const [running] = await other.app.listTrainings({});
      assert.deepEqual([running?.state, running?.elsewhere], ['running', true]);
      // Plans can be made meanwhile, but the trainer is not opened for them.
      assert.equal((await app.prepareTraining({ folder, ...smallest })).seconds, undefined);
      tried.resolve(undefined);
    };
    const ended = train(app, { folder, ...settings });
    await Promise.race([tried.promise, ended]);
    assert.equal((await ended).state, 'done');
    assert.equal((await train(other.app, { folder, ...settings, name: 'others' })).state, 'done');
  });

  test('are paused once their process is gone, even while another training goes on', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, data } = trainingApp(t);
    const { promise: seen, resolve } = Promise.withResolvers<[unknown, unknown][]>();
    trainer.beforeStep = async (number) => {
      if (number !== 3) return;
      trainer.beforeStep = () => undefined;
      // Another one as a process leaves it that is killed at this step: its journal, and its lock that nobody has.
      cpSync(join(data, 'trainings/1'), join(data, 'trainings/2'), { recursive: true });
      const listed = [
        ...(await trainingApp(t, data).app.listTrainings({})),
        ...(await app.listTrainings({})),
      ];
      resolve(listed.map(({ id, state, elsewhere }) => [id, elsewhere ? `${state} elsewhere` : state]));
    };
    assert.equal((await train(app, { folder, ...settings })).state, 'done');
    assert.deepEqual(await seen, [
      [2, 'paused'],
      [1, 'running elsewhere'],
      [2, 'paused'],
      [1, 'running'],
    ]);
    assert.equal((await app.resumeTraining({ trainingId: 2 })).state, 'running');
    assert.notEqual((await trainingEnded(app, 2)).state, 'paused');
  });

  test('take no name that another training is to give', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer } = trainingApp(t);
    trainer.beforeStep = at(3, notFinite);
    const first = await train(app, { folder, ...smallest, epochs: 2, batch: 8 });
    assert.equal(first.state, 'failed');
    trainer.beforeStep = () => undefined;
    const second = await train(app, { folder, ...smallest, epochs: 2, batch: 8 });
    assert.equal(second.name, `${first.name}-2`);
    await app.resumeTraining({ trainingId: 1 });
    assert.equal((await trainingEnded(app, 1)).model, first.name);
  });

  test('tell of themselves, not too often', async (t) => {
    const folder = classFolders(t, counts);
    const { app, trainer, clock, events } = trainingApp(t);
    trainer.beforeStep = () => void (clock.now += 100);
    await train(app, { folder, ...settings });
    const of = (type: AppEvent['type']) => events.filter((event) => event.type === type).length;
    assert.equal(of('trainingEpoch'), 3);
    assert.ok(of('trainingStep') >= 5 && of('trainingStep') <= 8, String(of('trainingStep')));
    const states = events.flatMap((event) => (event.type === 'training' ? [event.training.state] : []));
    assert.deepEqual([states[0], states.at(-1)], ['preparing', 'done']);
    assert.ok(states.length < 30);
  });
});
