import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { calibrationKey } from '../../../../electron/core/calibration/find-calibration.ts';
import { estimateRun } from '../../../../electron/core/runs/estimate-run.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import type { CalibrationPoint } from '../../../../electron/shared/calibration.ts';
import { curve, point } from '../../support/calibrations.ts';
import { writeFiles } from '../../support/files.ts';
import { detectorManifest } from '../../support/found.ts';
import { testApp } from '../../support/test-app.ts';
import type { Session } from '../../support/test-app.ts';
import { classFolders, trainingApp, smallest, train } from '../../support/training-app.ts';

/** Keeps a made-up calibration of the bundled model for one thread on this machine. */
async function calibrate({ app, engine, libraryPath }: Session, folder: string, points: CalibrationPoint[]) {
  const { spec } = await app.run({ folders: [folder], threads: 1 });
  const library = Library.open(libraryPath);
  library.calibrations.put(curve(points, calibrationKey(spec.modelSha256, engine.cpu, 1)));
  library.close();
}

suite('the estimate of a run', () => {
  test('without a calibration is the standard presets and their work', async (t) => {
    const { app, folder } = testApp(t, 3);
    const unknown = await app.estimateRun({ folders: [folder] });
    assert.deepEqual(
      unknown.points.map(({ names, preset, expected, seconds }) => [names, preset.name, expected, seconds]),
      ['fast', 'balanced', 'accurate'].map((name) => [[name], name, undefined, undefined]),
    );
    const shares = unknown.points.map(({ workShare }) => workShare);
    assert.ok(shares.every((share, index) => share > (shares[index - 1] ?? 0) && share <= 1));
    assert.deepEqual(
      [unknown.chosen.preset.name, unknown.device, unknown.model.name],
      ['balanced', 'cpu', 'everyday10'],
    );
    assert.match(unknown.uncalibrated ?? '', /^not calibrated on this machine; `winnow calibrate/);
    assert.deepEqual([unknown.images, unknown.chosen.pending], [undefined, undefined]);
    assert.deepEqual(await app.listRuns({}), []); // nothing was kept
    const custom = await app.estimateRun({ folders: [folder], tokenKeep: '0.45' });
    assert.deepEqual([custom.chosen.preset.name, custom.chosen.names], ['custom', []]);
  });

  test('of a model that leaves nothing out is one point with all names and all of the work', async (t) => {
    const place = trainingApp(t);
    const { model = '' } = await train(place.app, {
      folder: classFolders(t, { dog: 30, cat: 20 }),
      ...smallest,
    });
    const { points, chosen } = await place.app.estimateRun({ folders: [place.data], model });
    assert.deepEqual(
      points.map(({ names, preset, workShare }) => [names, preset.name, workShare]),
      [[['fast', 'balanced', 'accurate'], 'accurate', 1]],
    );
    assert.deepEqual(chosen, points[0]);
  });

  test('of a detection model that leaves nothing out is its sizes, or the one size that is asked for', async (t) => {
    const { engine, libraryPath } = testApp(t);
    const manifest = { ...(await detectorManifest([{ name: 'fox' }])), imageSize: 512 };
    const plain = { ...manifest, tokenKeep: [], pruningLayers: [], blockSelection: false, blockKeep: 1 };
    const model = { name: 'plain', path: '/plain', bundled: false, bytes: 1, manifest: plain };
    const library = Library.open(libraryPath);
    t.after(() => library.close());
    const preset = { name: 'balanced', tokenKeep: [], blockThreshold: 0.5, precision: 'fp32' as const };
    const spec = { folders: [], modelName: 'plain', modelSha256: 'plain', preset, device: 'cpu' };
    const at = (inputSize?: number) =>
      estimateRun(library, { spec, model, device: engine.cpu }, 1, inputSize).points.map((point) => [
        point.names,
        point.preset.inputSize,
        point.workShare < 1,
      ]);
    assert.deepEqual(at(), [
      [['fast'], 384, true],
      [['balanced', 'accurate'], undefined, false],
    ]);
    assert.deepEqual(at(256), [[['fast', 'balanced', 'accurate'], 256, true]]);
  });

  test('counts the images of scanned folders, and those that are new or changed to this run', async (t) => {
    const { app, folder } = testApp(t, 5);
    await app.run({ folders: [folder] });
    const done = await app.estimateRun({ folders: [folder] });
    assert.deepEqual([done.images, done.chosen.pending], [5, 0]);
    assert.deepEqual(
      done.points.map(({ names, pending }) => [names, pending]),
      [
        [['fast'], 5], // a run of its own
        [['balanced'], 0],
        [['accurate'], 5],
      ],
    );
    const other = await app.estimateRun({ folders: [folder], preset: 'fast' });
    assert.deepEqual([other.images, other.chosen.pending], [5, 5]);
    writeFiles(folder, { '000.jpg': 'another content', 'new.jpg': '' });
    await app.addFolder({ path: folder });
    const changed = await app.estimateRun({ folders: [folder] });
    assert.deepEqual([changed.images, changed.chosen.pending], [6, 2]);
    writeFiles(folder, { 'in/a.jpg': '' });
    const inside = await app.estimateRun({ folders: [join(folder, 'in')] });
    assert.equal(inside.images, undefined);
  });

  test('with a calibration is the curve that no other point beats, with times', async (t) => {
    const place = testApp(t, 8);
    const { app, folder } = place;
    const keep = (ratio: number) => ({ tokenKeep: [ratio, ratio, ratio] });
    await calibrate(place, folder, [
      point(10, { ...keep(1), flops: 1e6 }),
      point(20, { ...keep(0.8), agreeing: 998 }),
      point(15, { ...keep(0.7), agreeing: 996 }), // slower than the one above, and agrees less
      point(40, { ...keep(0.6), agreeing: 980 }),
      point(80, { ...keep(0.5), agreeing: 700 }),
    ]);
    const { points, chosen, uncalibrated } = await app.estimateRun({ folders: [folder], threads: 1 });
    assert.equal(uncalibrated, undefined);
    assert.deepEqual(
      points.map(({ names, expected, seconds }) => [expected?.imagesPerSecond, names, seconds]),
      [
        [80, [], 0.1],
        [40, ['fast'], 0.2],
        [20, ['balanced'], 0.4],
        [10, ['accurate'], 0.8],
      ],
    );
    assert.deepEqual([chosen.names, chosen.expected?.agreement], [['balanced'], 0.998]);
    const custom = await app.estimateRun({ folders: [folder], threads: 1, tokenKeep: '0.7,0.7,0.7' });
    assert.deepEqual([custom.chosen.preset.name, custom.chosen.names], ['custom', []]);
    await app.run({ folders: [folder], threads: 1, preset: 'fast' });
    writeFiles(folder, { 'new.jpg': '' });
    await app.addFolder({ path: folder });
    const then = await app.estimateRun({ folders: [folder], threads: 1 });
    assert.deepEqual(
      then.points.map(({ pending, seconds }) => [pending, seconds]),
      [
        [9, 9 / 80],
        [1, 1 / 40],
        [9, 9 / 20],
        [9, 9 / 10],
      ],
    );
    const elsewhere = await app.estimateRun({ folders: [folder], threads: 3 });
    assert.match(elsewhere.uncalibrated ?? '', /made with 1 thread/);
  });
});

suite('the calibration that holds here', () => {
  test('is shown with its presets, and not when another number of threads is set', async (t) => {
    const place = testApp(t, 1);
    const { app, folder } = place;
    await calibrate(place, folder, [point(10, {}), point(20, { tokenKeep: [0.5, 0.5, 0.5], agreeing: 999 })]);
    await app.changeSettings({ threads: 1 });
    const shown = await app.showCalibration({ model: 'everyday10' });
    assert.deepEqual([shown?.modelName, shown?.presets.fast.imagesPerSecond], ['everyday10', 20]);
    await app.changeSettings({ threads: 2 });
    assert.equal(await app.showCalibration({ model: 'everyday10' }), undefined);
  });
});
