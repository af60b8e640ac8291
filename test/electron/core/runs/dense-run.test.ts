import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Request } from '../../../../electron/core/app/app-context.ts';
import type { EngineDial } from '../../../../electron/shared/engine-api.ts';
import { testApp } from '../../support/test-app.ts';
import { appError } from '../app-error.ts';
import { detectionCheckpoint, segmentationCheckpoint } from '../checkpoint/tiny-model.ts';
import { saveZip } from '../checkpoint/torch-save.ts';

/** An app with the models `finder` (detection, 32 pixels) and `painter` (segmentation), and a folder of pictures. */
async function studio(t: TestContext, count = 0) {
  const home = testApp(t, count);
  const { app, engine } = home;
  const file = join(home.folder, '..', 'model.pth');
  writeFileSync(file, saveZip(detectionCheckpoint()));
  await app.importModel({ file, name: 'finder', halveDirections: false });
  writeFileSync(file, saveZip(segmentationCheckpoint()));
  const painter = await app.importModel({ file, name: 'painter', tokenKeep: '0.5', pruningLayers: [1] });
  const dials: EngineDial[] = [];
  const predict = engine.predict.bind(engine);
  engine.predict = (paths, dial) => {
    dials.push(dial);
    return predict(paths, dial);
  };
  const run = (dial: Omit<Request<'run'>, 'folders'>) => app.run({ folders: [home.folder], ...dial });
  return { ...home, run, dials, painter: painter.manifest };
}

suite('a run of a detection model', () => {
  test('is one of its task, with settings of its own', async (t) => {
    const { app, run, engine, dials, events } = await studio(t, 6);
    const { id, spec, counts } = await run({ model: 'finder' });
    assert.deepEqual(spec.detection, { minScore: 0.05, nmsIou: 0.5, maxDetections: 100 });
    assert.deepEqual([counts.ok, spec.slideStride], [6, undefined]);
    assert.deepEqual(engine.models.at(-1)?.input, { task: 'detection', size: 32 });
    assert.deepEqual(dials[0]?.detection, spec.detection);
    assert.deepEqual(
      engine.batches.map(({ length }) => length),
      [4, 2],
    ); // saved before many were seen
    const told = events.flatMap((event) => (event.type === 'labelled' ? event.images : []));
    assert.deepEqual(told[0], { imageId: told[0]?.imageId, label: '', confidence: 0 });
    const live = events.flatMap((event) =>
      event.type === 'progress' && event.progress.phase !== 'scanning' ? [event.progress] : [],
    );
    const blankAfter = (images: number) =>
      told.slice(0, images).filter(({ confidence }) => confidence === 0).length;
    assert.deepEqual(
      live.map(({ ok, blank }) => [ok, blank]),
      [
        [4, blankAfter(4)],
        [6, 2],
      ],
    );
    const { found, run: finished } = await app.showRun({ runId: id });
    assert.ok(found?.task === 'detection');
    assert.deepEqual([found.objects, finished.blank], [6, 2]); // of 0, 1, 2, 3, 0, 1 objects the third has a low score

    const other = await run({ model: 'finder', minScore: 0.4, maxDetections: 7, inputSize: 64 });
    assert.deepEqual(other.spec.detection, { minScore: 0.4, nmsIou: 0.5, maxDetections: 7 });
    assert.deepEqual([other.spec.preset.name, other.spec.preset.inputSize], ['custom', 64]);
    assert.deepEqual(engine.models.at(-1)?.input, { task: 'detection', size: 64 });
    const same = await run({ model: 'finder', nmsIou: 0.5, preset: 'balanced' });
    assert.deepEqual([other.id === id, same.id === id], [false, true]);
  });

  test('replaces what it found in a file that changed', async (t) => {
    const { app, run, folder } = await studio(t, 4);
    const { id: runId } = await run({ model: 'finder' });
    const { imageIds } = await app.findImages({ runId, filter: {}, sort: 'path' });
    const imageId = imageIds[3] ?? 0;
    const box = { label: 'mine', x: 1, y: 1, width: 9, height: 9 };
    await app.review({ runId, imageIds: [imageId], verdict: { kind: 'boxes', boxes: [box] } });
    writeFileSync(join(folder, '003.jpg'), 'another content');
    await run({ model: 'finder' });
    const { detections, humanBoxes } = await app.showImage({ runId, imageId });
    assert.deepEqual([detections.length, humanBoxes], [3, [box]]);
    await app.removeRun({ runId });
    const again = await run({ model: 'finder' });
    assert.deepEqual((await app.showImage({ runId: again.id, imageId })).humanBoxes, [box]);
  });

  test('costs more at a larger size, by the estimate', async (t) => {
    const { app, folder } = await studio(t);
    const share = async (inputSize?: number) =>
      (await app.estimateRun({ folders: [folder], model: 'finder', inputSize })).chosen.workShare;
    assert.equal(await share(), 1);
    assert.ok((await share(64)) > 1);
  });
});

suite('a run of a segmentation model', () => {
  test('slides by the trained stride, or another', async (t) => {
    const { app, run, engine, dials, painter } = await studio(t, 2);
    assert.ok(painter.task === 'segmentation');
    const { id, spec } = await run({ model: 'painter' });
    const { slideStride } = painter.head;
    assert.deepEqual([spec.slideStride, spec.detection], [slideStride, undefined]);
    assert.deepEqual(engine.models.at(-1)?.input, { task: 'segmentation', size: painter.imageSize });
    assert.equal(dials[0]?.slideStride, slideStride);
    assert.equal((await run({ model: 'painter', slideStride })).id, id);
    const other = await run({ model: 'painter', slideStride: slideStride - 1 });
    assert.deepEqual([other.id === id, other.spec.slideStride], [false, slideStride - 1]);
    const { imageIds } = await app.findImages({ runId: id, filter: {}, sort: 'path' });
    const { item, regions } = await app.showImage({ runId: id, imageId: imageIds[0] ?? 0 });
    assert.deepEqual(
      regions.map(({ share }) => share),
      [28 / 48, 20 / 48],
    );
    assert.ok(item.work !== undefined && item.work > 0 && item.work <= 1); // the double's receipt is of two windows
  });
});

test('what a task has not is refused in one sentence', async (t) => {
  const { run, app, painter } = await studio(t, 1);
  const refused: [Omit<Request<'run'>, 'folders'>, RegExp][] = [
    [{ inputSize: 64 }, /^The model everyday10 classifies pictures, so it has no input size to set$/],
    [{ model: 'painter', minScore: 0.5 }, /painter segments pictures, so it has no smallest score/],
    [{ model: 'painter', maxDetections: 5 }, /no number of detections/],
    [{ model: 'finder', slideStride: 5 }, /finder detects objects, so it has no slide stride/],
    [{ model: 'painter', slideStride: painter.imageSize + 1 }, /slide stride must be from/],
    [{ model: 'painter', slideStride: 1 }, /slide stride must be from/],
    [{ model: 'finder', inputSize: 100 }, /multiple of 32 pixels/],
    [{ model: 'finder', nmsIou: 1.5 }, /overlap of boxes must be from 0 to 1/],
    [{ model: 'finder', maxDetections: 0 }, /from 1 to 1000/],
  ];
  for (const [dial, message] of refused) await assert.rejects(run(dial), appError('BAD_ARGUMENT', message));
  assert.deepEqual(await app.listRuns({}), []);
});

suite('a calibration', () => {
  test('of a detection model measures its sizes, and holds for runs with its settings alone', async (t) => {
    const { app, engine, run, folder, events } = await studio(t, 52);
    engine.cpu.precisions = ['fp32', 'bf16'];
    engine.time = (_dial, precision) => (precision === 'bf16' ? 1 : 2);
    const { calibration, presets } = await app.calibrate({ model: 'finder', images: folder });
    assert.deepEqual(
      calibration.points.map(({ precision, agreeing }) => [precision, agreeing]),
      [
        ['fp32', 52],
        ['bf16', 52],
      ],
    );
    assert.equal(presets.balanced.precision, 'bf16');
    const outlook = () => {
      const started = events.findLast((event) => event.type === 'started');
      return started?.plan.outlook;
    };
    await run({ model: 'finder' });
    assert.ok('expected' in (outlook() ?? {}));
    await run({ model: 'finder', maxDetections: 5 });
    assert.match(JSON.stringify(outlook()), /none of those that the calibration measured/);
  });

  test('of a segmentation model compares maps at every keep ratio', async (t) => {
    const { app, folder } = await studio(t, 52);
    const { calibration } = await app.calibrate({ model: 'painter', images: folder });
    assert.deepEqual(
      calibration.points.map(({ tokenKeep }) => tokenKeep),
      [[1], [0.8], [0.6], [0.5]],
    );
    assert.ok(calibration.points.every(({ agreeing }) => Math.abs(agreeing - 52) < 1e-9));
  });
});
