import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { decodeRuns, runsArea } from '../../../../electron/shared/mask.ts';
import { example, labelWorld, skipped } from './support.ts';

const SIZE = { width: 100, height: 80 };

suite('the ways of other tools', () => {
  test('COCO of CVAT: empty polygons, attributes, crowds in run lengths that are not compressed, several parts, folders', async (t) => {
    const { put, run, app } = await labelWorld(t, ['cam/a.png', 'cam/b.png']);
    const common = { license: 0, flickr_url: '', coco_url: '', date_captured: 0 };
    const attributes = { occluded: false, rotation: 0.0 };
    const counts = [800, 40, 40, 40, 7080]; // the upper half of two columns, from the eleventh on
    const path = put(
      'annotations/instances_default.json',
      JSON.stringify({
        licenses: [{ name: '', id: 0, url: '' }],
        info: { contributor: '', date_created: '', description: '', url: '', version: '', year: '' },
        categories: [
          { id: 1, name: 'cat', supercategory: '' },
          { id: 2, name: 'grass', supercategory: '' },
        ],
        images: [
          { id: 1, ...SIZE, file_name: 'cam/a.png', ...common },
          { id: 2, ...SIZE, file_name: './cam//b.png', ...common },
        ],
        annotations: [
          {
            id: 1,
            image_id: 1,
            category_id: 1,
            segmentation: [],
            area: 1200.0,
            bbox: [10.5, 20, 30, 40],
            iscrowd: 0,
            attributes,
          },
          {
            id: 2,
            image_id: 1,
            category_id: 2,
            segmentation: { counts, size: [80, 100] },
            area: 80,
            bbox: [10, 0, 2, 40],
            iscrowd: 1,
            attributes,
          },
          {
            id: 3,
            image_id: 2,
            category_id: 1,
            segmentation: [
              [0, 0, 10, 0, 10, 10, 0, 10],
              [50, 0, 70, 0, 70, 10, 50, 10],
            ],
            area: 300,
            bbox: [0, 0, 70, 10],
            iscrowd: 0,
            attributes,
          },
        ],
      }),
    );
    const { report, found, runId } = await run(path);
    assert.deepEqual(found, {
      'cam/a.png': { label: 'cat', boxes: ['cat 1 10.5 20 30 40', 'grass 1 10 0 2 40'] },
      'cam/b.png': { label: 'cat', boxes: ['cat 1 0 0 70 10'] },
    });
    assert.deepEqual([report.skipped, report.masks], [[], 2]);
    const { imageIds } = await app.findImages({ runId, filter: {}, sort: 'path' });
    const areas = [];
    for (const imageId of imageIds)
      for (const { counts: runs } of (await app.imageMasks({ runId, imageId })).masks)
        areas.push(runsArea(decodeRuns(runs)));
    assert.deepEqual(areas, [80, 300]);
  });

  test('COCO and YOLO of Label Studio: ids from 0, names with eight digits before them, files of its server', async (t) => {
    const { put, run, root } = await labelWorld(t, ['a.png', 'site/b.png', 'site/c.png', '12345678-d.png']);
    const annotation = (id: number) => ({
      id,
      image_id: id,
      category_id: id % 2,
      segmentation: [],
      bbox: [10, 20, 30, 40],
      ignore: 0,
      iscrowd: 0,
      area: 1200,
    });
    const names = [
      'images/4d8b9f2a-a.png',
      '../../data/local-files/?d=study/site/b.png',
      'images\\site\\0f0f0f0f-c.png',
      'images/12345678-d.png',
    ];
    const { found, report } = await run(
      put(
        'result.json',
        JSON.stringify({
          images: names.map((file_name, id) => ({ ...SIZE, id, file_name })),
          categories: [
            { id: 0, name: 'cat' },
            { id: 1, name: 'dog' },
          ],
          annotations: [0, 1, 2, 3].map(annotation),
          info: { year: 2026, version: '1.0', contributor: 'Label Studio' },
        }),
      ),
    );
    const box = (label: string) => ({ label, boxes: [`${label} 1 10 20 30 40`] });
    assert.deepEqual(found, {
      '12345678-d.png': box('dog'),
      'a.png': box('cat'),
      'site/b.png': box('dog'),
      'site/c.png': box('cat'),
    });
    assert.equal(report.unmatched.count, 0);
    put('studio/classes.txt', 'cat\ndog');
    put('studio/notes.json', JSON.stringify({ categories: [{ id: 0, name: 'cat' }], info: {} }));
    put('studio/labels/4d8b9f2a-a.txt', '1 0.25 0.5 0.3 0.5\n');
    const yolo = await run(join(root, 'studio'));
    assert.deepEqual(
      [yolo.report.format, yolo.report.notices, yolo.found],
      ['yolo', [], { 'a.png': box('dog') }],
    );
  });

  test('COCO and YOLO of Roboflow: a class above all others, its list in a folder, polygons, and its own names of pictures', async (t) => {
    const name = 'a_png.rf.0123456789abcdef0123456789abcdef';
    const { put, run, root } = await labelWorld(t, [`train/images/${name}.png`, 'a.png']);
    put('coco/README.dataset.txt', 'words');
    put(
      'coco/train/_annotations.coco.json',
      JSON.stringify({
        categories: [
          { id: 0, name: 'animals', supercategory: 'none' },
          { id: 1, name: 'cat', supercategory: 'animals' },
        ],
        images: [
          { id: 0, license: 1, file_name: `${name}.png`, height: 80, width: 100, extra: { name: 'a.png' } },
        ],
        annotations: [
          {
            id: 0,
            image_id: 0,
            category_id: 1,
            bbox: [10, 20, 30, 40],
            area: 1200,
            segmentation: [],
            iscrowd: 0,
          },
        ],
      }),
    );
    const coco = await run(join(root, 'coco'));
    // Pictures of Roboflow may be turned and cut, so theirs are not taken for the ones that they were made of.
    assert.deepEqual(coco.found, {
      [`train/images/${name}.png`]: { label: 'cat', boxes: ['cat 1 10 20 30 40'] },
    });
    assert.deepEqual(
      coco.report.classes.map((one) => one.name),
      ['cat'],
    );
    put(
      'yolo/data.yaml',
      "\ufefftrain: ../train/images\r\nval: ../valid/images\r\n\r\nnc: 1\r\nnames: ['cat']\r\n\r\nroboflow:\r\n  workspace: w\r\n",
    );
    put('yolo/README.roboflow.txt', '1 2 3 4 5');
    put(`yolo/train/labels/${name}.txt`, '0 0.1 0.1 0.3 0.1 0.3 0.5 0.1 0.5 0.05 0.3\r\n0 0.5 0.5 0.2 0.5');
    const yolo = await run(join(root, 'yolo'));
    assert.deepEqual(yolo.found, {
      [`train/images/${name}.png`]: { label: 'cat', boxes: ['cat 1 5 8 25 32', 'cat 1 40 20 20 40'] },
    });
    assert.deepEqual([yolo.report.masks, yolo.report.skipped], [1, []]);
  });

  test('YOLO of CVAT and of poses: obj.names and its folder; points behind each box are no polygon', async (t) => {
    const { put, run, root } = await labelWorld(t, ['a.png', 'b.png']);
    put('cvat/obj.data', 'classes = 2\ntrain = data/train.txt\nnames = data/obj.names\n');
    put('cvat/obj.names', 'cat\r\ndog\r\n');
    put('cvat/train.txt', 'data/obj_train_data/a.png\n');
    put('cvat/obj_train_data/a.txt', '1 0.250000 0.500000 0.300000 0.500000\r\n');
    put('cvat/obj_train_data/b.txt', '');
    const box = { label: 'dog', boxes: ['dog 1 10 20 30 40'] };
    const { found, report } = await run(join(root, 'cvat'));
    assert.deepEqual(
      [found, report.skipped, report.notices],
      [{ 'a.png': box, 'b.png': { label: '', boxes: [] } }, [], []],
    );
    put('pose/data.yaml', 'kpt_shape: [2, 3]\nnames:\n  0: person\n  1: dog\n');
    put('pose/labels/a.txt', '1 0.25 0.5 0.3 0.5 0.1 0.1 2 0.9 0.9 1\n');
    const pose = await run(join(root, 'pose'));
    assert.deepEqual([pose.found, pose.report.masks], [{ 'a.png': box }, 0]);
  });

  test('Pascal VOC of labelImg and CVAT: paths of Windows, names without an ending, numbers with a point, other encodings', async (t) => {
    const { put, run, root } = await labelWorld(t, ['Bär/a.png', 'b.png', 'sub/c.png', 'd.png']);
    const xml = (head: string) =>
      `<annotation verified="yes">\r\n\t<folder>x</folder>\r\n\t${head}\r\n\t<source><database>Unknown</database></source>\r\n\t<size><width>100</width><height>80</height><depth>3</depth></size>\r\n\t<segmented>0</segmented>\r\n\t<object><name>cat</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult><occluded>0</occluded><bndbox><xmin>11.0</xmin><ymin>21.00</ymin><xmax>40</xmax><ymax>60</ymax></bndbox><attributes><attribute><name>rotation</name><value>0.0</value></attribute></attributes></object>\r\n</annotation>\r\n`;
    put('voc/a.xml', `\ufeff${xml('<filename>a.png</filename><path>C:\\Users\\Ada\\Bär\\a.png</path>')}`);
    put('voc/b.xml', xml('<filename>b</filename><path>D:\\elsewhere\\b.png</path>'));
    put(
      'voc/c.xml',
      Buffer.from(
        `\ufeff<?xml version="1.0" encoding="UTF-16"?>${xml('<filename>sub/c.png</filename>')}`,
        'utf16le',
      ),
    );
    put('voc/d.xml', xml('<filename>d</filename>'));
    put('voc/broken.xml', xml('<filename>&unknown;</filename>'));
    const { found, report } = await run(join(root, 'voc'));
    const box = { label: 'cat', boxes: ['cat 1 10 20 30 40'] };
    assert.deepEqual(found, { 'Bär/a.png': box, 'b.png': box, 'd.png': box, 'sub/c.png': box });
    assert.deepEqual([skipped(report), example(report, 'badEntry')], [{ badEntry: 1 }, 'broken.xml']);
  });

  test('labelme: the picture inside or none, corners in any order, and lines, points and masks', async (t) => {
    const { put, run, root } = await labelWorld(t, ['a.png', 'b.png']);
    const shape = (label: string, shape_type: string, points: [number, number][], more: object = {}) => ({
      label,
      shape_type,
      points,
      group_id: null,
      description: '',
      flags: {},
      mask: null,
      ...more,
    });
    put(
      'me/a.json',
      JSON.stringify({
        version: '5.5.0',
        flags: {},
        imageData: 'A'.repeat(100_000),
        shapes: [
          shape('cat', 'rectangle', [
            [40, 60],
            [10, 20],
          ]),
          shape('cat', 'rectangle', [
            [50, 60],
            [80, 20],
          ]),
          shape('cat', 'rectangle', [
            [10, 5],
            [40, 5],
            [40, 15],
            [10, 15],
          ]), // of versions that keep four corners
          shape(
            'dog',
            'rotation',
            [
              [60, 0],
              [80, 0],
              [80, 10],
              [60, 10],
            ],
            { direction: 0 },
          ),
          shape('way', 'line', [
            [0, 0],
            [9, 9],
          ]),
          shape('way', 'linestrip', [
            [0, 0],
            [9, 9],
            [5, 5],
          ]),
          shape('eye', 'point', [[1, 1]]),
          shape('eye', 'points', [
            [1, 1],
            [2, 2],
          ]),
          shape(
            'dog',
            'mask',
            [
              [0, 70],
              [9, 79],
            ],
            { mask: 'iVBORw0KGgo=' },
          ),
        ],
        imagePath: 'C:\\study\\a.png',
        imageHeight: 80,
        imageWidth: 100,
      }),
    );
    put(
      'me/b.json',
      `\ufeff${JSON.stringify({ imageData: null, imagePath: '..\\pictures\\b.png', imageHeight: null, shapes: [], flags: null }, null, 2).replaceAll('\n', '\r\n')}`,
    );
    const { found, report } = await run(join(root, 'me'));
    assert.deepEqual(found, {
      'a.png': {
        label: 'cat',
        boxes: [
          'cat 1 10 20 30 40',
          'cat 1 50 20 30 40',
          'cat 1 10 5 30 10',
          'dog 1 60 0 20 10',
          'dog 1 0 70 9 9',
        ],
      },
      'b.png': { label: '', boxes: [] },
    });
    assert.deepEqual([report.format, skipped(report)], ['labelme', { noArea: 4, badMask: 1 }]);
  });

  test('Timelapse: folders of Windows, the root named beside, flags, a picture at the top', async (t) => {
    const { put, run } = await labelWorld(t, ['S1/A/1.png', 'S1/B/1.png', 'top.png']);
    const rows = [
      'RootFolder,File,RelativePath,DateTime,DeleteFlag,Episode,Species,Note0',
      'Study,1.png,S1\\A,2024-01-01 00:00:00,true,1:1|2,Fox,"near, far"',
      'Study,1.png,S1\\B,2024-01-01 00:00:00,false,,Deer,',
      'Study,top.png,,2024-01-01 00:00:00,false,,,',
      'Study,gone.png,S1\\A,2024-01-01 00:00:00,true,,Fox,',
    ];
    const { found, report } = await run(put('TimelapseData.csv', rows.join('\r\n')));
    assert.deepEqual(
      Object.entries(found).map(([path, { label }]) => [path, label]),
      [
        ['S1/A/1.png', 'Fox'],
        ['S1/B/1.png', 'Deer'],
        ['top.png', ''],
      ],
    );
    assert.deepEqual([report.skipped, report.unmatched], [[], { count: 1, names: ['S1\\A/gone.png'] }]);
  });
});
