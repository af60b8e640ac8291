import assert from 'node:assert/strict';
import { copyFileSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { loadAddon } from '../../../../electron/engine/addon.ts';
import { BatchEngine } from '../../../../electron/engine/predict/batch-engine.ts';
import { prepareDecoder } from '../../../../electron/engine/pictures/decode-image.ts';
import type { ImageOutcome } from '../../../../electron/shared/engine-api.ts';
import { everyday10 } from '../../support/models.ts';
import { drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';

const accurate = { tokenKeep: [1, 1, 1], blockThreshold: 0.5 };
const fast = { tokenKeep: [0.5, 0.25, 0.125], blockThreshold: 0.5 };

/** An engine with everyday10 open that counts the pictures it decodes, and the paths of some drawn ones. */
async function counting(t: TestContext, count: number) {
  const folder = temporaryFolder(t);
  await drawFolder(folder, count);
  const decoder = prepareDecoder();
  const decoded = { pictures: 0 };
  const engine = new BatchEngine(loadAddon(), {
    ...decoder,
    decode: (...picture) => {
      decoded.pictures++;
      return decoder.decode(...picture);
    },
  });
  await engine.open({
    packagePath: everyday10,
    device: 'cpu',
    threads: 1,
    precision: 'fp32',
    input: { task: 'classification', resize: 32, crop: 32 },
  });
  const paths = Array.from({ length: count }, (_, index) =>
    join(folder, `${String(index).padStart(3, '0')}.jpg`),
  );
  return { engine, decoded, paths };
}

const tops = (outcomes: ImageOutcome[]) =>
  outcomes.map((outcome) => (outcome.status === 'ok' ? outcome.top : outcome.problem.code));

suite('a batch that is asked for again', () => {
  test('with other settings is not decoded again, and gives what it would give alone', async (t) => {
    const { engine, decoded, paths } = await counting(t, 4);
    const alone = await counting(t, 4);
    const first = await engine.predict(paths, accurate);
    const second = await engine.predict(paths, fast);
    const third = await engine.predict(paths, accurate);
    assert.equal(decoded.pictures, 4);
    assert.deepEqual(tops(third), tops(first));
    assert.deepEqual(tops(second), tops(await alone.engine.predict(alone.paths, fast)));
    assert.notDeepEqual(tops(second), tops(first));
  });

  test('is decoded again when a file has changed or gone, or others are asked for', async (t) => {
    const { engine, decoded, paths } = await counting(t, 4);
    const [first = '', second = '', ...others] = paths;
    const before = await engine.predict([first, second], accurate);
    await engine.predict(others, accurate);
    assert.equal(decoded.pictures, 4);
    copyFileSync(second, first);
    utimesSync(first, 1000, 1000);
    const [changed, same] = await engine.predict([first, second], accurate);
    assert.equal(decoded.pictures, 6);
    assert.ok(changed?.status === 'ok' && same?.status === 'ok');
    assert.deepEqual(changed.top, same.top);
    assert.deepEqual(tops([same]), tops(before.slice(1)));
    rmSync(first);
    assert.deepEqual(tops(await engine.predict([first, second], accurate))[0], 'gone');
    await engine.predict([second, first], accurate);
    assert.equal(decoded.pictures, 8);
  });
});
