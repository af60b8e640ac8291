import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import {
  findArguments,
  finderSize,
  NOTHING_FIRST,
  runsWithBoxes,
} from '../../../renderer/views/new-run/find-first.ts';
import { markedBoxes, placed } from '../../../renderer/views/image/box-set.ts';
import type { Run } from '../../../electron/shared/run.ts';

suite('the form of what is found first', () => {
  test('names a model or a run, and leaves what is empty to its default', () => {
    assert.equal(findArguments(NOTHING_FIRST), undefined);
    assert.deepEqual(findArguments({ ...NOTHING_FIRST, source: 'model:a:b' }), {
      model: 'a:b',
      rule: 'best',
    });
    const form = { ...NOTHING_FIRST, source: 'run:12', above: 0, margin: 0.25, rule: 'most' } as const;
    assert.deepEqual(findArguments(form), { runId: 12, above: 0, margin: 0.25, rule: 'most' });
  });

  test('says how a model finds, and nothing of that where a run has found already', () => {
    const how = { ...NOTHING_FIRST, preset: 'fast', inputSize: 256 } as const;
    const model = { ...how, source: 'model:a' };
    assert.deepEqual(findArguments(model), { model: 'a', preset: 'fast', rule: 'best' });
    assert.deepEqual(finderSize(model), { inputSize: 256 });
    const run = { ...how, source: 'run:3' };
    assert.deepEqual(findArguments(run), { runId: 3, rule: 'best' });
    assert.deepEqual(finderSize(run), {});
    assert.deepEqual(finderSize({ ...NOTHING_FIRST, source: 'model:a' }), {});
  });

  test('names the kinds that keep the label of what finds, or that none does', () => {
    const form = { ...NOTHING_FIRST, source: 'model:a' };
    const passed = (pass: string) => findArguments({ ...form, pass })?.pass;
    assert.deepEqual(passed(' person,  cargo bike ,'), ['person', 'cargo bike']);
    assert.deepEqual(passed('none'), []);
    assert.equal(passed(' '), undefined);
  });

  test('offers runs with boxes on the chosen folders alone', () => {
    const preset = { name: 'accurate', tokenKeep: [], blockThreshold: 0, precision: 'fp32' as const };
    const detection = { minScore: 0.05, nmsIou: 0.5, maxDetections: 100 };
    const run = (id: number, spec: object, ok = 3): Run => ({
      id,
      spec: { folders: ['/a'], modelName: 'm', modelSha256: 'm', preset, device: 'cpu', ...spec },
      state: 'done',
      elsewhere: false,
      createdAt: '',
      finishedAt: undefined,
      counts: { total: 3, pending: 3 - ok, ok, failed: 0 },
      blank: 0,
      notes: [],
      reason: undefined,
    });
    const runs = [
      run(1, { detection }),
      run(2, {}),
      run(3, { detection, folders: ['/a', '/b'] }),
      run(4, { detection }, 0),
    ];
    assert.deepEqual(
      runsWithBoxes(runs, ['/a']).map(({ id }) => id),
      [1],
    );
  });
});

test('a box says what its finder said until a person moves it', () => {
  const finder = { label: 'animal', score: 0.9, labelScore: 0.8 };
  const found = {
    number: 0,
    classIndex: 1,
    label: 'fox',
    score: 0.72,
    maskArea: 0,
    x: 1,
    y: 2,
    width: 3,
    height: 4,
  };
  const details = { detections: [{ ...found, finder }], humanBoxes: undefined, run: { id: 2 } };
  const [box] = markedBoxes(details, 0);
  assert.ok(box !== undefined);
  assert.deepEqual(box.finder, finder);
  assert.equal(placed(box, { x: 5, y: 2, width: 3, height: 4 }).finder, undefined);
});
