import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { maskOf } from '../../support/found.ts';
import { foundRun } from '../../support/found-run.ts';
import type { FoundPicture, FoundRun } from '../../support/found-run.ts';
import { testApp } from '../../support/test-app.ts';
import { mutated, seededRandom } from '../random.ts';

const LABELS = [
  { name: 'fox', id: 17 },
  { name: 'barn owl', id: 18 },
];
const FILES: Record<string, FoundPicture> = {
  'woods/a/1.jpg': {
    detections: [
      [0, 0.9, 6, 4, 24, 20],
      [1, 0.6, 0, 0, 12, 10],
    ],
  },
  'woods/2.jpg': { detections: [[0, 0.7, 0, 0, 40, 36]] },
  'woods/bad.jpg': 'failed',
};
const CATEGORIES = [
  { id: 17, name: 'fox' },
  { id: 18, name: 'Barn_Owl' },
];
const MARKED = [
  { image_id: 1, category_id: 17, bbox: [6, 4, 24, 20], area: 480, iscrowd: 0 },
  { image_id: 1, category_id: 18, bbox: [0, 0, 12, 10], area: 120, iscrowd: 0 },
  { image_id: 2, category_id: 17, bbox: [0, 0, 40, 36], area: 1440, iscrowd: 0 },
];
const IMAGES = [
  { id: 1, file_name: 'a/1.jpg', width: 48, height: 40 },
  { id: 2, file_name: '2.jpg', width: 48, height: 40 },
];
const TRUTH = { images: IMAGES, annotations: MARKED, categories: CATEGORIES };

const finder = (t: TestContext) => foundRun(t, 'detection', LABELS, FILES);

async function evaluate(run: FoundRun, truth: unknown) {
  const path = join(run.root, 'truth.json');
  writeFileSync(path, typeof truth === 'string' ? truth : JSON.stringify(truth));
  const evaluation = await run.app.evaluateFound({ runId: run.runId, truth: path });
  assert.ok(evaluation.task === 'detection');
  return evaluation;
}

suite('detections against annotations', () => {
  test('that agree are right in everything', async (t) => {
    const { images, notices, box, mask } = await evaluate(await finder(t), TRUTH);
    assert.deepEqual([images, notices, mask], [2, [], undefined]);
    assert.deepEqual(box, {
      ap: 1,
      ap50: 1,
      ap75: 1,
      small: 1,
      medium: 1,
      large: undefined,
      classes: [
        { label: 'fox', ap: 1, objects: 2 },
        { label: 'barn owl', ap: 1, objects: 1 },
      ],
    });
  });

  test('may be another export of the same run', async (t) => {
    const run = await finder(t);
    const path = join(run.root, 'out.json');
    await run.app.exportRun({ runId: 1, format: 'coco', out: path });
    const { box, mask, notices } = await evaluate(run, readFileSync(path, 'utf8'));
    assert.deepEqual([box.ap, mask?.ap, notices], [1, 1, []]);
  });

  test('count what is missed, for boxes and masks apart', async (t) => {
    const run = await finder(t);
    const polygon = [6, 4, 30, 4, 30, 24, 6, 24];
    const runs = {
      size: [40, 48],
      counts: [0, 36, ...Array.from({ length: 39 }, () => [4, 36]).flat(), 324],
    };
    const masks = [
      { ...MARKED[0], segmentation: [polygon] },
      {
        ...MARKED[1],
        segmentation: {
          size: [40, 48],
          counts: maskOf({ x: 0, y: 0, width: 12, height: 6 }, [48, 40]).counts,
        },
      },
      { ...MARKED[2], segmentation: runs },
      { image_id: 2, category_id: 17, bbox: [41, 0, 5, 5], segmentation: [[41, 0, 46, 0, 46, 5, 41, 5]] },
    ];
    const { box, mask, notices } = await evaluate(run, { ...TRUTH, annotations: masks });
    assert.deepEqual(notices, []);
    // Two of three foxes are found: 67 of 101 recalls. The owl's mask has IoU 0.6: three of ten thresholds.
    const near = (value: number | undefined, expected: number) =>
      assert.ok(Math.abs((value ?? NaN) - expected) < 1e-9, `${value} is not ${expected}`);
    near(box.ap, (67 / 101 + 1) / 2);
    near(mask?.ap, (67 / 101 + 0.3) / 2);
    near(mask?.ap50, (67 / 101 + 1) / 2);
    near(mask?.ap75, 67 / 101 / 2);
  });

  test('of a model without masks are compared by boxes, and that is told', async (t) => {
    const head = { kind: 'one-stage', width: 8, layers: 1 } as const;
    const run = await foundRun(t, 'detection', LABELS, FILES, { head });
    const segmentation = [[6, 4, 30, 4, 30, 24, 6, 24]];
    const annotations = MARKED.map((one, index) => (index === 0 ? { ...one, segmentation } : one));
    const { box, mask, notices } = await evaluate(run, { ...TRUTH, annotations });
    assert.deepEqual(
      [box.ap, mask, notices],
      [1, undefined, ['The annotations have masks, but the model finds boxes alone: compared by boxes.']],
    );
    const path = join(run.root, 'out.json');
    await run.app.exportRun({ runId: 1, format: 'coco', out: path });
    const coco = JSON.parse(readFileSync(path, 'utf8')) as { annotations: Record<string, unknown>[] };
    assert.ok(coco.annotations.length > 0);
    for (const annotation of coco.annotations) assert.ok(!('segmentation' in annotation));
  });

  test('forgive what is found in a crowd', async (t) => {
    const crowd = {
      ...MARKED[2],
      iscrowd: 1,
      segmentation: { size: [40, 48], counts: [0, 1920] },
      bbox: [0, 0, 48, 40],
    };
    const { box } = await evaluate(await finder(t), { ...TRUTH, annotations: [MARKED[0], MARKED[1], crowd] });
    assert.deepEqual([box.ap, box.classes.map(({ objects }) => objects)], [1, [1, 1]]);
  });

  test('find their images by path, else by a name that only one has', async (t) => {
    const images = [
      { id: 1, file_name: 'elsewhere\\1.jpg' },
      { id: 2, file_name: './2.jpg' },
    ];
    assert.equal((await evaluate(await finder(t), { ...TRUTH, images })).images, 2);
    const twice = await foundRun(t, 'detection', LABELS, {
      'woods/a/1.jpg': { detections: [] },
      'woods/b/1.jpg': { detections: [] },
      'woods/2.jpg': { detections: [] },
    });
    const { images: compared, notices } = await evaluate(twice, { ...TRUTH, images });
    assert.deepEqual(
      [compared, notices],
      [
        1,
        [
          'The truth has 1 image that is not in the run, such as elsewhere\\1.jpg.',
          'The truth does not have 2 images that were predicted.',
        ],
      ],
    );
  });

  test('go on past all that cannot be compared, and say so', async (t) => {
    const { images, notices, box } = await evaluate(await finder(t), {
      images: [
        ...IMAGES,
        { id: 3, file_name: 'gone.jpg' },
        { id: 4, file_name: 'bad.jpg', width: 10, height: 10 },
      ],
      categories: [...CATEGORIES, { id: 40, name: 'zebra' }],
      annotations: [
        ...MARKED,
        { image_id: 1, category_id: 40, bbox: [1, 1, 2, 2] },
        { image_id: 1, category_id: 41, bbox: [1, 1, 2, 2] },
        { image_id: 77, category_id: 17, bbox: [1, 1, 2, 2] },
        { image_id: 1, category_id: 17 },
        { image_id: 1, category_id: 17, bbox: [1, 1, 0, 2] },
        {
          image_id: 1,
          category_id: 17,
          bbox: [1, 1, 2, 2],
          segmentation: { size: [40, 40], counts: [1600] },
        },
        { image_id: 1, category_id: 17, bbox: [1, 1, 2, 2], segmentation: { size: [40, 48], counts: '~' } },
        'nonsense',
      ],
    });
    assert.deepEqual([images, box.classes.map(({ objects }) => objects)], [2, [4, 1]]);
    assert.deepEqual(notices, [
      'The truth has 1 image that is not in the run, such as gone.jpg.',
      'The truth has 1 image without a prediction, such as bad.jpg.',
      'The model has no zebra, category 41: 2 objects not counted.',
      '4 annotations without a known image or a place in it not counted.',
      '2 masks cannot be used as a whole, such as one in a/1.jpg: it is of 40 x 40 pixels, its picture of 48 x 40.',
      '5 objects without a mask compared by the whole box.',
    ]);
  });

  test('leave out pictures that had another size when they were marked', async (t) => {
    const sized = [IMAGES[0], { ...IMAGES[1], width: 40, height: 48 }];
    const { images, notices } = await evaluate(await finder(t), { ...TRUTH, images: sized });
    assert.deepEqual(
      [images, notices],
      [
        1,
        ['1 image had another size when marked, such as 2.jpg (40 x 48 there, 48 x 40 here); not compared.'],
      ],
    );
  });

  const refused: [string, unknown, RegExp][] = [
    ['no JSON', '{', /but it is no JSON/],
    ['a list', [], /but it is no object/],
    ['no images', { annotations: [], categories: [] }, /but its "images" must be a list$/],
    ['damaged images', { ...TRUTH, images: [{ id: 1 }] }, /but images.0.file_name: /],
    ['no categories', { ...TRUTH, categories: [] }, /^Expected categories in .*, but it has none$/],
    ['other categories', { ...TRUTH, categories: [{ id: 1, name: 'zebra' }] }, /but it has no class zebra$/],
    [
      'other images',
      { ...TRUTH, images: [{ id: 1, file_name: 'x.jpg' }] },
      /none of its 1 image is predicted there$/,
    ],
  ];
  for (const [what, truth, message] of refused) {
    test(`refuse ${what}`, async (t) =>
      assert.rejects(evaluate(await finder(t), truth), { code: 'BAD_ARGUMENT', message }));
  }

  test('refuse a file that is not there, and one that is damaged anywhere', async (t) => {
    const run = await finder(t);
    await assert.rejects(run.app.evaluateFound({ runId: 1, truth: join(run.root, 'no.json') }), {
      code: 'NOT_FOUND',
    });
    await assert.rejects(run.app.evaluateFound({ runId: 1, truth: run.root }), { code: 'BAD_ARGUMENT' });
    const random = seededRandom(5);
    const bytes = Buffer.from(JSON.stringify(TRUTH));
    for (let round = 0; round < 200; round++) {
      writeFileSync(join(run.root, 'damaged.json'), mutated(bytes, 3, random));
      await run.app
        .evaluateFound({ runId: 1, truth: join(run.root, 'damaged.json') })
        .catch((error: unknown) => {
          assert.ok(error instanceof Error && error.name === 'AppError', String(error));
        });
    }
  });
});

suite('an evaluation', () => {
  test('needs no pictures', async (t) => {
    const run = await foundRun(t, 'detection', LABELS, FILES);
    rmSync(join(run.root, 'woods'), { recursive: true });
    assert.equal((await evaluate(run, TRUTH)).images, 2);
  });

  test('of what was found is refused for a classifier', async (t) => {
    const { app, folder } = testApp(t, 1);
    await app.run({ folders: [folder] });
    await assert.rejects(app.evaluateFound({ runId: 1, truth: folder }), {
      code: 'BAD_ARGUMENT',
      message: 'Expected a run of a detection or segmentation model, but run 1 is of a classifier',
    });
  });
});
