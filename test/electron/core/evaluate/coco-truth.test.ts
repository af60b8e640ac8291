import assert from 'node:assert/strict';
import { constants } from 'node:buffer';
import { truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { foundRun } from '../../support/found-run.ts';
import type { FoundRun } from '../../support/found-run.ts';

async function evaluate(run: FoundRun, truth: unknown) {
  const path = join(run.root, 'truth.json');
  writeFileSync(path, typeof truth === 'string' ? truth : JSON.stringify(truth));
  const evaluation = await run.app.evaluateFound({ runId: run.runId, truth: path });
  assert.ok(evaluation.task === 'detection');
  return evaluation;
}

suite('annotations that are not as they should be', () => {
  /** The object of ../shared/reports/coco-bom and its picture, with this as its mask. */
  const bear = (annotation: object, image: object = { width: 100, height: 80 }) => ({
    images: [{ id: 1, file_name: 'a.png', ...image }],
    annotations: [
      {
        id: 1,
        image_id: 1,
        category_id: 1,
        bbox: [10, 10, 40, 30],
        area: 1200,
        iscrowd: 0,
        ...annotation,
      },
    ],
    categories: [{ id: 1, name: 'B\u00e4r' }],
  });
  const bearRun = (t: TestContext, name = 'B\u00e4r', file = 'woods/a.png') =>
    foundRun(t, 'detection', [{ name }], {
      [file]: { size: [100, 80], detections: [[0, 0.9, 10, 10, 40, 30]] },
    });
  const right = [1, [{ label: 'B\u00e4r', ap: 1, objects: 1 }]];

  test('may start with a byte order mark (coco-bom)', async (t) => {
    const { box, notices } = await evaluate(await bearRun(t), `\ufeff${JSON.stringify(bear({}))}`);
    assert.deepEqual([box.ap, box.classes, notices], [...right, []]);
  });

  test('are not parsed when lists lie in each other without end', async (t) => {
    const run = await bearRun(t);
    const deep = `{"images":${'['.repeat(100_000)}${']'.repeat(100_000)},"annotations":[],"categories":[]}`;
    await assert.rejects(evaluate(run, deep), {
      code: 'BAD_ARGUMENT',
      message:
        /it is too large: expected JSON with at most 32 lists and objects in each other, but there are more$/,
    });
  });

  test('are not read when there are more bytes than a text can have', async (t) => {
    const run = await bearRun(t);
    const truth = join(run.root, 'large.json');
    writeFileSync(truth, '{');
    truncateSync(truth, 2 ** 30); // a hole takes no room
    await assert.rejects(run.app.evaluateFound({ runId: run.runId, truth }), {
      code: 'BAD_ARGUMENT',
      message: `The COCO file ${truth} has 1073741824 bytes, and at most ${constants.MAX_STRING_LENGTH} bytes are read`,
    });
  });

  const masks: [string, object, string[], number | undefined][] = [
    ['no ring at all', { segmentation: [] }, [], undefined],
    [
      'a ring without corners (coco-degenerate-polygon, seg-empty)',
      { segmentation: [[]] },
      ['1 mask cannot be used as a whole, such as one in a.png: a ring of it has fewer than three corners.'],
      undefined,
    ],
    [
      'a ring that is a line (seg-line)',
      { segmentation: [[10, 10, 50, 40]] },
      ['1 mask cannot be used as a whole, such as one in a.png: a ring of it has fewer than three corners.'],
      undefined,
    ],
    [
      'a ring that is a point beside a good one (seg-part)',
      {
        segmentation: [
          [10, 10, 50, 10, 50, 40, 10, 40],
          [1, 1],
        ],
      },
      ['1 mask cannot be used as a whole, such as one in a.png: a ring of it has fewer than three corners.'],
      1,
    ],
    [
      'an object of neither kind (seg-obj)',
      { segmentation: {} },
      [
        '1 mask cannot be used as a whole, such as one in a.png: it is neither rings of corners nor run lengths.',
      ],
      undefined,
    ],
    ['one ring that is in no list', { segmentation: [10, 10, 50, 10, 50, 40, 10, 40] }, [], 1],
    [
      'corners on one line',
      { segmentation: [[10, 10, 20, 10, 50, 10]] },
      [
        '1 mask cannot be used as a whole, such as one in a.png: it covers no pixel.',
        '1 object without a mask compared by the whole box.',
      ],
      1,
    ],
    [
      'a box of no width beside a good ring',
      { bbox: [10, 10, 0, 30], segmentation: [[10, 10, 50, 10, 50, 40, 10, 40]] },
      [],
      1,
    ],
    ['an area and a crowd of no kind', { area: -1, iscrowd: 'no' }, [], undefined],
    ['numbers that are texts in one place', { image_id: '1', category_id: '1' }, [], undefined],
  ];
  for (const [what, annotation, notices, maskAp] of masks) {
    test(`use the box beside ${what}`, async (t) => {
      const { box, mask, notices: told } = await evaluate(await bearRun(t), bear(annotation));
      assert.deepEqual([box.ap, box.classes, told, mask?.ap], [...right, notices, maskAp]);
    });
  }

  test('need no sizes, and know what is no size', async (t) => {
    for (const image of [
      {},
      { width: 0, height: 0 },
      { width: null, height: null },
      { width: '100', height: -1 },
    ]) {
      const { box, notices } = await evaluate(await bearRun(t), bear({}, { width: undefined, ...image }));
      assert.deepEqual([box.ap, box.classes, notices], [...right, []]);
    }
  });

  test('are read but for the entries that say nothing', async (t) => {
    const truth = bear({});
    const { box, notices } = await evaluate(await bearRun(t), {
      ...truth,
      images: [{ id: 7 }, ...truth.images, 'x'],
      categories: [{ name: 'no id' }, ...truth.categories],
    });
    assert.deepEqual([box.ap, box.classes], right);
    assert.equal(notices.length, 2);
    assert.match(
      notices[0] ?? '',
      /^2 entries of "images" cannot be used, such as images\.0\.file_name: .*\.$/,
    );
    assert.match(
      notices[1] ?? '',
      /^1 entry of "categories" cannot be used, such as categories\.0\.id: .*\.$/,
    );
  });

  test('name files and classes with accents written either way (nfc-nfd-truth)', async (t) => {
    const composed = 'M\u00fcller/B\u00e4r 1.png';
    const onDisk = await bearRun(t, 'B\u00e4r', `woods/${composed.normalize('NFD')}`);
    const { box, images } = await evaluate(onDisk, bear({}, { file_name: composed }));
    assert.deepEqual([images, box.ap, box.classes], [1, ...right]);
    const decomposed = bear({});
    decomposed.categories = [{ id: 1, name: 'B\u00e4r'.normalize('NFD') }];
    assert.deepEqual((await evaluate(await bearRun(t), decomposed)).box.ap, 1);
    const folded = await evaluate(await bearRun(t), bear({}, { file_name: 'A.PNG' }));
    assert.deepEqual(folded.box.classes, right[1]);
  });
});
