import assert from 'node:assert/strict';
import { DOMParser } from '@xmldom/xmldom';
import { parse } from 'csv-parse/sync';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import sharp from 'sharp';
import { greyPng } from '../../../../electron/core/export/png.ts';
import { OutputNames } from '../../../../electron/core/export/output-names.ts';
import { foundRun } from '../../support/found-run.ts';
import type { FoundPicture, FoundRun } from '../../support/found-run.ts';
import { drawPixels } from '../../support/pictures.ts';

const LABELS = [{ name: 'fox' }, { name: 'owl <barn> & "co"' }, { name: 'fox: red/grey' }];

const FILES: Record<string, FoundPicture> = {
  'woods/a/1.jpg': {
    detections: [
      [0, 0.9, 6, 4, 24, 20],
      [1, 0.6, 0.4, 0, 11.2, 10],
    ],
  },
  'woods/a/1.png': { detections: [] },
  'woods/bad.jpg': 'failed',
  'woods/late.jpg': 'pending',
  'fields/a/1.jpg': {
    detections: [
      [2, 0.7, 10, 8, 20, 16],
      [2, 0.6, 0, 0, 60, 50],
    ],
    size: [60, 50],
  },
};

const finder = (t: TestContext) => foundRun(t, 'detection', LABELS, FILES);

async function written({ app, root, runId }: FoundRun, format: string, minScore?: number) {
  const out = join(root, `out-${format}`);
  const summary = await app.exportRun({ runId, format, out, filter: { minScore } });
  const files = readdirSync(out, { recursive: true, encoding: 'utf8' })
    .filter((path) => statSync(join(out, path)).isFile())
    .map((path) => path.replaceAll('\\', '/'))
    .sort();
  return { out, summary, files, read: (path: string) => readFileSync(join(out, path)) };
}

/** The numbers in a grey picture of 16 bits per pixel. */
async function wideValues(bytes: Uint8Array): Promise<Uint16Array> {
  const data = await sharp(bytes).toColourspace('grey16').raw({ depth: 'ushort' }).toBuffer();
  return new Uint16Array(data.buffer, data.byteOffset, data.length / 2);
}

suite('a YOLO folder', () => {
  test('has a file of boxes per image, empty without any, and the names of the classes', async (t) => {
    const run = await finder(t);
    const { summary, files, read } = await written(run, 'yolo');
    assert.deepEqual(files, [
      'classes.txt',
      'data.yaml',
      'labels/fields/a/1.txt',
      'labels/woods/a/1.png.txt',
      'labels/woods/a/1.txt',
    ]);
    assert.deepEqual([summary.rows, summary.found], [3, 4]);
    const boxes = readYolo(read('labels/woods/a/1.txt').toString(), 48, 40);
    assert.deepEqual(boxes, [
      { classIndex: 0, x: 6, y: 4, width: 24, height: 20 },
      { classIndex: 1, x: 0.4, y: 0, width: 11.2, height: 10 },
    ]);
    assert.deepEqual(readYolo(read('labels/fields/a/1.txt').toString(), 60, 50), [
      { classIndex: 2, x: 10, y: 8, width: 20, height: 16 },
      { classIndex: 2, x: 0, y: 0, width: 60, height: 50 },
    ]);
    assert.equal(read('labels/woods/a/1.png.txt').toString(), '');
    assert.equal(read('classes.txt').toString(), 'fox\nowl <barn> & "co"\nfox: red/grey\n');
    // No line `path:`, which Ultralytics would look up from where it was started (../shared/reports/yolo-data-yaml).
    assert.equal(
      read('data.yaml').toString(),
      'train: images\nval: images\nnames:\n  0: "fox"\n  1: "owl <barn> & \\"co\\""\n  2: "fox: red/grey"\n',
    );
  });
});

/** Pixels of the boxes in a label file, to a hundredth. */
function readYolo(text: string, width: number, height: number) {
  const lines = text.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    const [classIndex = NaN, x = NaN, y = NaN, w = NaN, h = NaN] = line.split(' ').map(Number);
    const round = (value: number) => Math.round(value * 100) / 100 + 0;
    return {
      classIndex,
      x: Math.abs(round((x - w / 2) * width)),
      y: Math.abs(round((y - h / 2) * height)),
      width: round(w * width),
      height: round(h * height),
    };
  });
}

suite('a VOC folder', () => {
  test('has an annotation per image, which a parser of XML reads', async (t) => {
    const run = await finder(t);
    const { summary, files, read } = await written(run, 'voc');
    assert.deepEqual(files, [
      'Annotations/fields/a/1.xml',
      'Annotations/woods/a/1.png.xml',
      'Annotations/woods/a/1.xml',
    ]);
    assert.deepEqual([summary.rows, summary.found], [3, 4]);
    const woods = readVoc(read('Annotations/woods/a/1.xml').toString());
    assert.deepEqual(woods, {
      filename: '1.jpg',
      folder: 'woods/a',
      size: [48, 40, 3],
      objects: [
        { name: 'fox', ends: [7, 5, 30, 24] },
        { name: 'owl <barn> & "co"', ends: [1, 1, 12, 10] },
      ],
    });
    const fields = readVoc(read('Annotations/fields/a/1.xml').toString());
    assert.deepEqual(fields.objects[1], { name: 'fox: red/grey', ends: [1, 1, 60, 50] });
    assert.deepEqual(readVoc(read('Annotations/woods/a/1.png.xml').toString()).objects, []);
  });
});

function readVoc(text: string) {
  const problems: string[] = [];
  const document = new DOMParser({
    onError: (_level, message) => void problems.push(message),
  }).parseFromString(text, 'text/xml');
  assert.deepEqual(problems, []);
  const root = document.documentElement;
  assert.ok(root);
  const texts = (parent: { getElementsByTagName: typeof root.getElementsByTagName }, name: string) =>
    [...parent.getElementsByTagName(name)].map((node) => node.textContent ?? '');
  const numbers = (parent: Parameters<typeof texts>[0], names: string[]) =>
    names.map((name) => Number(texts(parent, name)[0]));
  return {
    filename: texts(root, 'filename')[0],
    folder: texts(root, 'folder')[0],
    size: numbers(root, ['width', 'height', 'depth']),
    objects: [...root.getElementsByTagName('object')].map((object) => ({
      name: texts(object, 'name')[0],
      ends: numbers(object, ['xmin', 'ymin', 'xmax', 'ymax']),
    })),
  };
}

suite('a folder of crops', () => {
  test('has every box as a picture, below the folder of its label', async (t) => {
    const run = await finder(t);
    const { summary, files, read } = await written(run, 'crops');
    assert.deepEqual(files, [
      'fox/woods/a/1_1.jpg',
      'fox_ red_grey/fields/a/1_1.jpg',
      'fox_ red_grey/fields/a/1_2.jpg',
      'owl _barn_ & _co_/woods/a/1_2.jpg',
    ]);
    assert.deepEqual([summary.rows, summary.found, summary.failures], [2, 4, undefined]);
    const sizes = await Promise.all(files.map((path) => sharp(read(path)).metadata()));
    assert.deepEqual(
      sizes.map(({ width, height, format }) => [width, height, format]),
      [
        [24, 20, 'jpeg'],
        [20, 16, 'jpeg'],
        [60, 50, 'jpeg'],
        [12, 10, 'jpeg'],
      ],
    );
    const { data } = await sharp(read('fox/woods/a/1_1.jpg')).raw().toBuffer({ resolveWithObject: true });
    const whole = drawPixels(48, 40, 0);
    const differences = [0, 5, 19].flatMap((y) =>
      [0, 7, 23].map((x) =>
        Math.abs((data[(y * 24 + x) * 3] ?? 0) - (whole[((y + 4) * 48 + x + 6) * 3] ?? 0)),
      ),
    );
    assert.ok(Math.max(...differences) < 24, String(differences));
  });

  test('names the pictures that are gone or have changed, and goes on', async (t) => {
    const run = await finder(t);
    rmSync(join(run.root, 'woods/a/1.jpg'));
    writeFileSync(join(run.root, 'fields/a/1.jpg'), 'text');
    const { summary, files } = await written(run, 'crops');
    assert.deepEqual(files, []);
    assert.deepEqual(summary.failures, [
      {
        path: join(run.root, 'fields', 'a/1.jpg'),
        error: 'the file has changed since the run, so its boxes may lie elsewhere',
      },
      { path: join(run.root, 'woods', 'a/1.jpg'), error: 'the file is not there or may not be read' },
    ]);
  });
});

suite('a folder of overlays', () => {
  test('has every picture that was predicted with its boxes drawn', async (t) => {
    const run = await finder(t);
    const { summary, files, read } = await written(run, 'overlays');
    assert.deepEqual(files, ['classes.csv', 'fields/a/1.png', 'woods/a/1.png', 'woods/a/1.png.png']);
    assert.deepEqual([summary.rows, summary.found], [3, 4]);
    const colours = parse<{ label: string; colour: string }>(read('classes.csv'), { columns: true });
    assert.deepEqual(
      colours.map(({ label }) => label),
      LABELS.map(({ name }) => name),
    );
    const { data, info } = await sharp(read('woods/a/1.png')).raw().toBuffer({ resolveWithObject: true });
    assert.deepEqual([info.width, info.height], [48, 40]);
    const at = (x: number, y: number) =>
      data.subarray((y * 48 + x) * 3, (y * 48 + x) * 3 + 3).toString('hex');
    for (const [x, y] of [
      [6, 23],
      [29, 23],
      [29, 14],
    ] as const)
      assert.equal(`#${at(x, y)}`, colours[0]?.colour);
    const plain = await sharp(read('woods/a/1.png.png')).raw().toBuffer();
    assert.deepEqual(plain, drawPixels(48, 40, 1));
  });

  test('of segmentation paints the classes in the colours of their data set', async (t) => {
    const labels = [
      { name: 'sky', colour: '#0000ff' },
      { name: 'grass', colour: '#00ff00' },
    ];
    const run = await foundRun(t, 'segmentation', labels, {
      'in/1.png': {
        regions: [
          [0, 0, 0, 48, 30],
          [1, 0, 30, 48, 10],
        ],
      },
    });
    const { read } = await written(run, 'overlays');
    const data = await sharp(read('1.png')).raw().toBuffer();
    const drawn = drawPixels(48, 40, 0);
    for (const [x, y, colour] of [
      [5, 0, [0, 0, 255]],
      [40, 29, [0, 0, 255]],
      [5, 30, [0, 255, 0]],
    ] as const) {
      const pixel = (y * 48 + x) * 3;
      const mixed = colour.map((value, channel) => Math.round((value + (drawn[pixel + channel] ?? 0)) / 2));
      assert.deepEqual([...data.subarray(pixel, pixel + 3)], mixed);
    }
  });
});

suite('a folder of class maps', () => {
  const regions: FoundPicture = {
    regions: [
      [2, 0, 0, 30, 40],
      [0, 30, 0, 18, 40],
    ],
  };

  test('has a grey picture per image whose values are the classes, counted from 1', async (t) => {
    const labels = [{ name: 'sky' }, { name: 'sea' }, { name: 'sand' }];
    const part: FoundPicture = { regions: [[1, 10, 0, 7, 9]], size: [17, 9] };
    const run = await foundRun(t, 'segmentation', labels, {
      'in/a/1.png': regions,
      'in/2.jpg': part,
      'in/3.jpg': 'failed',
    });
    const { summary, files, read } = await written(run, 'maps');
    assert.deepEqual([files, summary.rows], [['2.png', 'a/1.png', 'classes.csv'], 2]);
    assert.deepEqual(parse(read('classes.csv')), [
      ['value', 'label'],
      ['1', 'sky'],
      ['2', 'sea'],
      ['3', 'sand'],
    ]);
    const { depth, channels } = await sharp(read('a/1.png')).metadata();
    assert.deepEqual([depth, channels], ['uchar', 1]);
    const map = await sharp(read('a/1.png')).toColourspace('b-w').raw().toBuffer();
    assert.deepEqual(
      [...map],
      Array.from({ length: 48 * 40 }, (_, index) => (index % 48 < 30 ? 3 : 1)),
    );
    const small = await sharp(read('2.png')).toColourspace('b-w').raw().toBuffer();
    assert.deepEqual(
      [...small],
      Array.from({ length: 17 * 9 }, (_, index) => (index % 17 < 10 ? 0 : 2)),
    );
  });

  test('has 16 bits per pixel where a byte cannot hold every class', async (t) => {
    const labels = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ name: `class ${index}` }));
    const last: FoundPicture = { regions: [[254, 0, 0, 48, 40]] };
    const run = await foundRun(t, 'segmentation', labels(255), { 'in/1.png': last });
    const { read } = await written(run, 'maps');
    assert.equal((await sharp(read('1.png')).metadata()).depth, 'ushort');
    assert.deepEqual(new Set(await wideValues(read('1.png'))), new Set([255]));
    const fewer = await foundRun(t, 'segmentation', labels(254), {
      'in/1.png': { regions: [[253, 0, 0, 48, 40]] },
    });
    assert.equal((await sharp((await written(fewer, 'maps')).read('1.png')).metadata()).depth, 'uchar');
  });
});

suite('a grey PNG', () => {
  for (const [width, height] of [
    [1, 1],
    [1, 300],
    [301, 1],
    [37, 23],
  ] as const) {
    test(`of ${width} x ${height} holds its numbers, 8 and 16 bits wide`, async () => {
      const bytes = Uint8Array.from({ length: width * height }, (_, index) => (index * 7) % 256);
      const read = await sharp(await greyPng(bytes, width, height))
        .toColourspace('b-w')
        .raw()
        .toBuffer();
      assert.deepEqual([...read], [...bytes]);
      const words = Uint16Array.from(bytes, (value) => value * 257 - (value % 3));
      assert.deepEqual([...(await wideValues(await greyPng(words, width, height)))], [...words]);
    });
  }
});

suite('an export into a folder', () => {
  test('is refused when the folder holds anything, which stays as it is', async (t) => {
    const run = await finder(t);
    const out = join(run.root, 'out-yolo');
    mkdirSync(out);
    writeFileSync(join(out, 'mine.txt'), 'mine');
    await assert.rejects(written(run, 'yolo'), {
      code: 'BAD_ARGUMENT',
      message: `Expected a new or empty folder, but ${out} holds mine.txt`,
    });
    assert.deepEqual(readdirSync(out), ['mine.txt']);
    await assert.rejects(run.app.exportRun({ runId: 1, format: 'voc', out: join(out, 'mine.txt') }), {
      code: 'BAD_ARGUMENT',
      message: /^Expected a folder, but .*mine.txt is a file$/,
    });
    await assert.rejects(run.app.exportRun({ runId: 1, format: 'voc', out: join(out, 'no/folder') }), {
      code: 'FILE_SYSTEM',
    });
    assert.ok(!existsSync(join(out, 'no')));
  });

  test("is not put through a link, or among what is Winnow's own", async (t) => {
    const run = await finder(t);
    mkdirSync(join(run.root, 'empty'));
    symlinkSync('empty', join(run.root, 'link'));
    await assert.rejects(run.app.exportRun({ runId: 1, format: 'voc', out: join(run.root, 'link') }), {
      code: 'BAD_ARGUMENT',
      message: /^Expected a new or empty folder, but .*link is a link$/,
    });
    await assert.rejects(
      run.app.exportRun({ runId: 1, format: 'voc', out: join(run.root, 'thumbnails/voc'), force: true }),
      { code: 'BAD_ARGUMENT', message: /is in Winnow's own folder thumbnails/ },
    );
  });

  test('may go into an empty one', async (t) => {
    const run = await finder(t);
    mkdirSync(join(run.root, 'out-voc'));
    assert.equal((await written(run, 'voc')).files.length, 3);
  });
});

suite('names in an export', () => {
  test('are the paths of the images, below the names of their folders where there are several', () => {
    const one = new OutputNames(['/home/me/woods']);
    assert.equal(one.imagePath('/home/me/woods', 'a/1.jpg'), 'a/1.jpg');
    const several = new OutputNames(['/x/DCIM', '/y/dcim', '/']);
    const paths = ['/x/DCIM', '/y/dcim', '/'].map((folder) => several.imagePath(folder, '1.jpg'));
    assert.deepEqual(paths, ['DCIM/1.jpg', 'dcim (2)/1.jpg', '_/1.jpg']);
  });

  test('of files are never the same, whatever the case', () => {
    const names = new OutputNames(['/a']);
    const paths = ['b.jpg', 'b.png', 'B.JPG', 'b.PNG', '.hidden', 'c.tar.gz', 'd', 'x.y/e'];
    assert.deepEqual(
      paths.map((path) => names.file(path, '.txt')),
      ['b.txt', 'b.png.txt', 'B.JPG.txt', 'b.PNG (2).txt', '.hidden.txt', 'c.tar.txt', 'd.txt', 'x.y/e.txt'],
    );
  });
});
