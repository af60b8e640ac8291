import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { prepareDecoder } from '../../../electron/engine/pictures/decode-image.ts';
import { winnow } from '../support/command-line.ts';
import { sharedData } from '../support/files.ts';
import { foundRun } from '../support/found-run.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { readCsv } from '../support/csv.ts';

/** Pictures of reports, each folder with its expected.txt: what is asserted here is what that says. */
const { path: reports, skip } = sharedData('reports');

/** Rows of the CSV that `winnow run` writes of one folder of reports, by file. */
async function rowsOf(t: TestContext, report: string) {
  const data = temporaryFolder(t);
  const csv = join(data, 'out.csv');
  const { code, stderr } = await winnow(data, 'run', join(reports, report), '--csv', csv);
  assert.equal(code, 0, stderr);
  const rows = readCsv(csv);
  return new Map(rows.map((row) => [row['relative_path'] ?? '', row]));
}

/** Differences between the samples of a file's pixels and those of the reference beside it. */
async function differences(report: string, name: string): Promise<{ most: number; mean: number }> {
  const decoder = prepareDecoder();
  const read = async (file: string) => {
    const bytes = readFileSync(join(reports, report, file));
    return decoder.decode(bytes, await decoder.readHeader(bytes), Infinity);
  };
  const [{ pixels }, reference] = [await read(name), await read('ref.png')];
  assert.equal(pixels.length, reference.pixels.length);
  const off = Array.from(pixels, (value, at) => Math.abs(value - (reference.pixels[at] ?? 0)));
  return {
    most: off.reduce((most, value) => Math.max(most, value), 0),
    mean: off.reduce((sum, value) => sum + value, 0) / off.length,
  };
}

/** What `winnow evaluate` prints of one bear that was found where it is. */
const BOX = /^CLASS +OBJECTS +BOX AP.*\n(B\u00e4r|Ba\u0308r) +1 +100\.0 %/;

suite('reports of neighbouring tools', { skip }, () => {
  for (const [report, files, expected] of [
    ['date-not-set', 4, ''],
    ['date-padded', 5, '2021-02-03T10:11:12'],
    ['date-tiff', 1, '2021-02-03T10:11:12'],
  ] as const)
    test(report, async (t) => {
      const rows = await rowsOf(t, report);
      assert.equal(rows.size, files);
      for (const [name, row] of rows)
        assert.deepEqual([row['captured_at'], row['status']], [expected, 'ok'], name);
      if (report !== 'date-padded') return;
      assert.equal(rows.get('date-sub.jpg')?.['captured_fraction'], '50');
      assert.equal(rows.get('date-tz.jpg')?.['captured_offset'], '+02:00');
    });

  for (const [report, names, tolerance] of [
    ['cmyk-alpha-tiff', ['cmyka.tif'], 0],
    ['cmyk16-tiff', ['cmyk16.tif'], 1],
    ['float-rgb-tiff', ['rgb32f.tif', 'rgb16f.tif', 'rgba32f.tif'], 1],
    ['lab8-tiff', ['lab16-im.tif'], 9],
    // 8 bits of Lab are too few at the edge of sRGB: a step of 1 there is one of up to 40, so only the mean is small.
    ['lab8-tiff', ['lab8-im.tif'], 45],
  ] as const)
    test(`${report}: ${names.join(', ')}`, async (t) => {
      const rows = await rowsOf(t, report);
      const label = rows.get('ref.png')?.['label'];
      assert.ok(label);
      for (const name of names) {
        assert.deepEqual(
          [rows.get(name)?.['status'], rows.get(name)?.['label']],
          ['ok', label],
          basename(name),
        );
        const { most, mean } = await differences(report, name);
        assert.ok(most <= tolerance && mean <= 4, `${name} is off by ${mean}, at most ${most}`);
      }
    });

  const truths: [report: string, file: string, picture: string, className: string][] = [
    ['coco-bom', 'bom.json', 'woods/a.png', 'B\u00e4r'],
    ...['seg-empty', 'seg-line', 'seg-obj', 'seg-part'].map((name): (typeof truths)[number] => [
      'coco-degenerate-polygon',
      `${name}.json`,
      'woods/a.png',
      'B\u00e4r',
    ]),
    // Composed in the file, decomposed on the disk; and a class whose name the model has the other way.
    ['nfc-nfd-truth', 'nfc.json', 'in/M\u00fcller/B\u00e4r 1.png'.normalize('NFD'), 'B\u00e4r'],
    ['nfc-nfd-truth', 'cat-nfd.json', 'woods/a.png', 'B\u00e4r'],
  ];
  for (const [report, file, picture, name] of truths)
    test(`${report}: winnow evaluate of ${file}`, async (t) => {
      const { root, app } = await foundRun(t, 'detection', [{ name }], {
        [picture]: { size: [100, 80], detections: [[0, 0.9, 10, 10, 40, 30]] },
      });
      await app.close();
      const { code, stdout, stderr } = await winnow(
        root,
        ...['evaluate', '--run', '1', '--annotations', join(reports, report, file)],
      );
      assert.equal(code, 0, stderr);
      assert.match(stdout, BOX);
    });

  test('yolo-data-yaml', async (t) => {
    const { root, app } = await foundRun(t, 'detection', [{ name: 'B\u00e4r' }, { name: 'owl' }], {
      'woods/a.png': { size: [100, 80], detections: [[0, 0.9, 10, 10, 40, 30]] },
    });
    await app.close();
    const out = join(root, 'yolo');
    const { code, stderr } = await winnow(root, 'export', '1', '--format', 'yolo', '--out', out);
    assert.equal(code, 0, stderr);
    const lines = readFileSync(join(reports, 'yolo-data-yaml', 'data.yaml'), 'utf8').split('\n');
    const written = readFileSync(join(out, 'data.yaml'), 'utf8');
    assert.equal(written, lines.filter((line) => !line.startsWith('path:')).join('\n'));
  });
});
