import assert from 'node:assert/strict';
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import type { TestContext } from 'node:test';
import { DeviceEngine } from '../../../../electron/engine/devices/device-engine.ts';
import type { EngineApi } from '../../../../electron/shared/engine-api.ts';
import { EngineDouble } from '../../support/engine-double.ts';
import { parts, sampleParts } from '../../support/models.ts';
import { drawFolder } from '../../support/pictures.ts';
import { temporaryFolder } from '../../support/temporary-folder.ts';
import { keptText } from '../../../../electron/core/files/kept-text.ts';
import { fails } from '../../core/app-error.ts';
import { everydayDial as dial, everydayModel as model } from '../../support/engine-client.ts';

const engines: [string, (t: TestContext) => EngineApi][] = [
  [
    'the engine',
    (t) =>
      new DeviceEngine({
        trial: { packagePath: parts, pictures: sampleParts },
        trials: keptText(join(temporaryFolder(t), 'devices.json')),
      }),
  ],
  ['its stand-in in tests', () => new EngineDouble()],
];

for (const [name, make] of engines) {
  const started = async (t: TestContext) => {
    const engine = make(t);
    t.after(() => engine.close());
    const folder = temporaryFolder(t);
    await drawFolder(folder, 3);
    const paths = readdirSync(folder).map((file) => join(folder, file));
    const bad = join(folder, 'bad.jpg');
    writeFileSync(bad, 'no picture');
    return { engine, paths, bad, gone: join(folder, 'gone.jpg') };
  };

  suite(`what core relies on, asked of ${name}`, () => {
    test('the processor is a device that can be used, and one that cannot says why', async (t) => {
      const { engine } = await started(t);
      const devices = await engine.devices();
      assert.ok(devices.some(({ name, available }) => name === 'cpu' && available));
      assert.ok(devices.every(({ available, reason }) => available === (reason === undefined)));
    });

    test('every file has an outcome, in order; what cannot be read fails alone', async (t) => {
      const { engine, paths, bad, gone } = await started(t);
      const { batchesUnderWay } = await engine.open(model);
      assert.ok(batchesUnderWay >= 1);
      const outcomes = await engine.predict([bad, ...paths, gone], dial);
      assert.deepEqual(
        outcomes.map(({ status }) => status),
        ['failed', 'ok', 'ok', 'ok', 'failed'],
      );
      const facts = outcomes.map(({ facts }) => [facts.version !== undefined, facts.width, facts.height]);
      assert.deepEqual(facts[1], [true, 48, 40]);
      assert.deepEqual(facts[4], [false, undefined, undefined]);
      assert.deepEqual(facts[0], [true, undefined, undefined]);
    });

    test('nothing is predicted before a model is open', async (t) => {
      const { engine, paths } = await started(t);
      await fails(engine.predict(paths, dial), 'ENGINE');
    });

    test('a picture that is none, or is gone, is BAD_IMAGE on the screen', async (t) => {
      const { engine, paths, bad, gone } = await started(t);
      const [first = ''] = paths;
      assert.equal((await engine.pictures.render(first, { maxSide: 16 })).type, 'image/webp');
      assert.equal((await engine.pictures.render(first, {})).type, 'image/jpeg');
      const box = { x: 1, y: 1, width: 8, height: 8 };
      const beside = { x: 100, y: 1, width: 8, height: 8 };
      const { width, height } = await engine.pictures.size(first);
      assert.deepEqual({ width, height }, { width: 48, height: 40 });
      const [inside, outside] = await engine.pictures.crop(first, [box, beside]);
      assert.ok(inside !== undefined && inside.length > 0);
      assert.equal(outside, undefined);
      for (const path of [bad, gone]) {
        await fails(engine.pictures.render(path, { maxSide: 16 }), 'BAD_IMAGE');
        await fails(engine.pictures.crop(path, [box]), 'BAD_IMAGE');
        await fails(engine.pictures.overlay(path, []), 'BAD_IMAGE');
        await fails(engine.pictures.size(path), 'BAD_IMAGE');
      }
    });

    test('a layer looks at the patches that there still are, or is refused', async (t) => {
      const { engine, paths, bad, gone } = await started(t);
      const { packagePath } = model;
      const input = { task: 'classification', resize: 32, crop: 32 } as const;
      const question = { packagePath, input, dial, layer: 7 };
      for (const path of paths) {
        const { patches, kept, forward, backward } = await engine.pictures.attention(path, question);
        assert.deepEqual([patches.length, kept], [64, Math.floor(64 * (dial.tokenKeep.at(-1) ?? 1))]);
        if (forward && backward) assert.equal(patches.filter((weight) => weight > 0).length, kept);
        else assert.ok(patches.filter((weight) => weight > 0).length <= kept);
      }
      await fails(engine.pictures.attention(paths[0] ?? '', { ...question, layer: 8 }), 'BAD_ARGUMENT');
      for (const path of [bad, gone]) await fails(engine.pictures.attention(path, question), 'BAD_IMAGE');
    });

    test('a mask of another size is refused', async (t) => {
      const { engine, paths } = await started(t);
      const mark = { colour: '#ff0000', counts: '04' };
      await fails(engine.pictures.overlay(paths[0] ?? '', [mark]), 'BAD_ARGUMENT');
    });

    test('what is asked of one that was closed is CANCELLED', async (t) => {
      const { engine, paths } = await started(t);
      await engine.open(model);
      await engine.close();
      await fails(engine.predict(paths, dial), 'CANCELLED');
      await fails(engine.pictures.render(paths[0] ?? '', {}), 'CANCELLED');
    });
  });
}
