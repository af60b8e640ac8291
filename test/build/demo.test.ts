import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../../build/setup.mjs';

test('the demo labels most of the sample pictures right and writes the CSV', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'build/demo.ts')], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const right = /^(\d+) of 12 right$/m.exec(stdout);
  assert.ok(Number(right?.[1]) >= 7, stdout);
  const csv = /^CSV: (.*)$/m.exec(stdout)?.[1] ?? '';
  assert.equal(fs.readFileSync(csv, 'utf8').trimEnd().split('\r\n').length, 13);
});
