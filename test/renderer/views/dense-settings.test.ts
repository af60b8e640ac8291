import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { taskOf } from '../../../renderer/lib/runs/task.ts';
import { settingsOf } from '../../../renderer/views/new-run/dense-settings.ts';

const all = { inputSize: 512, minScore: 0, maxDetections: 50, slideStride: 320 };

suite('settings of models that draw boxes and maps', () => {
  test('are those that the task has', () => {
    assert.deepEqual(settingsOf({ task: 'classification' }, all), {});
    assert.deepEqual(settingsOf({ task: 'detection' }, all), {
      inputSize: 512,
      minScore: 0,
      maxDetections: 50,
    });
    assert.deepEqual(settingsOf({ task: 'segmentation' }, all), { inputSize: 512, slideStride: 320 });
  });

  test('are left to the model where nothing is said', () => {
    const none = { inputSize: null, minScore: null, maxDetections: null, slideStride: null };
    assert.deepEqual(settingsOf({ task: 'detection' }, none), {});
  });

  test('of a run tell its task', () => {
    const detection = { minScore: 0.05, nmsIou: 0.5, maxDetections: 100 };
    assert.equal(taskOf({ detection }), 'detection');
    assert.equal(taskOf({ slideStride: 32 }), 'segmentation');
    assert.equal(taskOf({}), 'classification');
  });
});
