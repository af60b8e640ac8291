import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { isPredicted } from '../../../../electron/shared/run.ts';
import { appError } from '../app-error.ts';
import { testApp } from '../../support/test-app.ts';
import { twoStageHome } from '../../support/two-stage.ts';

/** An app with a run of the double's over three files. */
async function appWithRun(t: TestContext) {
  const home = testApp(t, 3);
  const run = await home.app.run({ folders: [home.folder], preset: 'fast' });
  const { imageIds } = await home.app.findImages({ runId: run.id, filter: {}, sort: 'path' });
  return { ...home, run, imageId: imageIds[1] ?? assert.fail('there is no image') };
}

suite('where a layer looks', () => {
  test('in an image of a run is asked with its model and settings', async (t) => {
    const { app, engine, run, imageId } = await appWithRun(t);
    assert.ok(isPredicted(run));
    const { preset } = run.spec;
    const { patches, ...rest } = await app.explainImage({ runId: run.id, imageId, layer: 3 });
    const kept = Math.floor(64 * (preset.tokenKeep.at(-1) ?? 1));
    assert.deepEqual(rest, {
      model: 'everyday10',
      layer: 3,
      layers: 8,
      grid: 8,
      kept,
      forward: true,
      backward: false,
    });
    assert.equal(patches.filter((weight) => weight > 0).length, kept);
    const [question] = engine.explained;
    assert.deepEqual(question?.dial, {
      tokenKeep: preset.tokenKeep,
      blockThreshold: preset.blockThreshold,
    });
    assert.deepEqual([question.layer, question.input.task], [2, 'classification']);
    assert.ok(question.packagePath.endsWith('everyday10.safetensors'));
  });

  test('in a file is asked at a preset, of the last layer where none is named', async (t) => {
    const { app, engine, folder } = testApp(t, 1);
    const path = join(folder, '000.jpg');
    assert.equal((await app.explainFile({ path, preset: 'accurate' })).layer, 8);
    assert.equal((await app.explainFile({ path, tokenKeep: '0.5', layer: 2 })).kept, 8);
    assert.deepEqual(
      engine.explained.map(({ layer, dial }) => [layer, dial.tokenKeep]),
      [
        [7, [1, 1, 1]],
        [1, [0.5, 0.25, 0.125]],
      ],
    );
  });

  test('is refused, in one sentence, where there is none', async (t) => {
    const { app, folder, run, imageId } = await appWithRun(t);
    const runId = run.id;
    const refused = (
      wanted: { runId: number; imageId: number; layer: number },
      ...error: Parameters<typeof appError>
    ) => assert.rejects(app.explainImage(wanted), appError(...error));
    await refused({ runId: 7, imageId, layer: 1 }, 'NOT_FOUND', /no run 7/);
    await refused({ runId, imageId: 999, layer: 1 }, 'NOT_FOUND', /no image 999 in run 1/);
    await refused({ runId, imageId, layer: 9 }, 'BAD_ARGUMENT', /from 1 to 8, which everyday10/);
    await refused({ runId, imageId, layer: 0 }, 'BAD_ARGUMENT', /counted from 1/);
    const bad = app.explainFile({ path: join(folder, 'bad.jpg') });
    await assert.rejects(bad, appError('BAD_IMAGE', /bad\.jpg: a bad file/));
  });

  test('is refused of a model that draws boxes, and of a run whose classifier saw boxes alone', async (t) => {
    const home = await twoStageHome(t, 2);
    const path = join(home.folder, '000.jpg');
    const dense = home.app.explainFile({ path, model: 'finder' });
    await assert.rejects(dense, appError('BAD_ARGUMENT', /Expected a classifier/));
    const { id: runId } = await home.run({});
    const { imageIds } = await home.app.findImages({ runId, filter: {}, sort: 'path' });
    const crops = home.app.explainImage({ runId, imageId: imageIds[0] ?? 0, layer: 1 });
    await assert.rejects(crops, appError('BAD_ARGUMENT', /no classifier that saw its images whole/));
  });
});
