import assert from 'node:assert/strict';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { parse } from 'csv-parse/sync';
import { winnow } from '../support/command-line.ts';
import { foundRun } from '../support/found-run.ts';

const LABELS = [{ name: 'fox' }, { name: 'owl' }];

/** A data folder whose library has a run of a detection model. */
async function place(t: TestContext): Promise<string> {
  const { root, app } = await foundRun(t, 'detection', LABELS, {
    'in/a/1.jpg': {
      detections: [
        [0, 0.9, 6, 4, 24, 20],
        [1, 0.4, 0, 0, 12, 10],
      ],
    },
    'in/2.jpg': { detections: [] },
  });
  await app.close();
  return root;
}

const files = (folder: string) => readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort();

suite('winnow export of what was found', () => {
  test('writes a file of detections of the score asked for', async (t) => {
    const root = await place(t);
    const out = join(root, 'out.csv');
    const labels = async (...options: string[]) => {
      const { code, stdout, stderr } = await winnow(
        root,
        'export',
        '1',
        '--format',
        'detections',
        '--out',
        out,
        ...options,
      );
      assert.equal(code, 0, stderr);
      return [
        stdout,
        ...parse<Record<string, string>>(readFileSync(out), { columns: true }).map((row) => row['label']),
      ];
    };
    assert.deepEqual(await labels(), [`Wrote ${out} (1 object in 2 images).\n`, '', 'fox']);
    assert.deepEqual(await labels('--min-score', '0.3'), [
      `Wrote ${out} (2 objects in 2 images).\n`,
      '',
      'fox',
      'owl',
    ]);
    assert.deepEqual((await labels('--contains', 'owl', '--min-score', '0.3')).slice(1), ['fox', 'owl']);
  });

  test('writes a folder, and none over files', async (t) => {
    const root = await place(t);
    const out = join(root, 'labels');
    const write = (format: string) => winnow(root, 'export', '1', '--format', format, '--out', out);
    assert.equal((await write('yolo')).stdout, `Wrote ${out} (1 object in 2 images).\n`);
    const written = files(out);
    const again = await write('voc');
    assert.deepEqual([again.code, files(out)], [2, written]);
    assert.match(
      again.stderr,
      /^winnow: Expected a new or empty folder, but .* holds classes.txt and more\.\n/,
    );
    assert.match(
      (await winnow(root, 'export', '1', '--format', 'maps', '--out', `${out}2`)).stderr,
      /is of a detection model/,
    );
  });

  test('cuts boxes out of pictures, and names those that are gone', async (t) => {
    const root = await place(t);
    const write = (out: string) => winnow(root, 'export', '1', '--format', 'crops', '--out', join(root, out));
    assert.equal((await write('crops')).code, 0);
    assert.deepEqual(
      files(join(root, 'crops')).filter((path) => path.endsWith('.jpg')),
      [join('fox', 'a', '1_1.jpg')],
    );
    const gone = join(root, 'in', 'a', '1.jpg');
    rmSync(gone);
    const { code, stdout } = await write('fewer');
    assert.deepEqual(
      [code, stdout.split('\n').slice(1, 3)],
      [3, ['1 image left out:', `${join(root, 'in', 'a/1.jpg')}: the file is not there or may not be read`]],
    );
  });
});

suite('winnow evaluate of what was found', () => {
  const truth = {
    images: [
      { id: 1, file_name: 'a/1.jpg' },
      { id: 2, file_name: 'gone.jpg' },
    ],
    categories: [{ id: 1, name: 'fox' }],
    annotations: [{ image_id: 1, category_id: 1, bbox: [6, 4, 24, 20] }],
  };

  test('compares a run with annotations', async (t) => {
    const root = await place(t);
    const path = join(root, 'truth.json');
    writeFileSync(path, JSON.stringify(truth));
    const { code, stdout, stderr } = await winnow(root, 'evaluate', '--run', '1', '--annotations', path);
    assert.equal(code, 0, stderr);
    assert.equal(
      stdout,
      [
        'CLASS  OBJECTS  BOX AP',
        'fox    1        100.0 %',
        '',
        '                      BOX',
        'AP                    100.0 %',
        'AP at IoU .50         100.0 %',
        'AP at IoU .75         100.0 %',
        'AP of small objects   100.0 %',
        'AP of medium objects  -',
        'AP of large objects   -',
        '',
        'images  1',
        'The truth has 1 image that is not in the run, such as gone.jpg.',
        'The truth does not have 1 image that was predicted.',
        '',
      ].join('\n'),
    );
  });

  test('compares class maps', async (t) => {
    const { root, app } = await foundRun(t, 'segmentation', LABELS, {
      'in/1.jpg': { regions: [[1, 0, 0, 48, 40]] },
    });
    await app.close();
    const maps = join(root, 'maps');
    assert.equal((await winnow(root, 'export', '1', '--format', 'maps', '--out', maps)).code, 0);
    const { stdout } = await winnow(root, 'evaluate', '--run', '1', '--maps', maps);
    assert.equal(
      stdout,
      'CLASS  PIXELS  IOU\nowl    1.92 k  100.0 %\n\nimages          1\nmean IoU        100.0 %\npixel accuracy  100.0 %\n',
    );
  });

  const refused: [string[], RegExp][] = [
    [[], /Either a folder or --run must be given/],
    [['in', '--run', '1'], /Either a folder or --run must be given/],
    [['--run', '1'], /--annotations or --maps must be given/],
    [['--run', '1', '--maps', 'x', '--preset', 'fast'], /no settings of a prediction/],
    [['--run', '1', '--maps', 'x', '--annotations', 'y'], /not both/],
    [['in', '--maps', 'x', '--confusion', 'y'], /--confusion goes with class folders/],
    [['--run', '7', '--maps', 'x'], /There is no run 7/],
    [['--run', '1', '--annotations', 'no.json'], /There is no file/],
  ];
  for (const [args, message] of refused) {
    test(`refuses ${args.join(' ') || 'nothing'}`, async (t) => {
      const { code, stderr } = await winnow(await place(t), 'evaluate', ...args);
      assert.deepEqual([code, message.test(stderr)], [2, true], stderr);
    });
  }
});
