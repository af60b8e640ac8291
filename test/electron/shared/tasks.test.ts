import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { root } from '../../../build/setup.mjs';
import { manifestSchema } from '../../../electron/shared/model-package.ts';
import { forTask, isDense, isDenseTask, isOfTrainable, TASKS } from '../../../electron/shared/tasks.ts';
import { ARCHITECTURES, titlesOf } from '../../../electron/shared/architectures.ts';

/** Where two cases of a union are told apart beside their only use, or two tasks are compared, whichever they are. */
const COMPARING = new Map([
  ['electron/engine/predict/dense-pictures.ts', 3],
  ['electron/core/checkpoint/labels.ts', 1],
  ['electron/core/labels/choose-run.ts', 1],
  ['electron/core/runs/run-spec.ts', 1],
  ['electron/core/training/new-dense.ts', 1],
  ['renderer/views/new-run/DenseSettings.svelte', 1],
]);

suite('tasks', () => {
  test('have a record each', () => {
    const tasks = manifestSchema.options.map(({ shape }) => shape.task.value);
    assert.deepEqual(Object.keys(TASKS).sort(), tasks.sort());
    assert.deepEqual(tasks.filter(isDenseTask), ['detection', 'segmentation']);
  });

  test('are looked up, not compared', () => {
    const comparison =
      /\b(task|architecture)\)? *[!=]==(?! *(undefined|''))|[!=]== *'(vim|videomamba|mambareg|classification|segmentation|detection)'|case '(classification|segmentation|detection)'/g;
    for (const file of globSync('{electron,renderer}/**/*.{ts,svelte}', { cwd: root })) {
      const text = readFileSync(path.join(root, file), 'utf8');
      const compared = [...text.matchAll(comparison)].map(([found]) => found);
      const allowed = COMPARING.get(file.replaceAll('\\', '/')) ?? 0;
      assert.equal(compared.length, allowed, `${file}: ${compared.join(', ')}`);
    }
  });

  test('choose the case of a value, which sees no other', () => {
    type Shape = { task: 'segmentation'; windows: number } | { task: 'detection'; boxes: number };
    const text = (shape: Shape) =>
      forTask<Shape, string>(shape, {
        segmentation: ({ windows }) => `${windows} windows`,
        detection: ({ boxes }) => `${boxes} boxes`,
      });
    assert.equal(text({ task: 'segmentation', windows: 3 }), '3 windows');
    assert.equal(text({ task: 'detection', boxes: 2 }), '2 boxes');
    const asked: [boolean, boolean][] = (['classification', 'segmentation', 'detection'] as const).map(
      (task) => [isDense({ task }), isOfTrainable({ task })],
    );
    assert.deepEqual(asked, [
      [false, true],
      [true, false],
      [true, false],
    ]);
  });
});

test('architectures are named as sentences name several', () => {
  assert.equal(
    titlesOf(({ isTrainable }) => isTrainable),
    'Vim or VideoMamba',
  );
  assert.equal(
    titlesOf(() => true, 'and'),
    'Vim, VideoMamba and MambaReg',
  );
  assert.equal(
    titlesOf(({ hasRegisters }) => hasRegisters),
    ARCHITECTURES.mambareg.title,
  );
});
