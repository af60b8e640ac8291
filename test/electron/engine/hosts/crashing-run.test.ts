import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { createAppService } from '../../../../electron/core/app-service.ts';
import { keptText } from '../../../../electron/core/files/kept-text.ts';
import { ModelRegistry } from '../../../../electron/core/registry/model-registry.ts';
import { DeviceEngine } from '../../../../electron/engine/devices/device-engine.ts';
import { connectTrainer } from '../../../../electron/engine/hosts/trainer-client.ts';
import { writeFiles } from '../../support/files.ts';
import { parts, sampleImages, sampleParts, testModels } from '../../support/models.ts';
import { drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

test('a run records files that crash the engine, says so, and does not try them again', async (t) => {
  const root = temporaryFolder(t);
  const folder = join(root, 'pictures');
  await drawFolder(folder, 6);
  writeFiles(folder, { 'b/crash.jpg': 'ABORT', 'a/crash.jpg': 'EXIT' });
  const app = createAppService({
    libraryPath: join(root, 'library.db'),
    engine: new DeviceEngine({
      hostEntry: join(import.meta.dirname, 'crashing-host.ts'),
      trials: keptText(join(root, 'devices.json')),
      trial: { packagePath: parts, pictures: sampleParts },
    }),
    trainer: connectTrainer(),
    registry: new ModelRegistry({ bundledFolder: testModels, userFolder: join(root, 'models') }),
    clock: Date.now,
    folders: { data: root, samples: sampleImages },
  });
  t.after(() => app.close());
  const notices: string[] = [];
  app.subscribe((event) => {
    if (event.type === 'notice') notices.push(event.message);
  });

  const run = await app.run({ folders: [folder], batch: 3 });
  assert.deepEqual([run.state, run.counts], ['done', { total: 8, pending: 0, ok: 6, failed: 2 }]);
  const { failures } = await app.showRun({ runId: run.id });
  assert.deepEqual(
    failures.map(({ path }) => path),
    [join(folder, 'a/crash.jpg'), join(folder, 'b/crash.jpg')],
  );
  assert.ok(failures.every(({ error }) => error === 'the image crashes the engine'));
  assert.ok(notices.some((message) => message.startsWith('The engine is started again: ')));

  notices.length = 0;
  const again = await app.run({ folders: [folder] });
  assert.deepEqual([again.counts, notices], [run.counts, []]);
});
