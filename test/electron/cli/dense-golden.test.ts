import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { Library } from '../../../electron/core/store/library.ts';
import type { PlacedRow } from '../../../electron/core/store/lists/result-queries.ts';
import { decodeRuns, toBitmap } from '../../../electron/shared/mask.ts';
import { winnow } from '../support/command-line.ts';
import { sharedData } from '../support/files.ts';
import { temporaryFolder } from '../support/temporary-folder.ts';
import { expectedTensors } from '../support/tensors.ts';

const photos = sharedData('golden/photos');

/** A run of a golden model on the golden photos, as the library holds it. */
async function goldenRun(t: TestContext, golden: string, ...settings: string[]) {
  const data = temporaryFolder(t);
  const checkpoint = join(golden, 'checkpoint.pth');
  const imported = await winnow(data, 'models', 'import', checkpoint, '--name', 'model', ...settings);
  assert.equal(imported.code, 0, imported.stderr);
  const { code, stderr } = await winnow(data, 'run', photos.path, '--model', 'model', '--device', 'cpu');
  assert.equal(code, 0, stderr);
  const library = Library.open(join(data, 'library.db'));
  t.after(() => library.close());
  const ids = [...library.resultQueries.find(1, {}, { sort: 'path' })];
  const rows = library.resultQueries.rows(1, ids);
  const rowOf = (name: string): PlacedRow => {
    const row = rows.find(({ relativePath }) => relativePath === name);
    assert.ok(row !== undefined);
    return row;
  };
  return { library, rowOf, expected: expectedTensors(join(golden, 'expected.safetensors')) };
}

/** From the photo's file to the library, within the tolerances of the golden numbers. */
suite('a run on the golden photos finds what the original finds', () => {
  for (const { name, directions, files } of [
    {
      name: 'vim-det-plain-random',
      directions: 'summed',
      files: ['n02504458_African_elephant.JPEG', 'n04146614_school_bus.JPEG'],
    },
    {
      name: 'vim-det-cascade-random',
      directions: 'halved',
      files: ['n03781244_monastery.JPEG', 'n01773797_garden_spider.JPEG'],
    },
  ]) {
    const golden = sharedData(`golden/${name}`);
    test(`with ${name}`, { skip: photos.skip || golden.skip }, async (t) => {
      const { library, rowOf, expected } = await goldenRun(t, golden.path, '--directions', directions);
      for (const [index, file] of files.entries()) {
        const { imageId } = rowOf(file);
        const found = library.found.detections(1, [imageId]).get(imageId) ?? [];
        const of = (tensor: string) => expected(`photo${index}/final.${tensor}`);
        assert.deepEqual(
          found.map(({ classIndex }) => classIndex),
          of('classes'),
        );
        const boxes = of('boxes');
        for (const [rank, { score, box }] of found.entries()) {
          assert.ok(Math.abs(score - (of('scores')[rank] ?? 0)) < 5e-4);
          const corners = [box.x, box.y, box.x + box.width, box.y + box.height];
          for (const [side, coordinate] of corners.entries()) {
            assert.ok(Math.abs(coordinate - (boxes[4 * rank + side] ?? 0)) < 0.05);
          }
        }
      }
    });
  }

  const segmenter = sharedData('golden/dyvm-seg-upernet-random');
  test('with dyvm-seg-upernet-random', { skip: photos.skip || segmenter.skip }, async (t) => {
    const { library, rowOf, expected } = await goldenRun(t, segmenter.path, '--token-keep', '0.8');
    for (const [index, file] of ['n02127052_lynx.JPEG', 'n02123045_tabby.JPEG'].entries()) {
      const { imageId, width = 0, height = 0, receipt } = rowOf(file);
      const map = new Uint8Array(width * height).fill(255);
      for (const { classIndex, counts } of library.found.masks(1, [imageId]).get(imageId) ?? []) {
        const bitmap = toBitmap(decodeRuns(counts), width, height);
        for (const [pixel, inside] of bitmap.entries()) if (inside === 1) map[pixel] = classIndex;
      }
      const classes = expected(`photo${index}/argmax`);
      const wrong = classes.filter((classIndex, pixel) => classIndex !== map[pixel]);
      assert.ok(wrong.length <= 0.0002 * classes.length, `${wrong.length} of ${classes.length} pixels`);
      const windows = [3, 2][index] ?? 0;
      assert.deepEqual(
        [receipt?.directions.length, receipt?.survived.length],
        [windows * 24, windows * 1024],
      );
      for (let window = 0; window < windows; window++) {
        const survived = receipt?.survived.subarray(window * 1024, (window + 1) * 1024) ?? [];
        const kept = [...survived].flatMap((stages, patch) => (stages === 3 ? [patch] : []));
        assert.deepEqual(kept, expected(`photo${index}/window${window}.stage2.keep`));
      }
    }
  });
});
