import assert from 'node:assert/strict';
import { readdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { suite, test } from 'node:test';
import { sampleFolder } from '../../../../electron/core/calibration/sample.ts';
import { ModelRegistry } from '../../../../electron/core/registry/model-registry.ts';
import { writeFiles } from '../../support/files.ts';
import { testModels } from '../../support/models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const registry = new ModelRegistry({ bundledFolder: testModels, userFolder: '/nowhere' });
const { manifest } = await registry.find('everyday10');

function files(count: number, folder = ''): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`${folder}${index}.jpg`, 'x']));
}

const silent = () => undefined;

suite('the sample of a folder', () => {
  test('is of the size asked for, the same each time, and spread over the folder', async (t) => {
    const folder = temporaryFolder(t);
    writeFiles(folder, files(400));
    const one = await sampleFolder(folder, manifest, 60, silent);
    const other = await sampleFolder(folder, manifest, 60, silent);
    assert.deepEqual(other, one);
    assert.deepEqual([one.paths.length, new Set(one.paths).size, one.found], [60, 60, 400]);
    const numbers = one.paths.map((path) => Number.parseInt(basename(path), 10));
    assert.ok(numbers.some((number) => number < 200) && numbers.some((number) => number >= 200));
    rmSync(one.paths[0] ?? '');
    const less = await sampleFolder(folder, manifest, 60, silent);
    assert.equal(less.paths.filter((path) => one.paths.includes(path)).length, 59);
  });

  test('is everything when there is no more', async (t) => {
    const folder = temporaryFolder(t);
    writeFiles(folder, files(50));
    const { paths, found, labels } = await sampleFolder(folder, manifest, 500, silent);
    assert.deepEqual(
      paths.sort(),
      readdirSync(folder)
        .map((name) => join(folder, name))
        .sort(),
    );
    assert.deepEqual([found, labels.filter((label) => label !== undefined)], [50, []]);
  });

  test('knows the classes of the sub-folders that are named like one', async (t) => {
    const folder = temporaryFolder(t);
    writeFiles(folder, { ...files(30, 'Cat/'), ...files(30, 'truck/deep/'), ...files(30, 'other/') });
    const { paths, labels } = await sampleFolder(folder, manifest, 500, silent);
    const of = (name: string) => labels[paths.findIndex((path) => path.startsWith(join(folder, name)))];
    assert.deepEqual([of('Cat'), of('truck'), of('other')], [[3], [9], undefined]);
  });

  test('of fewer than 50 images is refused', async (t) => {
    const folder = temporaryFolder(t);
    writeFiles(folder, { ...files(49), 'notes.txt': 'x' });
    await assert.rejects(sampleFolder(folder, manifest, 500, silent), {
      name: 'AppError',
      code: 'BAD_ARGUMENT',
      message: `A calibration needs at least 50 images, but the folder ${folder} holds 49`,
    });
  });
});
