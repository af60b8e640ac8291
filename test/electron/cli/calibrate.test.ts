import assert from 'node:assert/strict';
import { cpSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { start, winnow } from '../support/command-line.ts';
import { sharedData } from '../support/files.ts';
import { drawFolder } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readCsv } from '../support/csv.ts';

/** Cells of the lines of a calibration's table, whose columns are two or more spaces apart. */
function curve(stdout: string): string[][] {
  const lines = stdout.split('\n');
  const heading = lines.findIndex((line) => line.startsWith('KEEP'));
  return lines.slice(heading + 1, lines.indexOf('', heading)).map((line) => line.split(/ {2,}/));
}

/** The relative path and the label of every row of a run. */
async function labels(data: string, run: string): Promise<Map<string, string>> {
  const out = join(data, `${run}.csv`);
  assert.equal((await winnow(data, 'export', run, '--format', 'csv', '--out', out)).code, 0);
  const rows = readCsv(out);
  return new Map(rows.map((row) => [row['relative_path'] ?? '', row['label'] ?? '']));
}

suite('winnow calibrate', () => {
  test('prints the curve, and a run tells what to expect of its preset', async (t) => {
    const data = temporaryFolder(t);
    const folder = join(data, 'pictures');
    await drawFolder(folder, 52);
    const before = await winnow(data, 'run', folder);
    assert.match(
      before.stderr,
      /expect {2}not calibrated on this machine; `winnow calibrate --model everyday10`/,
    );

    const { code, stdout, stderr } = await winnow(
      data,
      'calibrate',
      '--model',
      'everyday10',
      '--images',
      folder,
    );
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^everyday10 on cpu, \d+ threads?; 52 images of 52 in .*pictures\n/);
    assert.match(stdout, /KEEP +THRESHOLD +PRECISION +IMAGES\/S +FLOPS +BLOCKS +AGREEMENT +PRESET\n/);
    assert.match(stdout, /\n1, 1, 1 +0\.5 +fp32 +[\d.]+ +[\d.]+ M +[01]\.\d{3} +100\.00 % +accurate/);
    assert.ok(curve(stdout).length >= 12);
    for (const name of ['balanced', 'fast']) assert.match(stdout, new RegExp(`${name}\\b`));
    assert.match(stderr, /calibrating {2}100\.0 %/);

    const run = await winnow(data, 'run', folder);
    assert.match(
      run.stderr,
      /expect {2}[\d.]+ images\/s in the engine, [\d.]+ % of Accurate's labels \(calibrated \d{4}-\d\d-\d\d, 52 images\)/,
    );
    const again = await winnow(data, 'calibrate'); // images of earlier runs
    assert.match(again.stdout, /52 images of 52 of earlier runs\n/);
  });

  test('interrupted keeps nothing of itself', async (t) => {
    const data = temporaryFolder(t);
    const folder = join(data, 'pictures');
    await drawFolder(folder, 60);
    const { child, ended } = start(data, 'calibrate', '--images', folder, '--device', 'reference');
    child.stderr?.once('data', () => child.kill('SIGINT')); // it is under way
    const { code, stderr, stdout } = await ended;
    assert.deepEqual([code, stdout], [1, '']);
    assert.match(
      stderr,
      /Stopping after the images under way[^]*\nwinnow: The calibration was cancelled; what was/,
    );
    const run = await winnow(data, 'run', folder);
    assert.match(run.stderr, /expect {2}not calibrated on this machine/);
  });

  test('refuses bad arguments with one sentence', async (t) => {
    const data = temporaryFolder(t);
    const folder = join(data, 'pictures');
    await drawFolder(folder, 3);
    const cases: [string[], RegExp][] = [
      [
        ['calibrate'],
        /^winnow: A calibration needs at least 50 images, but of the images of earlier runs 0 are there\.\n/,
      ],
      [
        ['calibrate', '--images', folder],
        /^winnow: A calibration needs at least 50 images, but .* holds 3\.\n/,
      ],
      [['calibrate', '--images', join(data, 'nowhere')], /^winnow: There is no folder /],
      [['calibrate', '--images', folder, '--model', 'nope'], /^winnow: There is no model named nope\./],
      [['calibrate', '--images', folder, '--device', 'warp'], /^winnow: There is no device warp\./],
      [
        ['run', folder, '--device', 'reference', '--precision', 'int8'],
        /^winnow: The device reference computes in fp32, but not in int8\.\nThe nearest that works: --precision fp32\.\n$/,
      ],
      [
        ['run', folder, '--precision', 'fp8'],
        /^winnow: option '--precision <name>' argument 'fp8' is invalid/,
      ],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await winnow(data, ...args);
      assert.match(stderr, message);
      assert.equal(code, 2, args.join(' '));
    }
  });

  const IMAGES = 100; // of ten classes; twice as many as a calibration needs
  const cifar = sharedData('cifar10-test');
  test('chooses presets that obey their rules when evaluated', { skip: cifar.skip }, async (t) => {
    const data = temporaryFolder(t);
    const folder = join(data, 'sample');
    for (const name of readdirSync(cifar.path)) {
      for (const file of readdirSync(join(cifar.path, name))
        .sort()
        .slice(0, IMAGES / 10))
        cpSync(join(cifar.path, name, file), join(folder, name, file));
    }
    const calibrated = await winnow(data, 'calibrate', '--images', folder);
    assert.equal(calibrated.code, 0, calibrated.stderr);
    assert.match(calibrated.stdout, new RegExp(`; ${IMAGES} images of ${IMAGES} in `));
    assert.match(calibrated.stdout, /AGREEMENT +TOP-1 +LOSS +PRESET\n/);

    const evaluate = async (preset: string) => {
      const { code, stdout, stderr } = await winnow(data, 'evaluate', folder, '--preset', preset);
      assert.equal(code, 0, stderr);
      assert.match(stderr, /expect {2}.* points of accuracy (less|more) \(calibrated/);
      const top1 = Number(/^top-1 +([\d.]+) %$/m.exec(stdout)?.[1]);
      return { top1, labels: await labels(data, /^Run (\d+)/.exec(stderr)?.[1] ?? '') };
    };
    const accurate = await evaluate('accurate');
    for (const [name, agreement, loss] of [
      ['balanced', 0.99, 0.5],
      ['fast', 0.95, 2],
    ] as const) {
      const preset = await evaluate(name);
      const same = [...preset.labels].filter(([path, label]) => accurate.labels.get(path) === label).length;
      const lost = accurate.top1 - preset.top1;
      const rule = `${name}: ${same} of ${IMAGES} agree, ${lost} points lost`;
      assert.ok(same / IMAGES >= agreement || lost <= loss + 1e-9, rule);
    }
  });
});
