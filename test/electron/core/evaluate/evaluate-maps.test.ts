import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { Library } from '../../../../electron/core/store/library.ts';
import { polygonRuns } from '../../../../electron/core/evaluate/polygon-mask.ts';
import { readClassMap } from '../../../../electron/core/evaluate/read-png.ts';
import { encodeRuns, fromBitmap, runsArea, toBitmap } from '../../../../electron/shared/mask.ts';
import { foundRun } from '../../support/found-run.ts';
import type { FoundPicture, FoundRun } from '../../support/found-run.ts';
import { mutated, seededRandom } from '../random.ts';

const CLASSES = [{ name: 'sky' }, { name: 'sea' }, { name: 'sand' }];
const MAPS: Record<string, FoundPicture> = {
  'in/a/1.png': {
    regions: [
      [2, 0, 0, 30, 40],
      [0, 30, 0, 18, 40],
    ],
  },
  'in/a/1.jpg': { regions: [[1, 0, 0, 48, 40]] },
};

interface GoldenMaps {
  pairs: [truth: number[][], found: number[][]][];
  expected: { ious: number[]; meanIou: number; pixelAccuracy: number };
}

async function evaluateMaps(run: FoundRun, folder: string) {
  const evaluation = await run.app.evaluateFound({ runId: run.runId, truth: folder });
  assert.ok(evaluation.task === 'segmentation');
  return evaluation;
}

async function writeMap(
  path: string,
  width: number,
  height: number,
  value: (x: number, y: number) => number,
) {
  const pixels = Uint8Array.from({ length: width * height }, (_, at) =>
    value(at % width, Math.floor(at / width)),
  );
  writeFileSync(
    path,
    await sharp(pixels, { raw: { width, height, channels: 1 } })
      .toColourspace('b-w')
      .png()
      .toBuffer(),
  );
}

suite('class maps against maps', () => {
  test('of the same run agree in every pixel', async (t) => {
    const run = await foundRun(t, 'segmentation', CLASSES, MAPS);
    const out = join(run.root, 'maps');
    await run.app.exportRun({ runId: 1, format: 'maps', out });
    assert.deepEqual(await evaluateMaps(run, out), {
      task: 'segmentation',
      images: 2,
      notices: [],
      meanIou: 1,
      pixelAccuracy: 1,
      classes: [
        { label: 'sky', iou: 1, pixels: 18 * 40 },
        { label: 'sea', iou: 1, pixels: 48 * 40 },
        { label: 'sand', iou: 1, pixels: 30 * 40 },
      ],
    });
  });

  test('count pixels of every class, and none that the truth leaves open', async (t) => {
    const run = await foundRun(t, 'segmentation', CLASSES, { 'in/1.jpg': MAPS['in/a/1.png'] ?? 'failed' });
    const folder = join(run.root, 'truth');
    mkdirSync(folder);
    // Found: sand in columns 0 to 29, then sky. Marked: sand to 19, sea to 39, then open.
    await writeMap(join(folder, '1.PNG'), 48, 40, (x, y) => (x < 20 ? 3 : x < 40 ? 2 : y < 20 ? 0 : 255));
    const { classes, meanIou, pixelAccuracy } = await evaluateMaps(run, folder);
    assert.deepEqual(classes, [
      { label: 'sky', iou: 0, pixels: 0 },
      { label: 'sea', iou: 0, pixels: 20 * 40 },
      { label: 'sand', iou: 20 / 30, pixels: 20 * 40 },
    ]);
    assert.deepEqual([meanIou, pixelAccuracy], [20 / 30 / 3, 0.5]);
  });

  test('have the numbers that another implementation computed', async (t) => {
    const path = new URL('../../../golden/found-numbers/objects.json', import.meta.url);
    const { maps } = JSON.parse(readFileSync(path, 'utf8')) as { maps: GoldenMaps };
    const size: [number, number] = [11, 9];
    const labels = ['a', 'b', 'c', 'd'].map((name) => ({ name }));
    const empty: FoundPicture = { regions: [], size };
    const run = await foundRun(t, 'segmentation', labels, {
      'in/0.png': empty,
      'in/1.png': empty,
      'in/2.png': empty,
    });
    const library = Library.open(run.libraryPath);
    const folder = join(run.root, 'truth');
    mkdirSync(folder);
    for (const [index, [truth, found]] of maps.pairs.entries()) {
      await writeMap(join(folder, `${index}.png`), ...size, (x, y) => truth[y]?.[x] ?? 0);
      const regions = labels.map((_, classIndex) => {
        const runs = fromBitmap(
          Uint8Array.from(found.flat(), (value) => Number(value === classIndex + 1)),
          ...size,
        );
        return { classIndex, mask: { area: runsArea(runs), counts: encodeRuns(runs) } };
      });
      library.found.save(run.runId, run.ids[`in/${index}.png`] ?? 0, { regions });
    }
    library.close();
    const { classes, meanIou, pixelAccuracy } = await evaluateMaps(run, folder);
    const actual = [...classes.map(({ iou }) => iou ?? NaN), meanIou, pixelAccuracy];
    const { expected } = maps;
    for (const [index, value] of [...expected.ious, expected.meanIou, expected.pixelAccuracy].entries())
      assert.ok(Math.abs((actual[index] ?? NaN) - value) < 1e-12, `${actual.join()} is not ${value}`);
  });

  test('say what of the truth cannot be used', async (t) => {
    const run = await foundRun(t, 'segmentation', CLASSES, {
      'in/1.jpg': { regions: [[0, 0, 0, 48, 40]] },
      'in/2.jpg': { regions: [[0, 0, 0, 48, 40]] },
      'in/3.jpg': { regions: [[0, 0, 0, 48, 40]] },
      'in/4.jpg': 'failed',
    });
    const folder = join(run.root, 'truth');
    mkdirSync(folder);
    await writeMap(join(folder, '1.png'), 48, 40, (x) => (x < 24 ? 1 : 9));
    await writeMap(join(folder, '2.png'), 40, 48, () => 1);
    for (const name of ['4.png', 'other.png']) await writeMap(join(folder, name), 48, 40, () => 1);
    const { images, notices, meanIou } = await evaluateMaps(run, folder);
    assert.deepEqual([images, meanIou], [1, 1]);
    assert.deepEqual(notices, [
      'The truth has 1 map of no image in the run, such as other.png.',
      'The truth has 1 map without a prediction, such as 4.png.',
      'The truth does not have 1 image that was predicted.',
      '1 map could not be used, such as 2.png: it has 40 x 48 pixels, its image 48 x 40.',
      "960 pixels of classes beyond the model's 3 not compared.",
    ]);
  });

  test('refuse a folder without any that fits', async (t) => {
    const run = await foundRun(t, 'segmentation', CLASSES, { 'in/1.jpg': { regions: [[0, 0, 0, 48, 40]] } });
    const folder = join(run.root, 'truth');
    const message = (reason: string) => `Expected class maps of predicted images in ${folder}, but ${reason}`;
    await assert.rejects(evaluateMaps(run, folder), { code: 'NOT_FOUND' });
    mkdirSync(folder);
    await assert.rejects(evaluateMaps(run, folder), {
      code: 'BAD_ARGUMENT',
      message: message('it holds no PNG'),
    });
    await writeMap(join(folder, '7.png'), 48, 40, () => 1);
    await assert.rejects(evaluateMaps(run, folder), {
      message: message('none of its 1 PNG has the path or name of one'),
    });
    renameSync(join(folder, '7.png'), join(folder, '1.png'));
    writeFileSync(join(folder, '1.png'), 'text');
    await assert.rejects(evaluateMaps(run, folder), {
      message: message('none can be used, such as 1.png: it is no PNG'),
    });
    await assert.rejects(evaluateMaps(run, join(folder, '1.png')), {
      code: 'BAD_ARGUMENT',
      message: /is a file$/,
    });
  });
});

suite('a class map in a PNG', () => {
  const random = seededRandom(11);
  for (const bits of [1, 2, 4, 8] as const) {
    test(`of ${bits} bits per pixel is read as it is stored, of greys and of a palette`, async () => {
      for (const [width, height] of [
        [1, 1],
        [37, 23],
        [8, 300],
      ] as const) {
        const values = Uint8Array.from({ length: width * height }, () => random(2 ** bits));
        const grey = Uint8Array.from(values, (value) => (value * 255) / (2 ** bits - 1));
        const picture = sharp(grey, { raw: { width, height, channels: 1 } }).toColourspace('b-w');
        const file = await picture.png({ bitdepth: bits, adaptiveFiltering: true } as object).toBuffer();
        const map = await readClassMap(file);
        assert.deepEqual([map.width, map.height], [width, height]);
        const scale = (2 ** map.depth - 1) / 255;
        assert.deepEqual(
          [...map.values],
          [...grey].map((value) => Math.round(value * scale)),
        );
      }
    });
  }

  test('of 16 bits with every filter comes back', async () => {
    const values = Uint16Array.from({ length: 61 * 47 }, () => random(65_536));
    const smooth = Uint16Array.from(values, (value, at) => at * 20 + (value % 3));
    for (const words of [values, smooth]) {
      const picture = sharp(words, { raw: { width: 61, height: 47, channels: 1 } });
      const file = await picture.toColourspace('grey16').png({ adaptiveFiltering: true }).toBuffer();
      const map = await readClassMap(file);
      assert.deepEqual([map.depth, [...map.values]], [16, [...words]]);
    }
  });

  test('is refused when it has colours, is interlaced or damaged', async () => {
    const grey = sharp(Buffer.alloc(400, 7), { raw: { width: 20, height: 20, channels: 1 } });
    const colours = sharp(Buffer.alloc(1200, 7), { raw: { width: 20, height: 20, channels: 3 } });
    await assert.rejects(readClassMap(await colours.png().toBuffer()), { message: /has colours/ });
    const interlaced = grey.clone().toColourspace('b-w').png({ progressive: true });
    await assert.rejects(readClassMap(await interlaced.toBuffer()), { message: 'it is interlaced' });
    const file = await grey.clone().toColourspace('b-w').png().toBuffer();
    await assert.rejects(readClassMap(file.subarray(0, file.length - 30)), {
      message: /ends too early|damaged/,
    });
    const seeds = seededRandom(12);
    for (let round = 0; round < 300; round++) {
      await readClassMap(Buffer.from(mutated(file, 3, seeds))).catch((error: unknown) => {
        assert.ok(error instanceof Error && error.name === 'AppError', String(error));
      });
    }
  });
});

suite('the mask of polygons', () => {
  const bitmap = (polygons: number[][], width: number, height: number) =>
    toBitmap(polygonRuns(polygons, width, height), width, height);

  test('has the pixels whose centres lie inside', () => {
    const triangle = bitmap([[0, 0, 4, 0, 0, 4]], 5, 5);
    const rows = Array.from({ length: 5 }, (_, y) => [...triangle.subarray(y * 5, y * 5 + 5)].join(''));
    assert.deepEqual(rows, ['11100', '11000', '10000', '00000', '00000']);
    assert.equal(runsArea(polygonRuns([[1, 1, 3, 1, 3, 3, 1, 3]], 5, 5)), 4);
    assert.deepEqual(polygonRuns([[-9, -9, 99, -9, 99, 99, -9, 99]], 3, 2), [0, 6]);
    assert.deepEqual(polygonRuns([[9, 9, 12, 9, 12, 12]], 3, 2), [6]);
  });

  test('is the union of several, and what a test of every pixel gives', () => {
    const random = seededRandom(2);
    for (let round = 0; round < 100; round++) {
      const polygons = Array.from({ length: 1 + random(3) }, () =>
        Array.from({ length: 2 * (3 + random(5)) }, () => random(400) / 10 - 5 + 0.013),
      );
      const [width, height] = [1 + random(35), 1 + random(35)];
      const expected = Uint8Array.from({ length: width * height }, (_, at) =>
        Number(
          polygons.some((polygon) => isInside(polygon, (at % width) + 0.5, Math.floor(at / width) + 0.5)),
        ),
      );
      assert.deepEqual(bitmap(polygons, width, height), expected);
      assert.deepEqual(polygonRuns(polygons, width, height), fromBitmap(expected, width, height));
    }
  });
});

/** Whether a ray to the right crosses the polygon's edges an odd number of times. */
function isInside(polygon: number[], x: number, y: number): boolean {
  let inside = false;
  for (let index = 0; index < polygon.length; index += 2) {
    const next = (index + 2) % polygon.length;
    const [x0 = 0, y0 = 0, x1 = 0, y1 = 0] = [
      polygon[index],
      polygon[index + 1],
      polygon[next],
      polygon[next + 1],
    ];
    if (y0 > y !== y1 > y && x < x0 + ((y - y0) / (y1 - y0)) * (x1 - x0)) inside = !inside;
  }
  return inside;
}
