import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { connectTrainer } from '../../../../electron/engine/hosts/trainer-client.ts';
import { noticesOf } from '../../support/events.ts';
import { drawFolder } from '../../support/pictures.ts';
import { smallest, train, trainingEnded } from '../../support/training-app.ts';
import { smallDisk } from '../../support/small-disk.ts';
import { session } from '../../support/test-app.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const settings = { ...smallest, epochs: 3, batch: 8, name: 'animals', seed: 5, threads: 2 };

/** An app whose trainings run in the real training host, and lie in `data`; its library lies elsewhere. */
function appOfHost(t: TestContext, data: string) {
  const trainer = connectTrainer();
  const { app, events } = session(t, join(temporaryFolder(t), 'library.db'), { data, trainer });
  t.after(() => trainer.close());
  return { app, events };
}

async function drawnClasses(t: TestContext): Promise<string> {
  const folder = temporaryFolder(t);
  for (const name of ['cat', 'dog']) {
    mkdirSync(join(folder, name));
    await drawFolder(join(folder, name), 12);
  }
  return folder;
}

suite('a full disk under a training of the real host', () => {
  test('pauses it with its last state, is no crash, and costs not a bit', async (t) => {
    const disk = smallDisk(t, 4 * 2 ** 20);
    if (disk === undefined) return;
    const folder = await drawnClasses(t);
    const whole = temporaryFolder(t);
    await train(appOfHost(t, whole).app, { folder, ...settings });

    const { app, events } = appOfHost(t, disk.path);
    let filled = false;
    app.subscribe(({ type }) => {
      if (type !== 'trainingEpoch' || filled) return;
      filled = true;
      disk.fill();
    });
    const paused = await train(app, { folder, ...settings });
    assert.equal(paused.state, 'paused', paused.reason);
    assert.match(
      paused.reason ?? '',
      /cannot be written: the disk is full, so the training is paused; nothing is lost, and it can go on when there is room$/,
    );
    assert.doesNotMatch(noticesOf(events).join(), /started again/);

    disk.empty();
    await app.resumeTraining({ trainingId: 1 });
    const done = await trainingEnded(app, 1);
    assert.deepEqual([done.state, done.reason], ['done', undefined]);
    const modelOf = (data: string) => readFileSync(join(data, 'models/animals.safetensors'));
    assert.ok(modelOf(disk.path).equals(modelOf(whole)));
  });

  test('leaves no half file where the model was to be', async (t) => {
    const disk = smallDisk(t, 4 * 2 ** 20);
    if (disk === undefined) return;
    const folder = await drawnClasses(t);
    const { app, events } = appOfHost(t, disk.path);
    app.subscribe((event) => {
      if (event.type === 'training' && event.training.progress.phase === 'finishing') disk.fill();
    });
    const paused = await train(app, { folder, ...settings, epochs: 1 });
    assert.equal(paused.state, 'paused', paused.reason);
    assert.match(paused.reason ?? '', /the disk is full/);
    assert.ok(!existsSync(join(disk.path, 'models/animals.safetensors')));
    assert.doesNotMatch(noticesOf(events).join(), /started again/);
  });
});
