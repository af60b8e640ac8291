import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { root } from '../../build/setup.mjs';

test('the demo names the sample parts, most of them right, with both presets, and writes the CSV', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(root, 'build/demo.ts')], {
    encoding: 'utf8',
  });
  assert.equal(status, 0, stderr);
  const rightOf = (preset: string) => Number(new RegExp(`^${preset} +(\\d+) of 60 `, 'm').exec(stdout)?.[1]);
  assert.ok(rightOf('Accurate') >= 56 && rightOf('Fast') >= 50, stdout);
  // What the engine gains is not told as if a run gained it.
  assert.doesNotMatch(stdout.slice(stdout.indexOf('patches kept')), /images\/s/);
  assert.match(stdout, /engine alone[^]*Fast\s+gains little or nothing/);
  const csv = /^CSV: (.*)$/m.exec(stdout)?.[1] ?? '';
  assert.equal(fs.readFileSync(csv, 'utf8').trimEnd().split('\r\n').length, 61);
});
