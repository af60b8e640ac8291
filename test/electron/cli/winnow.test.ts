import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { ratios } from '../../../electron/cli/format.ts';
import { readManifest } from '../../../electron/core/packages/read-package.ts';
import { winnow } from '../support/command-line.ts';
import { writeFiles } from '../support/files.ts';
import { bundledModels } from '../support/models.ts';
import { draw, drawFolder } from '../support/pictures.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readCsv } from '../support/csv.ts';

/** A data folder, and a folder with some drawn pictures. */
async function place(t: TestContext, count: number): Promise<{ data: string; folder: string }> {
  const data = temporaryFolder(t);
  const folder = join(data, 'pictures');
  await drawFolder(folder, count);
  return { data, folder };
}

const manifest = await readManifest(join(bundledModels, 'everyday10.safetensors'));

suite('winnow run', () => {
  test('labels a folder and writes CSV and JSON', async (t) => {
    const { data, folder } = await place(t, 5);
    const csv = join(data, 'out.csv');
    const json = join(data, 'out.json');
    const { code, stdout, stderr } = await winnow(data, 'run', folder, '--csv', csv, '--json', json);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^Run 1 is done: 5 images labelled, 0 failed\.\nWrote .*out\.csv \(5 rows\)\.\nWrote .*out\.json/,
    );
    for (const used of [
      /model {3}everyday10 \(comes with Winnow/,
      new RegExp(
        `preset {2}balanced: patches kept ${ratios(manifest.tokenKeep)}; block threshold 0\\.5; fp32`,
      ),
    ]) {
      assert.match(stderr, used);
    }
    assert.match(stderr, /work {4}[\d.]+ % of the whole model/);
    assert.match(stderr, /device {2}cpu, \d+ threads?/);
    assert.match(stderr, /5\/5 images {2}100\.0 % {2}[\d.]+ images\/s/);
    const rows = readCsv(csv);
    assert.deepEqual(
      rows.map((row) => [row['relative_path'], row['status'], row['width']]),
      [0, 1, 2, 3, 4].map((index) => [`00${index}.jpg`, 'ok', '48']),
    );
    const { files } = JSON.parse(readFileSync(json, 'utf8')) as {
      files: { predictions: { label: string }[] }[];
    };
    assert.deepEqual(
      files.map(({ predictions }) => predictions[0]?.label),
      rows.map((row) => row['label']),
    );
  });

  test('says with code 3 that some images failed, and does not try them again', async (t) => {
    const { data, folder } = await place(t, 2);
    writeFiles(folder, { 'text.jpg': 'text', 'notes.txt': 'text' });
    const first = await winnow(data, 'run', folder);
    assert.deepEqual(
      [first.code, first.stdout.split('\n')[0]],
      [3, 'Run 1 is done: 2 images labelled, 1 failed.'],
    );
    const second = await winnow(data, 'run', folder);
    assert.equal(second.code, 3);
    assert.doesNotMatch(second.stderr, /images\/s/); // nothing was predicted
    const { stdout } = await winnow(data, 'show', '1');
    assert.match(stdout, /text\.jpg: the file holds no picture in a format that Winnow reads \(/);
  });

  test('says at its end, and in show, how many files of which kind it passed over', async (t) => {
    const { data, folder } = await place(t, 1);
    const unread = ['a.mp4', 'b.MP4', 'deep/c.mp4', 'd.psd', 'README'];
    writeFiles(folder, Object.fromEntries(unread.map((name) => [name, name])));
    const line = 'Passed over, as no pictures that Winnow reads: 3 .mp4, 1 without an extension, 1 .psd.';
    const ended = await winnow(data, 'run', folder);
    assert.equal(ended.code, 0, ended.stderr);
    assert.ok(ended.stdout.split('\n').includes(line), ended.stdout);
    assert.ok((await winnow(data, 'show', '1')).stdout.split('\n').includes(line));
    rmSync(join(folder, 'a.mp4'));
    const again = await winnow(data, 'run', folder);
    assert.match(again.stdout, /: 2 \.mp4, 1 without an extension, 1 \.psd\.\n/);
  });

  test('takes every option', async (t) => {
    const { data, folder } = await place(t, 2);
    const library = join(data, 'elsewhere/own.db');
    const dial = ['--token-keep', '0.6,0.3,0.1', '--block-threshold', '0.4', '--preset', 'fast'];
    const work = ['--device', 'cpu', '--threads', '1', '--batch', '1', '--library', library];
    const { code, stderr } = await winnow(data, 'run', folder, '--model', 'everyday10', ...dial, ...work);
    assert.equal(code, 0, stderr);
    assert.match(stderr, /preset {2}custom: patches kept 0\.6, 0\.3, 0\.1; block threshold 0\.4/);
    assert.match(stderr, /device {2}cpu, 1 thread, 1 image per batch/);
    const { stdout } = await winnow(data, 'runs', '--library', library);
    assert.match(stdout, /^RUN +STATE .*\n1 +done +2 +2 +0 +0 +everyday10 +custom/);
    assert.equal((await winnow(data, 'runs')).stdout, 'There are no runs yet.\n');
  });

  test('reads every format, turned and converted', async (t) => {
    const data = temporaryFolder(t);
    const folder = join(data, 'formats');
    mkdirSync(folder);
    const picture = () => draw(60, 40);
    const files = {
      'a.jpg': picture().jpeg().withMetadata({ orientation: 6 }),
      'b.png': picture().png({ palette: true }),
      'c.webp': picture().webp(),
      'd.TIFF': picture().tiff(),
      'e.avif': picture().avif(),
      'f.gif': picture().gif(),
      'g.png': picture().ensureAlpha(0.5).png(),
      'h.jpeg': picture().toColourspace('cmyk').jpeg(),
      'i.png': picture().toColourspace('rgb16').png(),
      'misnamed.jpg': picture().png(),
    };
    for (const [name, file] of Object.entries(files))
      writeFileSync(join(folder, name), await file.toBuffer());
    const csv = join(data, 'out.csv');
    assert.equal((await winnow(data, 'run', folder, '--csv', csv)).code, 0);
    assert.deepEqual(
      readCsv(csv).map((row) => [row['relative_path'], row['status'], `${row['width']}x${row['height']}`]),
      Object.keys(files).map((name) => [name, 'ok', name === 'a.jpg' ? '40x60' : '60x40']),
    );
  });
});

suite('winnow export', () => {
  test('writes the rows that pass the filters', async (t) => {
    const { data, folder } = await place(t, 3);
    writeFiles(folder, { 'empty.png': '' });
    await winnow(data, 'run', folder);
    const out = join(data, 'out.csv');
    const failed = await winnow(data, 'export', '1', '--format', 'csv', '--out', out, '--only', 'failed');
    assert.deepEqual([failed.code, readCsv(out).map((row) => row['error'])], [0, ['the file is empty']]);
    const sure = await winnow(data, 'export', '1', '--format', 'csv', '--out', out, '--min-confidence', '1');
    assert.deepEqual([sure.code, readCsv(out)], [0, []]);
  });
});

suite('winnow evaluate', () => {
  test('prints accuracy, kept blocks and FLOPs, and writes the confusion matrix', async (t) => {
    const data = temporaryFolder(t);
    const folder = join(data, 'classes');
    await drawFolder(join(folder, 'cat'), 2);
    await drawFolder(join(folder, 'Truck'), 1);
    const confusion = join(data, 'confusion.csv');
    const { code, stdout } = await winnow(data, 'evaluate', folder, '--confusion', confusion);
    assert.equal(code, 0);
    for (const line of [
      /^Truck +1 +[\d.]+ % +[\d.]+ %$/m,
      /^cat +2 +/m,
      /^images +3 in 2 class folders$/m,
      /^top-1 +[\d.]+ %$/m,
      /^top-5 +[\d.]+ %$/m,
      /^block keep ratio +[01]\.\d{3}$/m,
      /^FLOPs per image +[\d.]+ M by the original's counting rule, [\d.]+ M in truth$/m,
      /^speed +[\d.]+ images\/s/m,
    ]) {
      assert.match(stdout, line);
    }
    assert.deepEqual(
      readCsv(confusion).map((row) => row['folder']),
      ['Truck', 'cat'],
    );
  });
});

suite('winnow models and devices', () => {
  test('list what there is', async (t) => {
    const data = temporaryFolder(t);
    const { embedDim, depth } = manifest;
    assert.match(
      (await winnow(data, 'models', 'list')).stdout,
      new RegExp(`^NAME .*\neveryday10 +vim, width ${embedDim}, depth ${depth}, 32 px, 10 classes`),
    );
    assert.match((await winnow(data, 'models', 'show', 'everyday10')).stdout, /everyday10/);
    assert.match((await winnow(data, 'models', 'verify', 'everyday10')).stdout, /is sound/);
    assert.match((await winnow(data, 'devices')).stdout, /^cpu +yes +fp32/m);
  });
});

suite('bad arguments', () => {
  test('end with code 2 and one sentence', async (t) => {
    const { data, folder } = await place(t, 1);
    const cases: [string[], RegExp][] = [
      [['run'], /^winnow: missing required argument 'folder'/],
      [['fly'], /^winnow: unknown command 'fly'/],
      [['run', folder, '--speed', '9'], /^winnow: unknown option '--speed'/],
      [['run', join(data, 'nowhere')], /^winnow: There is no folder .*nowhere\.\n/],
      [['run', folder, '--token-keep', '0'], /^winnow: A token keep ratio must be above 0 and at most 1/],
      [
        ['run', folder, '--preset', 'fastest'],
        /^winnow: option '--preset <name>' argument 'fastest' is invalid/,
      ],
      [
        ['run', folder, '--model', 'nope'],
        /^winnow: There is no model named nope\.\nAvailable: everyday10, parts, parts-boxes\.\n/,
      ],
      [['run', folder, '--batch', 'many'], /^winnow: option '--batch <n>' argument 'many' is invalid/],
      [
        ['run', folder, '--threads', '0'],
        /^winnow: Threads must be a whole number from 1 to 1024, but is 0\.\n/,
      ],
      [['show', '7'], /^winnow: There is no run 7 in the library\.\n/],
      [['show', 'x'], /^winnow: command-argument value 'x' is invalid/],
      [
        ['export', '1', '--format', 'xml', '--out', 'x'],
        /^winnow: option '--format <format>' argument 'xml'/,
      ],
      [['evaluate', folder], /^winnow: No sub-folder of .* is named like a class/],
    ];
    for (const [args, message] of cases) {
      const { code, stderr } = await winnow(data, ...args);
      assert.match(stderr, message);
      assert.equal(code, 2, args.join(' '));
      assert.ok(stderr.trimEnd().split('\n').length <= 2, stderr);
    }
  });

  test('of the file system and the library end with code 1 and one sentence', async (t) => {
    const { data, folder } = await place(t, 1);
    writeFiles(data, { 'text.db': 'This is no library. '.repeat(50) });
    const library = await winnow(data, 'run', folder, '--library', join(data, 'text.db'));
    assert.deepEqual([library.code, library.stderr.split('\n').length], [1, 3]);
    assert.match(library.stderr, /is not a Winnow library or is damaged \(SQLITE_NOTADB\)\.\n/);
    const output = await winnow(data, 'run', folder, '--csv', join(data, 'no/such/out.csv'));
    assert.equal(output.code, 1);
    assert.match(output.stderr, /out\.csv cannot be written: its folder does not exist\.\n/);
  });

  test('help and version end with code 0', async (t) => {
    const data = temporaryFolder(t);
    const { code, stdout } = await winnow(data, '--help');
    assert.deepEqual([code, / run \[options\] <folder\.\.\.>[^]* resume /.test(stdout)], [0, true]);
    assert.equal((await winnow(data, '--version')).code, 0);
  });
});
