import assert from 'node:assert/strict';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { WindowRoutes } from '../../../../../electron/serve/window-routes.ts';
import { classFolders, trainingApp, smallest, train } from '../../../support/training-app.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const settings = { ...smallest, epochs: 1, batch: 8, name: 'animals' };

suite('pictures of a training', () => {
  test('are shown by their index', async (t) => {
    const folder = classFolders(t, { cat: 20, dog: 20 });
    const { app, trainer } = trainingApp(t);
    trainer.isRight = (path) => !path.includes('cat');
    await train(app, { folder, ...settings });
    const { result } = await app.showTraining({ trainingId: 1 });
    const [worst] = result?.worst ?? [];
    assert.deepEqual([worst?.label, worst?.predicted], ['cat', 'dog']);
    const routes = new WindowRoutes(temporaryFolder(t), app.pictures);
    const { signal } = new AbortController();
    const ask = (pathname: string) => routes.respond({ pathname, ifNoneMatch: undefined, signal });

    const shown = await ask(`/training/1/${worst?.index}`);
    assert.deepEqual([shown.status, shown.headers.get('Content-Type')], [200, 'image/webp']);
    const number = Number.parseInt(basename(worst?.path ?? ''));
    assert.equal(await shown.text(), `cat ${number}`); // the double renders a file as it is
    assert.equal((await ask('/training/1/0')).status, 200);

    const refusals: [string, number][] = [
      ['/training/1/40', 404],
      ['/training/2/0', 404],
      ['/training/0/0', 400],
      ['/training/1/-1', 400],
      ['/training/1/00', 400],
      ['/training/1/', 400],
      ['/training/1/..%2f0', 400],
    ];
    for (const [pathname, status] of refusals) assert.equal((await ask(pathname)).status, status, pathname);
  });

  test('keep their numbers in a journal of an earlier version, which calls them places', async (t) => {
    const folder = classFolders(t, { cat: 20, dog: 20 });
    const { app, data } = trainingApp(t);
    await train(app, { folder, ...settings });
    const { result } = await app.showTraining({ trainingId: 1 });
    assert.ok((result?.worst.length ?? 0) > 0);
    await app.close();
    const path = join(data, 'trainings/1/training.json');
    const journal = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    delete journal['samples'];
    const written = JSON.stringify(journal); // that version kept no samples
    assert.match(written, /"worst":\[\{"index":/);

    writeFileSync(path, written.replaceAll('"index":', '"place":'));
    const earlier = trainingApp(t, data).app;
    assert.deepEqual((await earlier.showTraining({ trainingId: 1 })).result, result);
    writeFileSync(path, written.replaceAll('"index":', '"spot":'));
    await assert.rejects(earlier.showTraining({ trainingId: 1 }), { code: 'FILE_SYSTEM' });
  });

  test('are not shown when they lead out of their folder', async (t) => {
    const folder = classFolders(t, { cat: 20, dog: 20 });
    const { app } = trainingApp(t);
    await train(app, { folder, ...settings });
    const secret = join(temporaryFolder(t), 'secret.jpg');
    writeFileSync(secret, 'secret');
    rmSync(join(folder, 'cat/000.jpg'));
    symlinkSync(secret, join(folder, 'cat/000.jpg'));
    await assert.rejects(app.pictures.trainingThumbnail(1, 0), /is a link to a file outside its folder/);
    rmSync(join(folder, 'cat/000.jpg'));
    await assert.rejects(app.pictures.trainingThumbnail(1, 0), /is not there or may not be read/);
  });
});
