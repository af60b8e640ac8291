import assert from 'node:assert/strict';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { suite, test } from 'node:test';
import { labelWorld } from './support.ts';

const skip = process.platform === 'win32' && 'links need a right of their own on Windows';

const labelmeOf = (name: string, label: string) =>
  JSON.stringify({
    version: '5.0.0',
    flags: {},
    imagePath: name,
    imageWidth: 100,
    imageHeight: 80,
    shapes: [
      {
        label,
        shape_type: 'rectangle',
        points: [
          [10, 10],
          [30, 30],
        ],
      },
    ],
  });

suite('labels by their paths', { skip }, () => {
  test('behind links are read, those of a folder too', async (t) => {
    const { put, run, root } = await labelWorld(t, ['a.png', 'b.png']);
    const real = put('real/a.json', labelmeOf('a.png', 'cat'));
    put('elsewhere/b.json', labelmeOf('b.png', 'dog'));
    mkdirSync(join(root, 'linked'));
    symlinkSync(real, join(root, 'linked/a.json'));
    symlinkSync(join(root, 'elsewhere'), join(root, 'linked/below'));
    symlinkSync(join(root, 'linked'), join(root, 'linked/round'));
    const { found } = await run(join(root, 'linked'));
    assert.deepEqual(found, {
      'a.png': { label: 'cat', boxes: ['cat 1 10 10 20 20'] },
      'b.png': { label: 'dog', boxes: ['dog 1 10 10 20 20'] },
    });
  });

  test('that the system does not open are refused with one sentence', async (t) => {
    const { run, root, app } = await labelWorld(t, ['a.png']);
    const loop = join(root, 'loop.csv');
    symlinkSync(loop, loop);
    for (const path of [loop, join(root, `${'long'.repeat(100)}.csv`)]) {
      const refused = { code: 'FILE_SYSTEM', message: /^The file \S+ cannot be read: E[A-Z]+: / };
      await assert.rejects(run(path), refused);
      await assert.rejects(app.labelTable({ path, purpose: 'run' }), refused);
    }
  });
});
