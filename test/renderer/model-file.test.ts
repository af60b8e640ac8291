import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isModelFile } from '../../renderer/lib/runs/model-file.ts';

test('a file that is dropped is a model by its ending, in any case', () => {
  for (const path of ['/a/b.pth', 'C:\\a\\B.PT', 'x.SafeTensors']) assert.equal(isModelFile(path), true);
  for (const path of ['/a/pth', '/a/b.pth.d', '/pictures', '/a/b.jpg'])
    assert.equal(isModelFile(path), false);
});
