import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { encodeRuns, fromBitmap } from '../../../../electron/shared/mask.ts';
import { example, labelWorld, skipped } from './support.ts';

/** Runs, not compressed, of a rectangle in a picture of 100 x 80, as pycocotools' older files have them. */
function rectangle(x: number, y: number, width: number, height: number): number[] {
  const bitmap = new Uint8Array(100 * 80);
  for (let row = y; row < y + height; row++) bitmap.fill(1, row * 100 + x, row * 100 + x + width);
  return fromBitmap(bitmap, 100, 80);
}

suite('files as other tools write them', () => {
  test('COCO: ids from 0, lists in any order, polygons, run lengths of both kinds, scores', async (t) => {
    const { put, run, app } = await labelWorld(t, ['a.png', 'b.png', 'c.png']);
    const path = put(
      'instances.json',
      JSON.stringify({
        annotations: [
          { id: 0, image_id: 0, category_id: 0, bbox: [10, 20, 30, 40], area: 1200, iscrowd: 0 },
          {
            id: 1,
            image_id: 0,
            category_id: 7,
            segmentation: [[10, 10, 30, 10, 30, 30, 10, 30]],
            score: 0.5,
          },
          {
            id: 2,
            image_id: 1,
            category_id: 7,
            segmentation: { size: [80, 100], counts: rectangle(5, 6, 20, 10) },
          },
          {
            id: 3,
            image_id: 1,
            category_id: 0,
            bbox: [50, 40, 10, 8],
            segmentation: { size: [80, 100], counts: encodeRuns(rectangle(50, 40, 10, 8)) },
          },
        ],
        categories: [
          { id: 0, name: 'cat', supercategory: 'animal' },
          { id: 7, name: 'dog' },
        ],
        images: [
          { id: 0, file_name: 'a.png', width: 100, height: 80, license: 1 },
          { id: 1, file_name: 'b.png', width: 100, height: 80 },
          { id: 2, file_name: 'c.png', width: 100, height: 80 },
        ],
        licenses: [{ id: 1 }],
      }),
    );
    const { report, runId, found } = await run(path);
    assert.deepEqual(found, {
      'a.png': { label: 'cat', boxes: ['cat 1 10 20 30 40', 'dog 0.5 10 10 20 20'] },
      'b.png': { label: 'dog', boxes: ['dog 1 5 6 20 10', 'cat 1 50 40 10 8'] },
      'c.png': { label: '', boxes: [] },
    });
    assert.deepEqual(report.skipped, []);
    assert.deepEqual([report.format, report.masks, report.boxes, report.blank], ['coco', 3, 4, 1]);
    const { imageIds } = await app.findImages({ runId, filter: {}, sort: 'path' });
    const { masks } = await app.imageMasks({ runId, imageId: imageIds[1] ?? 0 });
    assert.equal(masks[0]?.counts, encodeRuns(rectangle(5, 6, 20, 10)));
  });

  test('MegaDetector 1.0: the largest confidence beside each image, and failures', async (t) => {
    const { put, run } = await labelWorld(t, ['cam/1.png', 'cam/2.png', 'cam/3.png']);
    const path = put(
      'md.json',
      JSON.stringify({
        images: [
          {
            file: 'cam/1.png',
            max_detection_conf: 0.926,
            detections: [
              { category: '1', conf: 0.926, bbox: [0.1, 0.25, 0.3, 0.5] },
              { category: '2', conf: 0.2, bbox: [0, 0, 1, 1] },
            ],
          },
          { file: 'cam/2.png', max_detection_conf: 0, detections: [] },
          { file: 'cam/3.png', failure: 'Failure image access' },
        ],
        detection_categories: { 1: 'animal', 2: 'person', 3: 'vehicle' },
        info: { format_version: '1.0', detection_completion_time: '2019-01-01 00:00:00', detector: 'md_v4' },
      }),
    );
    const { report, found } = await run(path);
    assert.deepEqual(found, {
      'cam/1.png': { label: 'animal', boxes: ['animal 0.93 10 20 30 40', 'person 0.2 0 0 100 80'] },
      'cam/2.png': { label: '', boxes: [] },
      'cam/3.png': { label: undefined, boxes: [] },
    });
    assert.deepEqual([report.failed, report.blank, report.boxes], [1, 1, 2]);
  });

  test('MegaDetector 1.5: classifications, descriptions, sizes, null detections and videos', async (t) => {
    const { put, run } = await labelWorld(t, ['1.png', '2.png']);
    const path = put(
      'md.json',
      JSON.stringify({
        info: {
          format_version: '1.5',
          detector: 'v5a',
          classifier: 'speciesnet',
          detector_metadata: { typical_detection_threshold: 0.2 },
        },
        detection_categories: { 1: 'animal', 2: 'person' },
        classification_categories: { 0: 'fox', 1: 'badger' },
        classification_category_descriptions: { 0: 'mammalia;carnivora', 1: '' },
        images: [
          {
            file: '1.png',
            width: 100,
            height: 80,
            datetime: '2024:01:01 00:00:00',
            location: 'a',
            detections: [
              {
                category: '1',
                conf: 0.8,
                bbox: [0.1, 0.1, 0.2, 0.2],
                classifications: [
                  ['0', 0.25],
                  ['1', 0.625],
                ],
              },
              { category: '2', conf: 0.7, bbox: [0.5, 0.5, 0.2, 0.2], classifications: [] },
            ],
          },
          { file: '2.png', failure: 'Failure inference', detections: null },
          {
            file: 'night.mp4',
            frame_rate: 30,
            frames_processed: [0, 30],
            detections: [{ category: '1', conf: 0.9, bbox: [0, 0, 1, 1], frame_number: 30 }],
          },
        ],
      }),
    );
    const { report, found } = await run(path);
    assert.deepEqual(found, {
      '1.png': { label: 'person', boxes: ['person 0.7 50 40 20 16', 'badger 0.5 10 8 20 16'] },
      '2.png': { label: undefined, boxes: [] },
    });
    assert.deepEqual(skipped(report), { video: 1, secondClass: 1 });
    assert.equal(example(report, 'video'), 'night.mp4');
  });

  test('YOLO: data.yaml with a list or with numbers, boxes, scores and polygons, labels beside pictures', async (t) => {
    const { put, run, root } = await labelWorld(t, ['train/a.png', 'train/b.png', 'val/a.png']);
    put(
      'set/data.yaml',
      "path: ../datasets/set\ntrain: images/train\nval: images/val\nnc: 2\nnames:\n  0: cat\n  1: 'sea: gull'\n",
    );
    put('set/labels/train/a.txt', '0 0.5 0.5 0.2 0.4\n1 0.1 0.1 0.1 0.1 0.75\n');
    put('set/labels/train/b.txt', '');
    put('set/labels/val/a.txt', '1 0.1 0.1 0.3 0.1 0.3 0.5 0.1 0.5\n');
    const { report, found } = await run(join(root, 'set'));
    assert.deepEqual(found, {
      'train/a.png': { label: 'cat', boxes: ['cat 1 40 24 20 32', 'sea: gull 0.75 5 4 10 8'] },
      'train/b.png': { label: '', boxes: [] },
      'val/a.png': { label: 'sea: gull', boxes: ['sea: gull 1 10 8 20 32'] },
    });
    assert.deepEqual([report.format, report.masks, report.skipped.length], ['yolo', 1, 0]);
    put('flat/classes.txt', 'cat\ndog\n');
    put('flat/b.txt', '1 0.5 0.5 1 1\n2 0.5 0.5 0.5 0.5\n1 nonsense\n');
    const flat = await run(join(root, 'flat'));
    assert.deepEqual(flat.found, {
      'train/b.png': { label: 'dog', boxes: ['dog 1 0 0 100 80', 'class 2 1 25 20 50 40'] },
    });
    assert.deepEqual(skipped(flat.report), { badEntry: 1 });
    assert.equal(example(flat.report, 'badEntry'), 'b.txt, line 3');
    assert.match(flat.report.notices.join(), /classes 2 have no name/);
  });

  test('Pascal VOC: boxes from 1 to the last pixel, parts of objects passed over', async (t) => {
    const { put, run, root } = await labelWorld(t, ['2007_000027.png']);
    put(
      'VOC/Annotations/2007_000027.xml',
      `<annotation>
      <folder>VOC2012</folder><filename>2007_000027.png</filename><source><database>VOC</database></source>
      <size><width>100</width><height>80</height><depth>3</depth></size><segmented>0</segmented>
      <object><name>person</name><pose>Unspecified</pose><truncated>0</truncated><difficult>0</difficult>
        <bndbox><xmin>11</xmin><ymin>21</ymin><xmax>40</xmax><ymax>60</ymax></bndbox>
        <part><name>head</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>9</xmax><ymax>9</ymax></bndbox></part>
      </object>
      <object><name>sea &amp; gull</name><bndbox><ymin>1</ymin><xmin>1</xmin><ymax>80</ymax><xmax>100</xmax></bndbox></object>
    </annotation>`,
    );
    const { found, report } = await run(join(root, 'VOC'));
    assert.deepEqual(found, {
      '2007_000027.png': { label: 'person', boxes: ['person 1 10 20 30 40', 'sea & gull 1 0 0 100 80'] },
    });
    assert.deepEqual(report.skipped, []);
  });

  test('labelme: polygons, rectangles by any two corners, circles, points, flags, backslashes', async (t) => {
    const { put, run, root } = await labelWorld(t, ['a.png', 'b.png']);
    const common = { version: '5.4.1', imageData: null, imageHeight: 80, imageWidth: 100 };
    put(
      'me/a.json',
      JSON.stringify({
        ...common,
        flags: {},
        imagePath: '..\\pictures\\a.png',
        shapes: [
          {
            label: 'cat',
            points: [
              [10, 10],
              [30, 10],
              [30, 30],
              [10, 30],
            ],
            group_id: null,
            shape_type: 'polygon',
            flags: {},
          },
          {
            label: 'dog',
            points: [
              [60, 70],
              [40, 50],
            ],
            shape_type: 'rectangle',
          },
          {
            label: 'sun',
            points: [
              [50, 20],
              [60, 20],
            ],
            shape_type: 'circle',
          },
          { label: 'nose', points: [[5, 5]], shape_type: 'point' },
        ],
      }),
    );
    put('me/b.json', JSON.stringify({ ...common, flags: { night: true }, imagePath: 'b.png', shapes: [] }));
    const { found, report } = await run(join(root, 'me'));
    assert.deepEqual(found['a.png']?.boxes, ['cat 1 10 10 20 20', 'dog 1 40 50 20 20', 'sun 1 40 10 20 20']);
    assert.deepEqual(skipped(report), { imageLabels: 1, noArea: 1 });
  });

  test('CSV by the names of its columns: labels, boxes by corners, semicolons and decimal commas', async (t) => {
    const { put, run } = await labelWorld(t, ['a.png', 'b.png', 'c.png']);
    const plain = await run(
      put('labels.csv', 'Filename;Species;Confidence\r\na.png;fox;0,75\r\nb.png;;\r\n'),
    );
    assert.deepEqual(plain.found, {
      'a.png': { label: 'fox', boxes: [] },
      'b.png': { label: '', boxes: [] },
    });
    assert.deepEqual([plain.report.task, plain.report.blank], ['classification', 1]);
    const boxes = await run(
      put(
        'boxes.csv',
        'filename,width,height,class,xmin,ymin,xmax,ymax\na.png,100,80,cat,10,20,40,60\na.png,100,80,dog,0,0,100,80\nb.png,100,80,,,,,\n',
      ),
    );
    assert.deepEqual(boxes.found, {
      'a.png': { label: 'cat', boxes: ['cat 1 10 20 30 40', 'dog 1 0 0 100 80'] },
      'b.png': { label: '', boxes: [] },
    });
    const chosen = await run(put('odd.csv', 'bild,was,l,o,b,h\nc.png,Reh,0.1,0.25,0.3,0.5\n'), {
      columns: { file: 'bild', label: 'was', box: ['l', 'o', 'b', 'h'] },
    });
    assert.deepEqual(chosen.found, { 'c.png': { label: 'Reh', boxes: ['Reh 1 10 20 30 40'] } });
    await assert.rejects(run(put('odd2.csv', 'bild,was\nc.png,Reh\n')), {
      message: /Expected a column with the names of files in .*odd2\.csv, but its columns are bild, was/,
    });
  });

  test('Timelapse CSV: the folder and the file in two columns', async (t) => {
    const { put, run } = await labelWorld(t, ['Station1/A/IMG_1.png', 'Station2/A/IMG_1.png']);
    const path = put(
      'timelapse.csv',
      [
        'RootFolder,File,RelativePath,DateTime,DeleteFlag,Species,Count',
        'Study,IMG_1.png,Station1\\A,2024-01-01 00:00:00,false,Fox,1',
        'Study,IMG_1.png,Station2\\A,2024-01-01 00:00:00,false,Deer,2',
      ].join('\r\n'),
    );
    const { found, report } = await run(path);
    assert.deepEqual(found, {
      'Station1/A/IMG_1.png': { label: 'Fox', boxes: [] },
      'Station2/A/IMG_1.png': { label: 'Deer', boxes: [] },
    });
    assert.deepEqual(
      report.matches.map(({ way, entries }) => [way, entries]),
      [['path', 2]],
    );
  });

  test('the classes of a file become what a person says: another, an empty image, or nothing', async (t) => {
    const { put, run } = await labelWorld(t, ['a.png', 'b.png', 'c.png']);
    const path = put('labels.csv', 'file,label\na.png,Vulpes vulpes\nb.png,empty\nc.png,human\n');
    const { found, report } = await run(path, {
      classes: { 'Vulpes vulpes': 'fox', empty: '', human: null },
    });
    assert.deepEqual(found, {
      'a.png': { label: 'fox', boxes: [] },
      'b.png': { label: '', boxes: [] },
    }); // nobody knows what else there is to see in c.png
    assert.deepEqual(report.classes.map(({ name, becomes }) => [name, becomes]).sort(), [
      ['Vulpes vulpes', 'fox'],
      ['empty', ''],
      ['human', null],
    ]);
    assert.deepEqual(skipped(report), { leftOut: 1 });
  });
});
