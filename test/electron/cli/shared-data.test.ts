import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { readManifest } from '../../../electron/core/packages/read-package.ts';
import { winnow } from '../support/command-line.ts';
import { sharedData } from '../support/files.ts';
import { bundledModels, everyday10 } from '../support/models.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readCsv } from '../support/csv.ts';

/** Of the rows in both tables, those with the same value under `key` and `expectedKey`. */
function agreement(rows: Record<string, string>[], key: string, expected: Map<string, string>): number {
  const same = rows.filter((row) => expected.get(row['relative_path'] ?? '') === row[key]);
  return same.length / expected.size;
}

/** A row of the tables in a Markdown text. */
function numbersOf(name: string, text: string): number[] {
  const row = text
    .split('\n')
    .find((line) => line.replaceAll(' ', '').startsWith(`|${name.replaceAll(' ', '')}|`));
  return (row ?? '').split('|').slice(2, -1).map(Number);
}

suite('with the data beside the repository', () => {
  const hostile = sharedData('hostile');
  test('hostile files end with code 3 and a row each', { skip: hostile.skip }, async (t) => {
    const data = temporaryFolder(t);
    const csv = join(data, 'out.csv');
    assert.equal((await winnow(data, 'run', hostile.path, '--csv', csv)).code, 3);
    const rows = readCsv(csv);
    const failures = rows.filter((row) => row['status'] === 'failed').map((row) => row['relative_path']);
    const broken = ['bomb-1600-megapixels.png', 'empty.jpg', 'header-only.jpg', 'text.jpg', 'truncated.jpg'];
    assert.deepEqual(failures, [...broken, 'truncated.png']);
    assert.deepEqual([rows.length, new Set(rows.map((row) => row['relative_path'])).size], [26, 26]);
    for (const row of rows) assert.equal(row['status'] === 'failed', row['error'] !== '');
    const bomb = rows.find((row) => row['relative_path'] === 'bomb-1600-megapixels.png');
    assert.equal(bomb?.['error'], 'the picture has more pixels than Winnow decodes');
    assert.equal(bomb['problem_details'], '1600 megapixels, the limit is 200');
  });

  const cifar = sharedData('cifar10-test');
  test('a model labels its test pictures as the original does', { skip: cifar.skip }, async (t) => {
    const data = temporaryFolder(t);
    const { code, stdout } = await winnow(data, 'evaluate', cifar.path, '--model', everyday10);
    assert.equal(code, 0);
    const out = join(data, 'out.csv');
    await winnow(data, 'export', '1', '--format', 'csv', '--out', out);
    const expected = readCsv(`${cifar.path}-expected.csv`);
    const labels = new Map(expected.map((row) => [row['file'] ?? '', row['label'] ?? '']));
    assert.ok(agreement(readCsv(out), 'label', labels) >= 0.999);
    const right = expected.filter((row) => row['label'] === row['class']).length / expected.length;
    assert.match(stdout, new RegExp(`^top-1 +${(right * 100).toFixed(1)} %$`, 'm'));
    assert.match(stdout, /^block keep ratio +0\.830$/m);
  });

  test('everyday10 is right as often as its card says', { skip: cifar.skip }, async (t) => {
    const { stdout } = await winnow(temporaryFolder(t), 'evaluate', cifar.path);
    const card = readFileSync(join(bundledModels, 'everyday10.md'), 'utf8');
    const { tokenKeep } = await readManifest(join(bundledModels, 'everyday10.safetensors'));
    const column = numbersOf('r', card).indexOf(tokenKeep[0] ?? NaN); // of Balanced
    const [expected = NaN, found] = [
      numbersOf('top-1, %', card)[column],
      /^top-1 +([\d.]+) %$/m.exec(stdout),
    ];
    assert.ok(Math.abs(Number(found?.[1]) - expected) <= 0.2, `${found?.[0]}, on the card ${expected} %`);
  });

  const photos = sharedData('photos');
  const golden = sharedData('golden/dyvm-vim-tiny-random');
  const skip = photos.skip || golden.skip;
  test('photos get the labels of the original pipeline', { skip }, async (t) => {
    const data = temporaryFolder(t);
    const checkpoint = join(golden.path, 'checkpoint.pth');
    const imported = await winnow(
      data,
      'models',
      'import',
      checkpoint,
      '--name',
      'tiny',
      '--architecture',
      'vim',
    );
    assert.equal(imported.code, 0, imported.stderr);
    const json = join(data, 'out.json');
    const run = await winnow(
      data,
      'run',
      photos.path,
      '--model',
      'tiny',
      '--token-keep',
      '0.7',
      '--json',
      json,
    );
    assert.equal(run.code, 0, run.stderr);
    const expected = readCsv(join(golden.path, 'photos-r0.7.csv'));
    const best = new Map(expected.map((row) => [row['file'] ?? '', row['top1_index'] ?? '']));
    const { files } = JSON.parse(readFileSync(json, 'utf8')) as {
      files: { relative_path: string; predictions: { class_index: number }[] }[];
    };
    const rows = files.map(({ relative_path, predictions }) => ({
      relative_path,
      index: String(predictions[0]?.class_index),
    }));
    assert.equal(rows.length, 200);
    assert.ok(agreement(rows, 'index', best) >= 0.97);
  });
});
