import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { suite, test } from 'node:test';
import type { Outlook } from '../../../../electron/shared/api/runs.ts';
import type { AppEvent } from '../../../../electron/shared/app-api.ts';
import { writeFiles } from '../../support/files.ts';
import { testApp, session } from '../../support/test-app.ts';
import { everyday10 } from '../../support/models.ts';
import { appError } from '../app-error.ts';

/** What the plan of the latest run says of its preset. */
function outlook(events: readonly AppEvent[]): Outlook | undefined {
  const started = events.findLast((event) => event.type === 'started');
  return started?.plan.outlook;
}

function unknown(events: readonly AppEvent[]): string {
  const found = outlook(events);
  assert.ok(found !== undefined && 'unknown' in found);
  return found.unknown;
}

const rounded = ({ imagesPerSecond }: { imagesPerSecond: number }) => Math.round(imagesPerSecond);

suite('calibrate', () => {
  test('measures every point on the same images, tells how far it is, and keeps the curve', async (t) => {
    const { app, engine, folder, events } = testApp(t, 60);
    engine.cpu.precisions = ['fp32', 'bf16'];
    // The pruned points are faster, and bf16 is twice as fast; all labels agree.
    engine.time = ({ tokenKeep }, precision) => (tokenKeep[0] ?? 1) * (precision === 'bf16' ? 1 : 2);
    const { calibration, presets, failed } = await app.calibrate({ images: folder, threads: 2 });
    assert.deepEqual(
      [calibration.images, calibration.population, calibration.labelled, failed],
      [60, 60, 0, 0],
    );
    assert.ok(calibration.points.every(({ agreeing }) => agreeing === 60));
    assert.deepEqual(presets.accurate, calibration.points[0]);
    assert.deepEqual([presets.accurate.precision, rounded(presets.accurate)], ['fp32', 500]);
    const fastest = { precision: 'bf16', tokenKeep: [0.4, 0.4 ** 2, 0.4 ** 3] };
    assert.deepEqual({ ...presets.fast, ...fastest }, presets.fast);
    assert.equal(rounded(presets.fast), 2500);
    const last = events.at(-1);
    assert.ok(last?.type === 'calibrating');
    assert.equal(last.progress.done, last.progress.total);
    assert.equal(last.progress.total, 60 * calibration.points.length);

    const run = await app.run({ folders: [folder], threads: 2 });
    assert.deepEqual(run.spec.preset, { ...run.spec.preset, name: 'balanced', precision: 'bf16' });
    const expected = outlook(events);
    assert.ok(expected !== undefined && 'expected' in expected);
    assert.deepEqual(
      [expected.expected.agreement, rounded(expected.expected), expected.expected.loss],
      [1, 2500, undefined],
    );
    const accurate = await app.run({ folders: [folder], threads: 2, preset: 'accurate' });
    assert.equal(accurate.spec.preset?.precision, 'fp32');
    await app.run({ folders: [folder], threads: 2, blockThreshold: 0.123 });
    assert.match(unknown(events), /none of those that the calibration measured/);
  });

  test('compares with the labels of class sub-folders', async (t) => {
    const { app, folder } = testApp(t);
    const names = Array.from({ length: 60 }, (_, index) => index);
    writeFiles(folder, Object.fromEntries(names.map((index) => [`cat/${index}.jpg`, 'x'])));
    writeFiles(folder, { '1.jpg': 'x', 'other/2.jpg': 'x' });
    const { calibration } = await app.calibrate({ images: folder });
    assert.deepEqual([calibration.images, calibration.labelled], [62, 60]);
    assert.deepEqual([calibration.points[0]?.right, calibration.points[0]?.lost], [6, 0]); // 3, 13, ... are cats
  });

  test('leaves out what cannot be read, and refuses when too little is left', async (t) => {
    const { app, folder } = testApp(t, 51);
    writeFiles(folder, { 'bad.jpg': 'x' });
    const { calibration, failed } = await app.calibrate({ images: folder });
    assert.deepEqual([calibration.images, calibration.population, failed], [51, 51, 1]);
    rmSync(join(folder, '000.jpg'));
    rmSync(join(folder, '001.jpg'));
    await assert.rejects(
      app.calibrate({ images: folder }),
      appError('BAD_ARGUMENT', /at least 50 images, but of 50 sampled files 49 could be read$/),
    );
  });

  test('without a folder takes images of earlier runs that are still there', async (t) => {
    const { app, folder } = testApp(t, 52);
    await assert.rejects(
      app.calibrate({}),
      appError('BAD_ARGUMENT', /needs at least 50 images, but of the images of earlier runs 0 are there$/),
    );
    await app.run({ folders: [folder] });
    rmSync(join(folder, '000.jpg'));
    const { calibration } = await app.calibrate({});
    assert.deepEqual([calibration.images, calibration.folder, calibration.labelled], [51, undefined, 0]);
    rmSync(join(folder, '001.jpg'));
    rmSync(join(folder, '002.jpg'));
    await assert.rejects(
      app.calibrate({}),
      appError('BAD_ARGUMENT', /but of the images of earlier runs 49 are there$/),
    );
  });

  test('that is cancelled or fails keeps what was calibrated before', async (t) => {
    const { app, engine, folder, events } = testApp(t, 60);
    const { calibration } = await app.calibrate({ images: folder, threads: 1 });
    await assert.rejects(app.cancelCalibration({}), appError('NOT_FOUND', /No calibration is under way/));
    engine.time = () => 1;
    engine.batches.length = 0;
    engine.beforeAnswer = async () => {
      if (engine.batches.length === 5) await app.cancelCalibration({});
    };
    await assert.rejects(
      app.calibrate({ images: folder, threads: 1 }),
      appError('CANCELLED', /what was calibrated before is kept$/),
    );
    assert.equal(engine.batches.length, 5);
    engine.beforeAnswer = () => undefined;
    await app.run({ folders: [folder], threads: 1 });
    const found = outlook(events);
    assert.ok(found !== undefined && 'expected' in found);
    assert.deepEqual(
      [found.expected.createdAt, found.expected.imagesPerSecond],
      [calibration.createdAt, calibration.points[0]?.imagesPerSecond],
    );
  });

  test('is not under way beside a run', async (t) => {
    const { app, engine, folder, libraryPath } = testApp(t, 60);
    const other = session(t, libraryPath);
    let refused: unknown;
    engine.beforeAnswer = async () => {
      refused ??= await other.app.run({ folders: [folder] }).catch((error: unknown) => error);
    };
    await app.calibrate({ images: folder });
    assert.match(String(refused), /Another Winnow is writing/);
  });
});

suite('a run without a calibration that holds', () => {
  test('takes the trained presets and says why', async (t) => {
    const { app, engine, folder, libraryPath, events } = testApp(t, 50);
    const trained = async (request = {}) => {
      const { spec } = await app.run({ folders: [folder], threads: 1, ...request });
      assert.deepEqual([spec.preset?.precision, spec.preset?.tokenKeep[0]], ['fp32', 0.7]);
      return unknown(events);
    };
    assert.match(await trained(), /^not calibrated on this machine; `winnow calibrate --model everyday10`/);

    engine.cpu.precisions = ['fp32', 'bf16'];
    engine.time = (_, precision) => (precision === 'bf16' ? 1 : 2);
    await app.calibrate({ images: folder, threads: 1 });
    const { spec } = await app.run({ folders: [folder], threads: 1 });
    assert.equal(spec.preset?.precision, 'bf16');

    assert.match(
      await trained({ threads: 3 }),
      /is not used, for it was made with 1 thread; `winnow calibrate --model everyday10 --threads 3`/,
    );
    assert.match(await trained({ device: 'reference' }), /made on the device cpu and .* --device reference`/);
    const other = join(dirname(libraryPath), 'other.safetensors');
    const bytes = readFileSync(everyday10);
    bytes.write('aeroplan', bytes.indexOf('airplane')); // the name of a class in the manifest
    writeFileSync(other, bytes);
    assert.match(await trained({ model: other }), /the calibrations of other models are not used/);
    engine.cpu.description = 'a faster double';
    assert.match(await trained(), /made on another machine \(a double\); /);
    engine.cpu.description = 'a double';
    engine.cpu.precisions = ['fp32'];
    assert.match(await trained(), /made with another engine \(version \d+ \(fp32, bf16\)\); /);
  });

  test('refuses a precision that the device does not compute in, and names the nearest', async (t) => {
    const { app, engine, folder } = testApp(t, 1);
    engine.cpu.precisions = ['fp32', 'bf16'];
    await assert.rejects(app.run({ folders: [folder], precision: 'int8' }), {
      name: 'AppError',
      code: 'BAD_ARGUMENT',
      message: /^The device cpu computes in fp32, bf16, but not in int8$/,
      hint: 'The nearest that works: --precision bf16.',
    });
    const { spec } = await app.run({ folders: [folder], precision: 'bf16' });
    assert.deepEqual([spec.preset?.name, spec.preset?.precision], ['custom', 'bf16']);
    assert.equal(engine.models.at(-1)?.precision, 'bf16');
  });
});
