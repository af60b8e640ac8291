import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import sharp from 'sharp';
import { drawPicture } from '../../build/parts/draw.ts';
import { kinds } from '../../build/parts/kinds.ts';
import { root } from '../../build/setup.mjs';
import { decodeRuns, runsArea, runsBox } from '../../electron/shared/mask.ts';
import { temporaryFolder } from '../electron/support/temporary-folder.ts';

const side = 48;

suite('pictures of parts', () => {
  test('are the same for a seed, and others for another', () => {
    const draw = (seed: number) => drawPicture(seed, { side, classes: [5] }).pixels;
    assert.deepEqual(draw(7), draw(7));
    assert.notDeepEqual(draw(7), draw(8));
  });

  for (const [classIndex, { name }] of kinds.entries())
    test(`show a ${name} with the pixels that are its own`, () => {
      for (const seed of [1, 2, 3]) {
        const { pixels, parts } = drawPicture(seed, { side, classes: [classIndex] });
        assert.equal(pixels.length, side * side * 3);
        const [part] = parts;
        assert.ok(part !== undefined && part.classIndex === classIndex);
        const own = part.mask.reduce((sum, pixel) => sum + pixel, 0);
        assert.ok(own > side, `${own} pixels of a ${name}, seed ${seed}`);
        assert.ok(own < 0.7 * side * side);
      }
    });

  test('of several parts give each pixel to one of them', () => {
    const { parts } = drawPicture(11, { side: 96, classes: [0, 1, 2, 3, 4] });
    assert.ok(parts.length >= 4);
    for (let pixel = 0; pixel < 96 * 96; pixel++)
      assert.ok(parts.reduce((sum, { mask }) => sum + (mask[pixel] ?? 0), 0) <= 1);
  });
});

interface Annotations {
  images: { id: number; file_name: string; width: number }[];
  categories: { id: number; name: string }[];
  annotations: {
    image_id: number;
    category_id: number;
    bbox: number[];
    area: number;
    segmentation: { counts: string };
  }[];
}

function write(folder: string, ...args: string[]) {
  const command = [join(root, 'build/parts/write-parts.ts'), folder, '--side', String(side), ...args];
  return spawnSync(process.execPath, command, { encoding: 'utf8' });
}

test('a data set has class folders, and annotations that name its files', async (t) => {
  const folder = join(temporaryFolder(t), 'parts');
  assert.equal(write(folder, '--count', '14').status, 0);
  const { images, categories, annotations } = JSON.parse(
    readFileSync(join(folder, 'annotations.json'), 'utf8'),
  ) as Annotations;
  assert.deepEqual(
    categories.map(({ name }) => name),
    kinds.map(({ name }) => name),
  );
  assert.deepEqual(readdirSync(folder).sort(), [...kinds.map(({ name }) => name), 'annotations.json'].sort());
  assert.equal(images.length, 14);
  for (const { file_name } of images)
    assert.equal((await sharp(join(folder, file_name)).metadata()).width, side);
  for (const { image_id, category_id, bbox, area, segmentation } of annotations) {
    assert.equal(images[image_id - 1]?.file_name.split('/')[0], kinds[category_id - 1]?.name);
    const runs = decodeRuns(segmentation.counts);
    assert.equal(runsArea(runs), area);
    const box = runsBox(runs, side);
    assert.deepEqual(bbox, [box?.x, box?.y, box?.width, box?.height]);
  }
  const again = write(folder, '--count', '1');
  assert.equal(again.status, 1);
  assert.match(again.stderr, /Expected an empty folder/);
});
