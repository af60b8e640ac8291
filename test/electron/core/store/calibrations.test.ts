import assert from 'node:assert/strict';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { ModelRegistry } from '../../../../electron/core/registry/model-registry.ts';
import { Library } from '../../../../electron/core/store/library.ts';
import { curve, point } from '../../support/calibrations.ts';
import { testModels } from '../../support/models.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

/** A library that knows the model of the made-up curves. */
async function openLibrary(t: TestContext): Promise<Library> {
  const library = Library.open(join(temporaryFolder(t), 'library.db'));
  t.after(() => library.close());
  const registry = new ModelRegistry({ bundledFolder: testModels, userFolder: '/nowhere' });
  const { name, path, manifest } = await registry.find('everyday10');
  library.models.put({ sha256: curve([]).modelSha256, name, path, manifest });
  return library;
}

suite('the calibrations of a library', () => {
  test('come back as they were put', async (t) => {
    const { calibrations } = await openLibrary(t);
    const one = curve([point(10, {}), point(20, { precision: 'int8', agreeing: 990 })], { labelled: 7 });
    calibrations.put(one);
    assert.deepEqual({ ...calibrations.get(one) }, one);
    const without = { ...one, folder: undefined, threads: 3 };
    calibrations.put(without);
    assert.deepEqual({ ...calibrations.get(without) }, without);
  });

  test('take the place of older ones for the same key, and of no others', async (t) => {
    const { calibrations } = await openLibrary(t);
    const old = curve([point(10, {})]);
    calibrations.put(old);
    calibrations.put({ ...old, threads: 1, createdAt: '2026-02-01T00:00:00.000Z' });
    calibrations.put(curve([point(11, {})]));
    assert.equal(calibrations.get(old)?.points[0]?.imagesPerSecond, 11);
    assert.deepEqual(
      calibrations.keys().map(({ threads }) => threads),
      [1, 2],
    );
  });

  test('hold for exactly their model, device, machine, engine and threads', async (t) => {
    const { calibrations } = await openLibrary(t);
    const key = curve([point(10, {})]);
    calibrations.put(key);
    assert.ok(calibrations.get(key));
    const others = [
      { modelSha256: 'cd' },
      { device: 'x' },
      { machine: 'x' },
      { engine: 'x' },
      { threads: 3 },
    ];
    for (const other of others) assert.equal(calibrations.get({ ...key, ...other }), undefined);
  });
});
